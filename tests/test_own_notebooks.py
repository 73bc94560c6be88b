"""Notebooks 02 to 06 on task folders of every kind, on the tiny model."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import series
from toolcalling import tasks

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


def run(space, tiny, task, *books):
    """Execute notebooks in that workspace, one after the other."""
    env = {**os.environ, "TOOLCALLING_WORKSPACE": str(space), "TOOLCALLING_EPOCHS": "1",
           "OMP_NUM_THREADS": "1"}  # fmt: skip
    code = (
        "import sys; from toolcalling import workspace\n"
        "for book in sys.argv[3:]: workspace.run_notebook(book, *sys.argv[1:3])"
    )
    command = [sys.executable, "-c", code, str(tiny), str(task), *map(str, books)]
    done = subprocess.run(
        command, cwd=series.NOTEBOOKS, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def book(name):
    return series.NOTEBOOKS / f"{name}.ipynb"


@pytest.fixture(scope="module")
def ran(tiny, tmp_path_factory):
    """{kind: (its task, its workspace)} after notebooks 02 to 06 ran on each."""
    base, books = tmp_path_factory.mktemp("own"), [book(name) for name in BOOKS]
    folders = {
        kind: write(base / f"task{i}", *made)
        for i, (kind, made) in enumerate(KINDS.items())
    }

    def run_all(folder):
        run(base / f"space of {folder.name}", tiny, folder, *books)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_all, folders.values()))
    return {
        kind: (
            tasks.load_task(folder, log=lambda _: None),
            base / f"space of {folder.name}" / tiny.name,
        )
        for kind, folder in folders.items()
    }


def check(folder, task):
    """The folder holds what notebooks 03 to 06 leave, all of it of this task."""
    core = json.loads((folder / "core.json").read_text())
    assert (core["task"], core["data"]) == (task.name, task.hash)
    assert core["after"]["n"] == len(task.rows["test"]) == len(core["replies"])
    due = {call["name"] for row in task.rows["test"] for call in row["calls"]}
    recalls = {k.removeprefix("recall ") for k in core["measures"] if "recall" in k}
    assert recalls == due
    none = [row for row in task.rows["test"] if not row["calls"]]
    assert ("no_tool_specificity" in core["measures"]) == bool(none)
    assert task.developer.splitlines()[-1] in (folder / "hub" / "README.md").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_notebooks_02_to_06_end_in_figures_of_this_task(ran, kind):
    task, space = ran[kind]
    (folder,) = space.iterdir()
    check(folder, task)


def test_the_help_desk_and_its_curve(executed, tiny, tmp_path):
    """Notebook 09 had 03, 04 and 06 run on it; 02, 05 and the curve are left."""
    task = tasks.load_task("helpdesk")
    folder = executed[0] / tiny.name / "helpdesk"
    check(folder, task)
    source = book("09_your_own_tools").read_text()
    for off, on in (("CURVE = False", "CURVE = True"), ("STEPS = 150", "STEPS = 1")):
        assert off in source
        source = source.replace(off, on)
    (tmp_path / "curve.ipynb").write_text(source)
    books = [book("02_dataset"), book("05_training_curves"), tmp_path / "curve.ipynb"]
    run(executed[0], tiny, task.folder, *books)
    made = json.loads((folder / "helpdesk.json").read_text())
    assert set(made["curve"]) == {"50", "100", "200"}
    for own in (made["before"], made["after"], *made["curve"].values()):
        assert own["strict"]["n"] == own["names"]["n"] == 178 >= own["arguments"]["n"]
