"""Measures, metric and reply limit for any number of other people's tools."""

import json
from types import SimpleNamespace

import evaluate
import pytest

from own_task import load, short, words
from toolcalling.calls import FunctionCall, render_call
from toolcalling.evaluation import confusion, judge_rows, measures
from toolcalling.rows.schemas import normalise_tools
from toolcalling.speed.generation import reply_limit
from toolcalling.tasks import ROOT

END = "<start_function_response>"


def said(*calls, end=END):
    return "".join(render_call(FunctionCall(n, a)) for n, a in calls) + end


def due(*calls):
    return [{"name": n, "arguments": a} for n, a in calls]


def rows_of(count, parallel, silent):
    names = [f"t{i}" for i in range(count)]
    calls = [due((name, {})) for name in names[:2]] * 2
    calls += [due(*[(name, {}) for name in names[:2]])] * parallel + [[]] * silent
    rows = [
        {"calls": c, "tool_name": " + ".join(x["name"] for x in c) or None, "family": i,
         "slice": "s", "tools": None, "accepted": None}
        for i, c in enumerate(calls)
    ]  # fmt: skip
    task = SimpleNamespace(
        tools=normalise_tools([{"name": n} for n in names]), leak=None
    )
    task.is_free = lambda tool, argument: False
    return rows, task


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("parallel", [0, 2])
@pytest.mark.parametrize("silent", [0, 3])
def test_perfect_replies(count, parallel, silent):
    rows, task = rows_of(count, parallel, silent)
    replies = [said(*((c["name"], c["arguments"]) for c in r["calls"])) for r in rows]
    judged = judge_rows(replies, rows, task)
    found = measures(rows, judged, task)
    assert found.pop("macro_f1") == 1.0 and all(rate["n"] for rate in found.values())
    assert ("no_tool_specificity" in found) == bool(silent)
    assert [k for k in found if k.startswith("recall")] == [
        f"recall t{i}" for i in range(min(count, 2))
    ]
    assert "leak_rate" not in found and "consistency" not in found
    assert found["names_right"]["strict"] == found["arguments_right"]["strict"] == 1.0
    assert found["call_rate"]["correct"] == len(rows) - silent
    table = confusion(rows, judged, task.tools)
    assert table["no tool"]["other"] == silent
    metric = evaluate.load(str(ROOT / "notebooks/metrics/tool_call"))
    texts = [json.dumps(r["calls"]) if r["calls"] else "" for r in rows]
    result = metric.compute(predictions=replies, references=texts, tools=task.tools)
    assert result["strict"] == result["macro_f1"] == 1.0
    assert result["n"] == result["correct"] == len(rows)
    assert f"recall t{count - 1}" in result or count == 8


@pytest.mark.parametrize("silent", [0, 3])
def test_measures_of_a_model_that_never_calls(silent):
    rows, task = rows_of(2, 1, silent)
    found = measures(
        rows, judge_rows(["Hi<end_of_turn>"] * len(rows), rows, task), task
    )
    assert "arguments_right" not in found and found["call_rate"]["strict"] == 0
    assert found["names_right"]["strict"] == found["recall t0"]["strict"] == 0
    assert found["macro_f1"] < 0.5


def test_only_rows_without_a_call():
    rows, task = rows_of(1, 0, 4)
    rows = rows[-4:]
    found = measures(rows, judge_rows(["No<end_of_turn>"] * 4, rows, task), task)
    assert found["macro_f1"] == found["no_tool_specificity"]["strict"] == 1.0
    assert not {"names_right", "arguments_right", "recall t0"} & found.keys()


def test_limit_comes_from_the_longest_due_reply(tmp_path, tiny_loaded):
    body = "Dear all, the meeting of next Tuesday is moved to the big room. " * 6
    task = load(tmp_path, [short("a", title=body), words("b")])
    tokenizer = tiny_loaded[1]
    call = task.rows["train"][0]["calls"][0]
    needed = len(tokenizer(said((call["name"], call["arguments"])))["input_ids"])
    assert reply_limit(tokenizer, task.conversations("train")) > needed > 64
    assert reply_limit(tokenizer, task.conversations("dev")) == 64
