"""Records of the study read back."""

import json

import pytest

from toolcalling import study_results
from toolcalling.evaluation import Judgement
from toolcalling.workspace import data_hash

KB, WEB = "search_knowledge_base", "search_google"
OUTCOMES = {"ok": "correct", "no": "wrong_tool"}


def record(key="ours", seed=42, right="ok ok no no", rows=400, split=None):
    outcomes = [OUTCOMES[word] for word in right.split()]
    return {
        "run": f"{key} {seed}", "kind": key, "rows": rows, "seed": seed,
        "split": split, "data": data_hash(), "outcomes": outcomes,
        "names": [[KB]] * len(outcomes), "ids": list(range(len(outcomes))),
    }  # fmt: skip


def write(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def test_records_are_found_by_kind_and_seed(tmp_path):
    runs = [record(seed=43), record(seed=42), record(rows=160), record(split=1)]
    for number, run in enumerate(runs):
        run["run"] = str(number)
    records = study_results.load(write(tmp_path / "s.jsonl", runs))
    assert [r["seed"] for r in study_results.runs_of(records)] == [42, 43]
    assert len(study_results.runs_of(records, rows=160)) == 1


def test_missing_or_foreign_records_say_what_to_do(tmp_path):
    with pytest.raises(RuntimeError, match="make study"):
        study_results.load(tmp_path / "none.jsonl")
    other = record() | {"data": "x"}
    with pytest.raises(RuntimeError, match="other data"):
        study_results.load(write(tmp_path / "s.jsonl", [other]))


def test_judgements_and_hits():
    run = record(right="ok no") | {"names": [[KB], [WEB]]}
    assert study_results.judgements(run) == [
        Judgement("correct", KB), Judgement("wrong_tool", WEB)
    ]  # fmt: skip
    assert study_results.hits(run) == [True, False]


def test_rates_over_seeds():
    group = [record(right="ok ok ok no"), record(right="ok no no no")]
    found = study_results.rate_of_runs(group, ["a", "a", "b", "b"])
    assert (found["mean"], found["min"], found["max"], found["n"]) == (
        0.5,
        0.25,
        0.75,
        2,
    )
    assert 0 <= found["low"] <= 0.5 <= found["high"] <= 1


def test_difference_of_two_runs():
    before, after = [False] * 8 + [True] * 2, [True] * 9 + [False]
    families = [str(i // 2) for i in range(10)]
    found = study_results.difference(before, after, families)
    assert (found["fixed"], found["broken"]) == (8, 1)
    assert found["difference"] == pytest.approx(0.7)
    assert found["p"] == pytest.approx(2 * (1 + 9) / 2**9)
    assert found["low"] < 0.7 < found["high"] + 1e-9


def test_a_threshold_trades_leaks_for_misses():
    rows = [{"tool_name": KB}, {"tool_name": WEB}, {"tool_name": None}]
    run = {"choice": [[-2.0, -1.0], [-2.0, -1.0], [-1.0, -2.0]]}
    assert study_results.forced_hits(run, rows) == [False, True]
    assert study_results.forced_hits(run, rows, threshold=2.0) == [True, False]
