import pytest

from toolcalling import evaluation as ev

KB, WEB = "search_knowledge_base", "search_google"


def call(name, body="{query:<escape>x<escape>}"):
    return f"<start_function_call>call:{name}{body}<end_function_call>"


@pytest.mark.parametrize(
    ("reply", "expected", "outcome", "called"),
    [
        (call(KB), KB, "correct", KB),
        (call(KB) + "<start_function_response>x", KB, "correct", KB),
        ("Let me look. " + call(KB), KB, "correct", KB),
        (call(WEB), KB, "wrong_tool", WEB),
        (call(WEB), None, "wrong_tool", WEB),
        (call(KB) + call(KB), KB, "several_calls", None),
        (f"I would call {KB}.", KB, "no_call", None),
        ("", KB, "no_call", None),
        ("Good morning!<end_of_turn>", None, "correct", None),
        (call(KB, "{query:<escape>x}") + "<end_of_turn>", KB, "malformed", None),
        (call(KB, "{query:<escape>x}") + "<end_of_turn>", None, "malformed", None),
        (call(KB, "{query:<escape>x}"), KB, "cut", None),
        (call("search_bing"), KB, "unknown_tool", None),
        (call(KB, "{}"), KB, "bad_arguments", KB),
        (call(KB, "{query:3}"), KB, "bad_arguments", KB),
        (call(KB, "{query:<escape> <escape>}"), KB, "bad_arguments", KB),
        (call(KB, "{query:<escape>x<escape>,n:1}"), KB, "bad_arguments", KB),
    ],
)
def test_judge(tools, reply, expected, outcome, called):
    assert ev.judge(reply, expected, tools) == ev.Judgement(outcome, called)


def test_judge_label():
    assert ev.judge_label(KB, KB).correct and ev.judge_label(None, None).correct
    assert ev.judge_label(None, KB).outcome == "no_call"
    assert ev.judge_label(KB, None).outcome == "wrong_tool"


def test_wilson_against_published_figures():
    # 16 of 20 and 2 of 20: Wilson 95% 58.4 to 91.9 and 2.8 to 30.1 per cent
    assert ev.wilson(16, 20) == pytest.approx([0.584, 0.919], abs=5e-4)
    assert ev.wilson(2, 20) == pytest.approx([0.028, 0.301], abs=5e-4)
    assert ev.wilson(0, 0) == [0.0, 1.0]
    assert ev.wilson(5, 5)[1] == pytest.approx(1.0)


def test_mcnemar_against_published_figures():
    before = [False] * 18 + [True] * 2
    after = [True] * 14 + [False] * 4 + [True] * 2
    fixed, broken, p = ev.mcnemar(before, after)
    assert (fixed, broken) == (14, 0)
    assert p == pytest.approx(0.00012, abs=5e-6)
    assert ev.mcnemar([True], [True]) == (0, 0, 1.0)


def test_score_and_confusion(tools):
    rows = [{"slice": "a", "tool_name": KB}, {"slice": "a", "tool_name": WEB},
            {"slice": "b", "tool_name": None}]  # fmt: skip
    judged = [ev.judge(r, row["tool_name"], tools)
              for r, row in zip([call(KB), call(KB), "hi"], rows)]  # fmt: skip
    result = ev.score(rows, judged)
    assert (result["n"], result["correct"], result["strict"]) == (3, 2, 2 / 3)
    assert result["outcomes"] == {"correct": 2, "wrong_tool": 1}
    assert result["slices"]["a"]["correct"] == 1 and result["slices"]["b"]["n"] == 1
    assert ev.confusion(rows, judged, tools) == {
        KB: {KB: 1, WEB: 0, "other": 0},
        WEB: {KB: 1, WEB: 0, "other": 0},
        "no tool": {KB: 0, WEB: 0, "other": 1},
    }


def test_evaluate_metric_gives_the_same(tools):
    import evaluate

    from conftest import ROOT

    metric = evaluate.load(str(ROOT / "notebooks" / "metrics" / "tool_call"))
    replies, due = [call(KB), call(WEB), "hi", "hi"], [KB, KB, "", KB]
    result = metric.compute(predictions=replies, references=due, tools=tools)
    judged = [ev.judge(r, d or None, tools) for r, d in zip(replies, due)]
    expected = ev.rate([j.correct for j in judged])
    assert (
        (result["correct"], result["n"])
        == (2, 4)
        == (expected["correct"], expected["n"])
    )
    assert [result["wilson_low"], result["wilson_high"]] == expected["wilson"]
    assert (result["wrong_tool"], result["no_call"]) == (1, 1)
    with pytest.raises(ValueError, match="tools="):
        metric.compute(predictions=replies, references=due)


def row(tool, family="f", slice="contrast", text="x"):
    return {"tool_name": tool, "family": family, "slice": slice, "user_content": text}


def test_measures_case_by_case(task):
    rows = [row(KB, "a"), row(WEB, "a"), row(KB, "b"), row(WEB, "b"), row(None, "c"),
            row(None, "d"), row(KB, "b", "paraphrase"), row(WEB, "e")]  # fmt: skip
    judged = [
        ev.Judgement("correct", KB), ev.Judgement("correct", WEB),
        ev.Judgement("wrong_tool", WEB, (WEB,)), ev.Judgement("correct", WEB),
        ev.Judgement("correct"), ev.Judgement("malformed"),
        ev.Judgement("several_calls", None, (KB, WEB)),
        ev.Judgement("bad_arguments", WEB),
    ]  # fmt: skip
    found = ev.measures(rows, judged, task)
    counts = {k: (v["correct"], v["n"]) for k, v in found.items() if k != "macro_f1"}
    assert counts == {
        "call_rate": (7, 8), "valid_calls": (4, 8), "names_right": (4, 6), "arguments_right": (3, 4),
        f"recall {KB}": (1, 3), f"recall {WEB}": (2, 3),
        "no_tool_specificity": (1, 2), "leak_rate": (2, 3), "consistency": (1, 2),
    }  # fmt: skip
    # KB: 1 of 1 called, 1 of 3 due; WEB: 2 of 3, 2 of 3; none: 1 of 1, 1 of 2
    assert found["macro_f1"] == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3)


def test_always_abstaining_shows(task):
    rows = [row(KB), row(WEB), row(None)]
    silent = [ev.judge_label(None, r["tool_name"]) for r in rows]
    found = ev.measures(rows, silent, task)
    assert found["no_tool_specificity"]["strict"] == 1.0
    assert found["call_rate"]["strict"] == 0.0 == found["leak_rate"]["strict"]
