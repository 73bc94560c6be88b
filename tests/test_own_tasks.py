"""Other people's task folders: files, splits, settings, the command's verdict."""

import json
import os
import subprocess
import sys
import time

import pytest

from own_task import TOOLS, answer, calling, load, long, short, user, words, write
from toolcalling.tasks import ROOT, find_folder, load_task, main


def line(*rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


GOOD = line(short("Grüße", title="é"))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + GOOD,
        GOOD.replace("Grüße", "Gr\u2028ü\u2029\x85ße"),
        GOOD + "\r\n",
        f"\n\n  \n{GOOD}\n\n",
        GOOD.replace("Grüße", "\U0001f600"),
    ],
)
def test_files_that_load(tmp_path, content):
    task = load(tmp_path, content)
    assert len(task.rows["train"]) == 1
    assert task.rows["train"][0]["calls"][0]["arguments"] == {"title": "é"}


def test_lines_are_counted_as_an_editor_does(tmp_path):
    with pytest.raises(ValueError, match=r"train\.jsonl:4: title|train\.jsonl:4: tool"):
        load(tmp_path, f"\r\n{GOOD}\r\n\r\n{line(short('b'))}\r\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"{line(words('a'))}\n{GOOD}".encode("cp1252"), ":2: not UTF-8.*Save it as UTF-8"),
        ("{'a': 1}", ":1: not valid JSON"),
        (GOOD.encode("utf-16"), "UTF-16. Save it as UTF-8"),
        (GOOD.encode("utf-16-le"), "UTF-16 without a mark. Save it as UTF-8"),
        (GOOD.encode("utf-32"), "UTF-32. Save it as UTF-8"),
        (line(short("日本語", title="a")).encode("shift-jis"), ":1: not UTF-8.*UTF-8"),
        (json.dumps([words()], indent=1), "one JSON list. Write one row per line"),
        (json.dumps(words(), indent=1), ":1: not valid JSON.*one JSON object per line"),
        ("", "holds no rows"),
        ("\n \n", "holds no rows"),
        ('"Hi"', ":1: a row must be a JSON object, not str"),
        (GOOD[:-1], ":1: not valid JSON"),
        (GOOD[:-1] + ', "tool_name": null}', ":1: not valid JSON .*'tool_name' is given twice"),
        ('{"user_content": ' + "9" * 5000 + "}", ":1: "),
    ],
)  # fmt: skip
def test_files_refused(tmp_path, content, reason):
    with pytest.raises(ValueError, match=rf"train\.jsonl.*{reason}"):
        load(tmp_path, content)


@pytest.mark.parametrize(
    ("rows", "others", "reason"),
    [
        ([words(), short(title="a")], {}, "jsonl:2: contradicts train.jsonl:1"),
        ([short("hi!", n=1, title="a"), short("Hi!", n=2, title="a")], {}, "contradicts"),
        ([words("a")], {"test": [words("A.")]}, "test.jsonl:1: the same message as train"),
        ([words("a") | {"family": "f"}], {"dev": [words("b") | {"family": "f"}]},
         "dev.jsonl:1: family: 'f' is in train too"),
        ([words("a") | {"id": "i"}, words("b") | {"id": "i"}], {}, "id: 'i' is given at train.jsonl:1"),
        ([long(user("a"), answer())], {"dev": [long(user("a"), calling(("ping", {})))]},
         "dev.jsonl:1: contradicts train.jsonl:1"),
    ],
)  # fmt: skip
def test_rows_that_cannot_stand_together(tmp_path, rows, others, reason):
    with pytest.raises(ValueError, match=reason):
        load(tmp_path, rows, **others)


@pytest.mark.parametrize(
    "rows",
    [
        [short("Set -5", title="a", n=-5), short("Set 5", title="a", n=5)],
        [short("1.5 km", title="a", x=1.5), short("15 km", title="a", x=15)],
        [short("same", title="a", n=1), short("same", title="a", n=1)],
        [short("same", title="a", x=1), short("same", title="a", x=1.0)],
        [short("same", title="a b"), short("same", title="A-B")],
        [words("same", "Which one?"), words("same", "Please say which.")],
        [words("..."), short("-", title="a")],
        [words("a") | {"id": "train-2"}, words("b")],
    ],
)
def test_rows_that_contradict_nothing(tmp_path, rows):
    assert len(load(tmp_path, rows).rows["train"]) == 2


