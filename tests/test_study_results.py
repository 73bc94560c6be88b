"""Records of the study read back."""

import json
from types import SimpleNamespace

import pytest

from toolcalling.evaluation import Judgement
from toolcalling.statistics import cluster_bootstrap
from toolcalling.study import results

KB, WEB = "search_knowledge_base", "search_google"
TASK = SimpleNamespace(hash="abc")
OUTCOMES = {"ok": "correct", "no": "wrong_tool"}


def record(key="ours", seed=42, right="ok ok no no", rows=400, split=None):
    outcomes = [OUTCOMES[word] for word in right.split()]
    return {
        "run": f"{key} {seed}", "kind": key, "rows": rows, "seed": seed,
        "split": split, "data": TASK.hash, "outcomes": outcomes,
        "names": [[KB]] * len(outcomes), "ids": list(range(len(outcomes))),
    }  # fmt: skip


def write(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def test_records_are_found_by_kind_and_seed(tmp_path):
    runs = [record(seed=43), record(seed=42), record(rows=160), record(split=1)]
    for number, run in enumerate(runs):
        run["run"] = str(number)
    records = results.load(TASK, write(tmp_path / "s.jsonl", runs))
    assert [r["seed"] for r in results.runs_of(records)] == [42, 43]
    assert len(results.runs_of(records, rows=160)) == 1


def test_missing_or_foreign_records_say_what_to_do(tmp_path):
    with pytest.raises(RuntimeError, match="make study"):
        results.load(TASK, tmp_path / "none.jsonl")
    path = write(tmp_path / "s.jsonl", [record()])
    with pytest.raises(RuntimeError, match="no run 'zero-shot' yet: `make study`"):
        results.load(TASK, path, needed=["ours 42", "zero-shot"])
    other = record() | {"data": "x"}
    with pytest.raises(RuntimeError, match="other data"):
        results.load(TASK, write(tmp_path / "s.jsonl", [other]))


def test_judgements_and_hits():
    run = record(right="ok no") | {"names": [[KB], [WEB]]}
    assert results.judgements(run) == [
        Judgement("correct", KB), Judgement("wrong_tool", WEB)
    ]  # fmt: skip
    assert results.hits(run) == [True, False]


def test_rates_over_runs():
    group = [record(right="ok ok ok no"), record(right="ok no no no")]
    found = results.over_runs(group)
    assert (found["mean"], found["min"], found["max"]) == (0.5, 0.25, 0.75)
    families = ["a", "a", "b", "b"]
    low, high = results.interval_of_runs(group, families)
    assert 0 <= low <= 0.5 <= high <= 1
    one = results.interval_of_runs(group[:1], families)
    assert one == cluster_bootstrap([True, True, True, False], families)


def test_runs_in_words():
    group = [record(right="ok ok ok no"), record(right="ok no no no")]
    assert results.in_words(group) == (
        "2 runs: mean 50.0%, from 25.0% to 75.0%, SD 35.4%"
    )
    assert results.in_words(group[:1]) == "1 run: 75.0%"
    assert results.in_words([]) == "not run yet"


def test_a_kind_is_compared_with_ours_of_the_same_seed():
    runs = [
        record(seed=42), record(seed=43, right="no no no no"),
        record("all trained", 43, "ok ok no no"), record("all trained", 44),
    ]  # fmt: skip
    records = {run["run"]: run for run in runs}
    found = results.against(records, "all trained", 400, list("aabb"))
    assert list(found) == [43]
    assert (found[43]["fixed"], found[43]["broken"]) == (2, 0)


def test_the_mean_over_seeds_of_what_a_setting_changes():
    runs = [
        record(seed=42), record("all trained", 42, "ok ok ok ok"),
        record(seed=43, right="no no no no"), record("all trained", 43, "ok ok no no"),
        record("all trained", 44),
    ]  # fmt: skip
    records = {run["run"]: run for run in runs}
    families = list("aabb")
    each = results.against(records, "all trained", 400, families)
    mean = results.together(records, "all trained", 400, families)
    assert mean["difference"] == sum(d["difference"] for d in each.values()) / 2
    assert mean["low"] <= mean["difference"] <= mean["high"]
    with pytest.raises(ValueError, match="make study"):
        results.together(records, "reference", 400, families)


def test_difference_of_two_runs():
    before, after = [False] * 8 + [True] * 2, [True] * 9 + [False]
    families = [str(i // 2) for i in range(10)]
    found = results.difference(before, after, families)
    assert (found["fixed"], found["broken"]) == (8, 1)
    assert found["difference"] == pytest.approx(0.7)
    assert found["p"] == pytest.approx(2 * (1 + 9) / 2**9)
    assert found["low"] < 0.7 < found["high"] + 1e-9


NEEDS = [{"tool_name": KB}, {"tool_name": WEB}, {"tool_name": None}]
CHOICE = [[-2.0, -1.0], [-2.0, -1.5], [-1.0, -3.0]]


def test_forced_makes_the_likelier_call_at_every_prompt():
    rows = [{"tool_name": name} for name in (KB, WEB, KB, None)]
    run = record(right="no no ok ok") | {
        "choice": [[-1, -2], [-1, -2], [-3, -1], [-2, -1]], "names": [[], [], [KB], []],
    }  # fmt: skip
    always = results.forced(run, rows)
    assert results.hits(always) == [True, False, False, False]
    assert always["names"] == [[KB], [KB], [WEB], [WEB]]
    assert results.hits(run) == [False, False, True, True]


def test_a_threshold_trades_leaks_for_misses():
    leaning = results.lean(CHOICE, NEEDS)
    assert leaning == [(-1.0, True), (-0.5, False)]
    assert results.errors(leaning) == (1, 0)
    assert results.errors(leaning, threshold=0.7) == (1, 1)
    assert results.errors(leaning, threshold=1.2) == (0, 1)


def test_leaning_changes_the_tool_of_a_call_and_nothing_else():
    run = record(right="no ok ok") | {
        "names": [[WEB], [WEB], []], "choice": CHOICE
    }  # fmt: skip
    outcomes = {
        threshold: [j.outcome for j in results.leaned(run, NEEDS, threshold)]
        for threshold in (0, 1.2)
    }
    assert outcomes[0] == ["wrong_tool", "correct", "correct"]
    assert outcomes[1.2] == ["correct", "wrong_tool", "correct"]
    malformed = run | {"outcomes": ["malformed", "correct", "no_call"]}
    assert results.leaned(malformed, NEEDS, 9)[0].outcome == "malformed"
