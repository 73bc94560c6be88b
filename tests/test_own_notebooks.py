"""Notebooks 02 to 06 on task folders of every kind, on the tiny model."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import series
from conftest import ROOT
from toolcalling import tasks, workspace

BOOKS = [name for name, *_ in series.SERIES[1:6]]


def tool(name, required, **properties):
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": f"To {name}.", "parameters": parameters}


STRING = {"type": "string", "description": "A text"}
ONE = [tool("note", ["text"], text=STRING)]
EIGHT = [
    tool(f"tool_{i}", ["n"], n={"type": "integer", "description": "A number"},
         on={"type": "boolean", "description": "Whether"})
    for i in range(8)
]  # fmt: skip


def asked(text, *calls, reply=None):
    """A row in OpenAI's form."""
    made = [
        {"type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
        for n, a in calls
    ]
    answer = {"role": "assistant", "content": reply, "tool_calls": made or None}
    return {"messages": [{"role": "user", "content": text}, answer]}


def short(message, name=None, /, **arguments):
    """A row in the short form."""
    if name is None:
        return {"user_content": message, "tool_name": None, "reply": "Hello!"}
    return {"user_content": message, "tool_name": name, "tool_arguments": arguments}


def words(number):
    """A message unlike its neighbours."""
    names = [
        "amber",
        "birch",
        "coral",
        "dune",
        "ember",
        "fern",
        "glade",
        "heath",
        "iris",
        "jade",
    ]
    return f"{names[number % 10]} {names[number // 10 % 10]} {number * 7919}"


def eight(i):
    return short(words(i), f"tool_{i % 8}", n=i, **({"on": True} if i % 3 else {}))


def parallel(i):
    if i % 4 == 0:
        return asked(words(i), reply="I can't do that.")
    calls = [(f"tool_{i % 8}", {"n": i}), (f"tool_{(i + i % 3) % 8}", {"n": i + 1})]
    return asked(words(i), *calls[: 1 + i % 2])


def turns(i):
    """A call, its result and the answer."""
    row = asked(words(i), ("note", {"text": words(i)}))
    row["messages"][1]["tool_calls"][0]["id"] = "a"
    result = {"role": "tool", "tool_call_id": "a", "content": '{"saved": true}'}
    return {"messages": [
        {"role": "system", "content": "Take notes."}, *row["messages"], result,
        {"role": "assistant", "content": f"Noted: {words(i)}."},
    ]}  # fmt: skip


def mobile(i):
    """As Google's Mobile Actions: tools in the row, types in capitals."""
    own = json.loads(json.dumps(ONE).replace('"string"', '"STRING"'))
    row = asked(words(i), ("note", {"text": words(i)}))
    return {"metadata": "train", "tools": [{"function": f} for f in own], **row}


KINDS = {
    "one tool": (ONE, lambda i: short(words(i), *["note"] * (i % 3 > 0),
                                      **{"text": words(i)} if i % 3 else {})),
    "eight tools": (EIGHT, eight),
    "two calls in a row": (EIGHT, parallel),
    "several turns": (ONE, turns),
    "tools in the rows, none without": (None, mobile),
}  # fmt: skip


def write(folder, tools, row):
    folder.mkdir()
    if tools:
        (folder / "tools.json").write_text(json.dumps(tools))
    lines = [json.dumps(row(i)) for i in range(24)]
    (folder / "train.jsonl").write_text("\n".join(lines))
    return folder


def run_all(task, tiny):
    for name in BOOKS:
        workspace.run_notebook(series.NOTEBOOKS / f"{name}.ipynb", tiny, task)


@pytest.fixture(scope="module")
def ran(tiny, tmp_path_factory):
    """{kind: its task}, after the notebooks ran on each, two at a time."""
    base = tmp_path_factory.mktemp("own")
    folders = {
        kind: write(base / f"task{i}", *made)
        for i, (kind, made) in enumerate(KINDS.items())
    }
    folders["helpdesk"] = ROOT / "data" / "helpdesk"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLCALLING_WORKSPACE", str(base / "space"))
        patch.setenv("TOOLCALLING_EPOCHS", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda folder: run_all(folder, tiny), folders.values()))
        loaded = {k: tasks.load_task(f, log=lambda _: None) for k, f in folders.items()}
        yield base / "space" / tiny.name, loaded


@pytest.mark.parametrize("kind", [*KINDS, "helpdesk"])
def test_the_notebooks_end_in_figures_of_this_task(ran, kind):
    space, loaded = ran
    task = loaded[kind]
    folder = next(p for p in space.iterdir() if p.name.startswith(task.name))
    core = json.loads((folder / "core.json").read_text())
    assert (core["task"], core["data"]) == (task.name, task.hash)
    assert core["after"]["n"] == len(task.rows["test"]) == len(core["replies"])
    due = {
        name
        for row in task.rows["test"]
        for name in (row["tool_name"] or "").split(" + ")
    }
    recalls = {k.removeprefix("recall ") for k in core["measures"] if "recall" in k}
    assert recalls == due - {""}
    none = [row for row in task.rows["test"] if not row["calls"]]
    assert ("no_tool_specificity" in core["measures"]) == bool(none)
    assert task.developer.splitlines()[-1] in (folder / "hub" / "README.md").read_text()
