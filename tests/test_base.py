"""The base that can call: its rows, its yardsticks, what training changed."""

import copy
import json
import zipfile

import matplotlib.pyplot as plt
import pytest
import torch

from toolcalling import general
from toolcalling.base import bfcl, decision, delta, report, run
from toolcalling.calls import FunctionCall
from toolcalling.general import catalogue
from toolcalling.judging import matching

FUNCTION = {
    "name": "geo.area",
    "description": "Area of a shape.",
    "parameters": {
        "type": "dict",
        "properties": {
            "side": {"type": "float"},
            "corners": {"type": "tuple", "items": {"type": "integer"}},
            "note": {"type": "any"},
            "inside": {"type": "dict", "properties": {"depth": {"type": "float"}}},
        },
        "required": ["side"],
    },
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A package such as bfcl-eval's, of one question a part."""
    file = tmp_path_factory.mktemp("wheel") / "bfcl.whl"
    said = [{"role": "system", "content": "In metres."},
            {"role": "user", "content": "How large? <escape>"}]  # fmt: skip
    row = {"id": "a", "question": [said], "function": [FUNCTION]}
    due = {"id": "a", "ground_truth": [{"geo.area": {"side": [2.5], "note": ["", 1]}}]}
    with zipfile.ZipFile(file, "w") as archive:
        for part in ("simple_python", "irrelevance"):
            name = f"BFCL_v4_{part}.json"
            archive.writestr(f"bfcl_eval/data/{name}", json.dumps(row) + "\n")
        name = "bfcl_eval/data/possible_answer/BFCL_v4_simple_python.json"
        archive.writestr(name, json.dumps(due) + "\n")
    return file


def test_a_question_is_read_as_a_prompt_with_the_calls_due(wheel):
    (row,) = bfcl.load_part("simple_python", wheel)
    assert [m["role"] for m in row["prompt"]] == ["developer", "user", "user"]
    assert "<escape>" not in row["prompt"][-1]["content"]
    assert row["accepted"] == [
        {"name": "geo.area", "arguments": {"side": [2.5], "note": ["", 1]}}
    ]
    shown = row["tools"][0]["function"]["parameters"]
    assert shown["type"] == "object" and shown["required"] == ["side"]
    assert shown["properties"] == {
        "side": {"type": "number"},
        "corners": {"type": "array", "items": {"type": "integer"}},
        "note": {},
        "inside": {"type": "object", "properties": {"depth": {"type": "number"}}},
    }
    assert FUNCTION["parameters"]["type"] == "dict"  # the package's own is left alone
    (row,) = bfcl.load_part("irrelevance", wheel)
    assert row["accepted"] == []


def test_without_the_package_the_reason_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(bfcl, "PACKAGE", "no-such-package-of-anybody==0.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(RuntimeError, match="no-such-package.* can't be had: "):
        bfcl.fetch(tmp_path)


def test_rows_to_train_on_declare_no_tool_of_the_dev_set(wheel, monkeypatch):
    monkeypatch.setattr(bfcl, "fetch", lambda: wheel)
    said = []
    rows = run.training_rows(1, 400, log=said.append)
    assert len(rows) == 400 and said[0].startswith("near duplicates dropped: ")
    for start in range(0, 400, 8):
        assert len({row["set"] for row in rows[start : start + 8]}) == 1
    dev = run.dev_rows(80)
    finders = [t.says for t in catalogue.tools() if t.field == run.SHARED]
    finders = tuple(text.rstrip(".") for says in finders for text in says)
    shared = described(rows) & described(dev)
    assert not [text for text in shared if not text.startswith(finders)]
    with pytest.raises(ValueError, match="nowhere"):
        general.rows(1, 8, fields={"nowhere"})
    with pytest.raises(ValueError, match="too few"):
        general.rows(5, 200, policy=0, fields={run.SHARED})


def described(rows):
    return {t["function"]["description"] for row in rows for t in row["tools"]}


def test_dev_prompts_have_the_calls_of_their_rows():
    prompts = run.prompts("dev", limit=40)
    for row, prompt in zip(run.dev_rows(), prompts):
        calls = row["completion"][0].get("tool_calls", [])
        calls = [FunctionCall(**c["function"]) for c in calls]
        assert matching.check(calls, prompt["tools"], prompt["accepted"]) is None
    assert any(p["accepted"] for p in prompts)


def test_a_prompt_whose_tools_no_grammar_expresses_is_asked_free(tiny_loaded, wheel):
    model, tokenizer, machine = tiny_loaded
    asked = bfcl.load_part("simple_python", wheel) + run.prompts("unseen", limit=3)
    for mode, free in (("free", 0), ("constrained", 1)):
        figures, replies, wrong = run.measure(model, tokenizer, machine, asked, mode)
        assert figures["unconstrained"] == free and figures["n"] == len(replies) == 4
        assert sum(figures["misses"].values()) == 4 - figures["right"]
        assert figures["right"] == wrong.count(None)
        assert figures["invalid"] <= sum(figures["misses"].values())
    assert figures["invalid"] == 0
    assert not any("malformed" in (w or "") for w in wrong[1:])


@torch.no_grad()
def changed(model):
    """The model with every layer and the control tokens' rows changed, and before."""
    before = {name: p.clone() for name, p in model.named_parameters()}
    torch.manual_seed(1)
    matrix = model.get_input_embeddings().weight
    for weight in model.parameters():
        if weight is not matrix:
            weight += 0.01 * torch.randn_like(weight)
    matrix[delta.CONTROL] += 0.5
    return before


def test_a_difference_makes_the_trained_model_again(tiny_loaded):
    first, trained = copy.deepcopy(tiny_loaded[0]), copy.deepcopy(tiny_loaded[0])
    kept = delta.difference(trained, changed(trained))
    delta.add(first, kept)
    for name, weight in trained.named_parameters():
        torch.testing.assert_close(dict(first.named_parameters())[name], weight)


def test_low_rank_keeps_the_more_the_higher_the_rank(tiny_loaded):
    model = copy.deepcopy(tiny_loaded[0])
    kept = delta.difference(model, changed(model))
    lost = []
    for rank in (2, 8, 32):
        first = copy.deepcopy(tiny_loaded[0])
        delta.add(first, delta.low_rank(kept, rank))
        own = dict(first.named_parameters())
        lost.append(sum(((own[n] - w) ** 2).sum() for n, w in model.named_parameters()))
    assert lost[0] > lost[1] > lost[2]


def test_a_difference_of_another_model_is_refused_whole(tiny_loaded):
    model = copy.deepcopy(tiny_loaded[0])
    kept = delta.difference(model, changed(model))
    before = {name: p.clone() for name, p in model.named_parameters()}
    name = next(n for n in kept if n != delta.ROWS)
    with pytest.raises(ValueError, match="does not fit"):
        delta.add(model, kept | {name: torch.zeros(3, 3)})
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name])