def test_free_text_contradicts_nothing(tmp_path):
    rows = [short("same", title="a"), short("same", title="b")]
    with pytest.raises(ValueError, match="contradicts"):
        load(tmp_path, rows)
    toml = {"task.toml": 'free_text = ["ticket.title"]'}
    assert load(tmp_path, rows, **toml).is_free("ticket", "title")


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("polcy = 'x'", "polcy: no such setting. Known: title, policy"),
        ("policy = 1", "policy: a text is needed"),
        ("title = ' '", "title: a text"),
        ("free_text = 'title'", "free_text: a list of texts"),
        ("free_text = [['title']]", "free_text: a list of texts"),
        ("free_text = ['titel']", "free_text: no tool has an argument 'titel'"),
        ("leak = {from = 'ticket'}", "leak: two tools"),
        ("leak = {from = 'ticket', to = ['ping']}", "leak: two tools"),
        ("leak = {from = 'ticket', to = 'pong'}", "leak: to: 'pong' is none .*ticket, ping"),
        ("slices = {a = 1}", "slices: a text for each"),
        ("title = ", "not valid TOML"),
    ],
)  # fmt: skip
def test_settings_refused(tmp_path, toml, reason):
    with pytest.raises(ValueError, match=f"task.toml: {reason}"):
        load(tmp_path, [words()], **{"task.toml": toml})


NO_SPLITS = {"dev": None, "test": None}


def test_a_file_of_another_name_is_told(tmp_path):
    said = []
    load_task(write(tmp_path, [words("a")], valid=[words("b")]), log=said.append)
    assert any("valid.jsonl is not read" in line for line in said)


def test_verdict(tmp_path, capsys):
    assert main([str(write(tmp_path, [words()]))]) == 0
    assert "Good" in capsys.readouterr().out
    assert main([str(write(tmp_path, '{"\\ud83d": "\\ud83d"}'))]) == 1
    assert "train.jsonl:1" in capsys.readouterr().out
    assert main([str(tmp_path / "none")]) == 1
    assert "tool_selection" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty")]) == 1
    assert "no train.jsonl. Write one row a line" in capsys.readouterr().out
    assert main([]) == 2


def test_command_on_a_console_without_unicode(tmp_path):
    write(tmp_path, line(words("ü") | {"日本": 1}))
    done = subprocess.run(
        [sys.executable, "-m", "toolcalling.tasks", str(tmp_path)], text=True,
        capture_output=True, cwd=ROOT / "notebooks",
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "") and "no such field" in done.stdout


def test_rows_without_tools_anywhere(tmp_path):
    with pytest.raises(ValueError, match="no tools"):
        load(tmp_path, [long(user(), answer(), tools=None)], tools=None, **NO_SPLITS)
    mixed = [long(user(), answer(), tools=TOOLS), long(user("b"), answer())]
    with pytest.raises(ValueError, match=r"no tools.*train\.jsonl:2"):
        load(tmp_path, mixed, tools=None, **NO_SPLITS)


def test_hash_is_of_what_was_loaded(tmp_path, monkeypatch):
    first = load(tmp_path, [words("a")])
    assert first.hash == load(tmp_path, [words("a")]).hash
    assert first.hash != load(tmp_path, [words("b")]).hash
    monkeypatch.setenv("TOOLCALLING_TASK", str(tmp_path))
    assert (
        find_folder() == tmp_path.resolve() and load_task(log=str).name == tmp_path.name
    )


def test_policy_is_in_every_prompt(tmp_path):
    task = load(tmp_path, [words("a")], **{"task.toml": "policy = 'Mine.'"})
    for split in task.rows:
        assert all(
            c["prompt"][0]["content"].endswith("\nMine.")
            for c in task.conversations(split)
        )


def test_100_000_rows(tmp_path):
    with (write(tmp_path, [], **NO_SPLITS) / "train.jsonl").open("w") as file:
        for i in range(100_000):
            row = [words(f"m {i}"), short(f"m {i}", title=f"t {i}", n=i, tags=["a"])][
                i % 2
            ]
            file.write(json.dumps(row) + "\n")
    start = time.perf_counter()
    task = load_task(tmp_path, log=lambda line: None)
    print(f"100,000 rows in {time.perf_counter() - start:.1f} s")
    assert sum(map(len, task.rows.values())) == 100_000
