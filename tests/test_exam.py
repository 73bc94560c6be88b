"""The sealed exam: nobody reads it, and no recipe sits it twice.

The sealed file itself is only compared with its seal here; the trials use rows of
their own.
"""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from toolcalling import tasks
from toolcalling.calls import FunctionCall, render_call

sys.path.insert(0, str(ROOT / "scripts"))
import exam  # noqa: E402

KB, WEB = "search_knowledge_base", "search_google"
OWN = (
    ("exam", "Who signs form B-12?", KB),
    ("exam", "Who won the Ashes in 2005?", WEB),
    ("exam", "Thanks!", None),
    ("messy", "hi, quick one - where do we keep the form b-12 now??", KB),
    ("messy", "morning! is the M40 shut again? my bus goes at 8", WEB),
    ("messy", "no worries then, have a nice day", None),
)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(
        json.dumps({
            "id": f"x-{n}", "family": f"f-{n}", "slice": "messy" if part == "messy" else "plain",
            "user_content": text, "tool_name": tool,
            **({"tool_arguments": {"query": text}} if tool else {"reply": "Fine."}),
        }) + "\n"
        for n, (part, text, tool) in enumerate(OWN)
    ))  # fmt: skip
    return path


@pytest.fixture
def folder(taught, tmp_path, task):
    folder = shutil.copytree(taught, tmp_path / "finetuned")
    noted = {"base": "tiny", "task": task.name, "data": task.hash, "epochs": 4}
    (folder / "toolcalling.json").write_text(json.dumps(noted))
    return folder


def asks(model, tokenizer, conversations, hardware, call_line=None):
    """Calls the internal search for everything but thanks."""
    asks.line = call_line
    reply = render_call(FunctionCall(KB, {"query": "x"}))
    said = [c["prompt"][-1]["content"] for c in conversations]
    return ["Bye." if "day" in text or "Thanks" in text else reply for text in said]


def test_an_exam_is_scored_by_parts_and_kept(folder, task, rows, tmp_path):
    record = tmp_path / "exam.json"
    entry = exam.sit(folder, task, rows, record, asks)
    assert [entry[part]["correct"] for part in ("exam", "messy")] == [2, 2]
    assert entry["exam"]["n"] == entry["messy"]["n"] == 3
    assert entry["messy"]["no_tool_specificity"]["correct"] == 1
    assert entry["messy"]["leak_rate"]["correct"] == 0
    assert entry["recipe"] == {"base": "tiny", "task": task.name, "data": task.hash,
                               "epochs": 4}  # fmt: skip
    assert entry["exam_sha256"] == hashlib.sha256(rows.read_bytes()).hexdigest()
    assert entry["outcomes"].count("wrong_tool") == 2 and asks.line is None
    kept = record.read_text()
    assert json.loads(kept) == [entry]
    assert not any(text in kept for _, text, _ in OWN)


def test_no_recipe_sits_it_twice(folder, task, rows, tmp_path):
    record = tmp_path / "exam.json"
    exam.sit(folder, task, rows, record, asks)
    before = record.read_text()

    def never(*_, **__):
        raise AssertionError("asked")

    noted = json.loads((folder / "toolcalling.json").read_text())
    again = noted | {"minutes": 3, "device": "cuda", "epoch": 2}  # the same recipe
    (folder / "toolcalling.json").write_text(json.dumps(again))
    with pytest.raises(RuntimeError, match="sat the exam on"):
        exam.sit(folder, task, rows, record, never)
    assert record.read_text() == before
    line = {"call_line": {"high": 0.9, "low": None, "margins": {}}}
    (folder / "toolcalling.json").write_text(json.dumps(noted | line))
    exam.sit(folder, task, rows, record, asks)  # another recipe
    assert len(json.loads(record.read_text())) == 2 and asks.line == 0.9


def test_without_a_model_it_says_what_to_do(task, rows, tmp_path):
    with pytest.raises(RuntimeError, match="Run notebook 04"):
        exam.sit(tmp_path, task, rows, tmp_path / "exam.json", asks)
    assert not (tmp_path / "exam.json").exists()


def test_the_sealed_file_is_the_one_whose_hash_the_card_names():
    seal = hashlib.sha256(exam.ROWS.read_bytes()).hexdigest()
    assert seal in (ROOT / "data" / "README.md").read_text()
    assert len(exam.ROWS.read_bytes().splitlines()) == 360


def test_nothing_else_opens_it():
    """By name: files of the project that mention its folder."""
    listed = subprocess.run(
        ["git", "grep", "-l", exam.ROWS.parent.name],
        cwd=ROOT, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert set(listed) <= {"scripts/exam.py", "data/README.md", "tests/test_exam.py"}
    for name in tasks.SPLITS:
        assert not (exam.ROWS.parent / f"{name}.jsonl").exists()