def measured(name, right, unseen=(30, 48), **more):
    """A line of calling.jsonl: so many of a hundred right in every part."""
    bfcl_part = {m: {"right": right, "n": 100, "invalid": 2} for m in run.MODES}
    parts = {p: dict(bfcl_part) for p in ("simple_python", "multiple", "irrelevance")}
    parts["unseen"] = {m: {"due": list(unseen), "none": [9, 16]} for m in run.MODES}
    fixed = {"rows": 8, "minutes": 1.5, "mix": {"plain": 1.0}}
    return {"run": name, **fixed, **parts, **more}


def test_the_base_is_taken_where_every_aim_is_met():
    for right, unseen, taken in ((62, (22, 48), True), (61, (22, 48), False),
                                 (62, (21, 48), False)):  # fmt: skip
        records = [measured("plain", 0), measured("b", right, unseen)]
        found = decision.summary(records, "b")["decision"]
        assert found["taken"] is taken, (right, unseen)
    missing = measured("b", 100)
    del missing["multiple"]["constrained"]
    found = decision.summary([measured("plain", 0), missing], "b")["decision"]
    assert not found["taken"] and not found["met"]["multiple"]["constrained"]
    assert found["met"]["multiple"]["free"]


def test_the_summary_holds_the_tuned_by_share_and_the_adapter():
    records = [
        measured("plain", 0), measured("b", 50),
        measured("t20", 40, on="b", share=0.2, policy={"correct": 9, "n": 10}),
        measured("t0", 10, on="b", share=0.0), measured("other", 1, on="c", share=0.0),
        {"run": "r", "of": "b", "rank": 8, "adapter_mb": 4.2},
    ]  # fmt: skip
    found = decision.summary(records, "b")
    assert list(found["models"]) == [
        "plain", "taught", "tuned, 0 % general rows", "tuned, 20 % general rows",
    ]  # fmt: skip
    taught = found["models"]["taught"]
    assert taught["bfcl"]["multiple"] == {"free": [50, 100], "constrained": [50, 100]}
    assert taught["unseen"]["free"] == [30, 48] and "dev" not in taught["bfcl"]
    assert list(found["shares"].values()) == [0.0, 0.2]
    assert found["adapter_mb"] == 4.2 and len(found["policy"]) == 1


def test_the_table_compares_what_more_than_one_was_asked():
    own = {"correct": 9, "n": 10, "variants": {"renamed": 4, "flipped": 3}}
    tuned = measured("t0", 10, on="b", share=0.0, policy=own)
    other = measured("t20", 10, on="b", share=0.2, policy=own)
    for record in (tuned, other):
        del record["multiple"]
    found = decision.summary(
        [measured("plain", 0), measured("b", 50), tuned, other], "b"
    )
    columns = {"taught": ("taught", "free"), "grammar": ("taught", "constrained")}
    table = report.table(found, columns, published=True)
    lines = {line["asked"]: line for line in table}
    assert list(table[0]) == ["asked", "taught", "grammar", "FunctionGemma"]
    assert lines["multiple"] == {
        "asked": "multiple", "taught": "50/100 (40 to 60%)",
        "grammar": "50/100 (40 to 60%)", "FunctionGemma": "63.5%",
    }  # fmt: skip
    assert lines["unseen tools, a call due"]["grammar"].startswith("30/48")
    first, second = (f"tuned, {share} % general rows" for share in (0, 20))
    columns = {
        "before": ("taught", "free"),
        "0%": (first, "free"),
        "20%": (second, "free"),
    }
    lines = {line["asked"]: line for line in report.table(found, columns)}
    assert "multiple" not in lines  # asked of one alone
    assert not lines["the task's test"]["before"]
    assert lines["the task's test"]["0%"].startswith("9/10")
    assert lines["its tools flipped"]["20%"].startswith("3/10")


def test_invalid_calls_are_counted_over_the_parts_that_all_were_asked():
    tuned = measured("t0", 10, on="b", share=0.0)
    del tuned["multiple"]
    found = decision.summary([measured("plain", 0), measured("b", 50), tuned], "b")
    columns = {"a": ("taught", "free"), "b": ("tuned, 0 % general rows", "free")}
    *_, last = report.table(found, columns)
    # simple_python and irrelevance, two of a hundred each
    assert last == {"asked": "an invalid call, of 200 replies", "a": "4", "b": "4"}


def test_the_rule_the_curve_and_the_picture():
    policy = {"correct": 9, "n": 10, "variants": {"renamed": 4, "flipped": 3}}
    trained = {"losses": [], "rate": 5e-5, "device": "a CPU"}
    records = [
        measured("plain", 0), measured("b", 60, **trained),
        measured("t0", 10, on="b", share=0.0, policy=policy),
        measured("t20", 40, on="b", share=0.2, policy=policy),
    ]  # fmt: skip
    for record in records:
        record["simple_python"]["free"]["due"] = [
            record["simple_python"]["free"]["right"],
            100,
        ]
    found = decision.summary(records, "b")
    lines = report.rule(found)
    assert [line[""] for line in lines] == [
        "met", "missed", "met", "met", "met", "met", "met",
    ]  # fmt: skip
    assert lines[0] == {"asked": "simple python", "replies": "free",
                        "at least": "58%", "right": "60.0%", "": "met"}  # fmt: skip
    (line,) = report.curve(records)
    assert line["simple"] == "60/100" and line["unseen tools, a call due"] == "30/48"
    assert line["said outright"] == "100%"
    figure, ax = plt.subplots()
    report.forgetting(ax, found)
    drawn = {line.get_label(): list(line.get_ydata()) for line in ax.get_lines()}
    assert drawn["simple"] == [10, 40] and drawn["the task's test"] == [90, 90]
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "before",
        "0%",
        "20%",
    ]
    plt.close(figure)


def test_a_miss_is_told_by_its_kind_and_not_by_names_or_values():
    whole = "<start_function_call>call:f{}<end_function_call><start_function_response>"
    for problem, reply, kind in (
        ("parameter 'is_required' has another value than accepted: 'a: malformed'",
         whole, "another value"),
        ("required parameter 'due' is missing", whole, "required value missing"),
        ("malformed: a value is missing", whole[:-1], "cut"),
        ("malformed: a value is missing", whole, "malformed"),
        ("1 call, none due", whole, "a needless call"),
    ):  # fmt: skip
        assert run._kind(problem, reply) == kind
