"""Records of the study read back."""

import json
import math
from types import SimpleNamespace

import pytest

from toolcalling.study import findings, plan, results

KB, WEB = "search_knowledge_base", "search_google"
TASK = SimpleNamespace(hash="abc")
OUTCOMES = {"ok": "correct", "no": "wrong_tool"}


def record(key="ours", seed=42, right="ok ok no no", rows=1200, split=None):
    outcomes = [OUTCOMES[word] for word in right.split()]
    return {
        "run": f"{key} {seed}", "kind": key, "rows": rows, "seed": seed,
        "split": split, "data": TASK.hash, "outcomes": outcomes,
    }  # fmt: skip


@pytest.fixture
def of_task(monkeypatch):
    """Records are of TASK where they bear its hash."""
    monkeypatch.setattr(plan, "data_hash", lambda run, task: task.hash)


def write(path, records):
    path.write_text("".join(json.dumps(results.packed(r)) + "\n" for r in records))
    return path


def test_records_are_found_by_kind_and_seed(tmp_path, of_task):
    runs = [record(seed=43), record(seed=42), record(rows=160), record(split=1)]
    for number, run in enumerate(runs):
        run["run"] = str(number)
    records = results.load(TASK, write(tmp_path / "s.jsonl", runs))
    assert [r["seed"] for r in results.runs_of(records)] == [42, 43]
    assert len(results.runs_of(records, rows=160)) == 1


def test_missing_or_foreign_records_say_what_to_do(tmp_path, of_task):
    with pytest.raises(RuntimeError, match="make study"):
        results.load(TASK, tmp_path / "none.jsonl")
    path = write(tmp_path / "s.jsonl", [record()])
    with pytest.raises(RuntimeError, match="no run 'zero-shot' yet: `make study`"):
        results.load(TASK, path, needed=[plan.Run("zero-shot")])
    other = record() | {"data": "x"}
    with pytest.raises(RuntimeError, match="other data"):
        results.load(TASK, write(tmp_path / "s.jsonl", [other]))


def test_parts():
    rows = [{"tool_name": name} for name in (KB, KB, WEB, None, None)]
    run = record(right="ok no ok ok no")
    run["names"] = [[KB], [WEB], [WEB], [], [WEB]]
    assert results.hits(run) == [True, False, True, True, False]
    assert results.parts(run, rows) == {"no-tool right": 0.5, "leaks": 0.5}


def test_the_mean_of_probabilities_decides():
    def scores(call, internal):
        return [math.log(call), [[math.log(internal), math.log(1 - internal)]]]

    rows = [{"tool_name": KB}]
    for runs, right in (
        (((0.9, 0.9), (0.9, 0.2)), True),  # .55 for the internal one
        (((0.9, 0.9), (0.9, 0.05)), False),
        (((0.9, 0.9), (0.05, 0.9)), False),  # no call
    ):
        group = [
            {"call": [call], "dev_call": [call], "choice": pair, "dev_choice": pair}
            for call, pair in (scores(*one) for one in runs)
        ]
        assert results.averaged(group, rows) == [right]
        assert results.averaged(group, rows, "dev_") == [right]


def test_rates_over_runs():
    found = results.over_runs(
        [record(right="ok ok ok no"), record(right="ok no no no")]
    )
    assert (found["mean"], found["min"], found["max"]) == (0.5, 0.25, 0.75)


def test_runs_are_compared_with_those_of_the_same_seed():
    before = [record(seed=42), record(seed=43, right="no no no no")]
    after = [record(seed=43, right="ok ok no no"), record(seed=44)]
    seeds, mean = results.compared(before, after, list("aabb"))
    assert list(seeds) == [43]
    assert mean["difference"] == seeds[43]["difference"] == 0.5
    with pytest.raises(ValueError, match="make study"):
        results.compared(before, after[1:], list("aabb"))


def test_the_mean_over_seeds_of_what_a_setting_changes():
    before = [record(seed=42), record(seed=43, right="no no no no")]
    after = [record(seed=42, right="ok ok ok ok"), record(seed=43)]
    seeds, mean = results.compared(before, after, list("aabb"))
    assert mean["difference"] == sum(d["difference"] for d in seeds.values()) / 2
    assert mean["low"] <= mean["difference"] <= mean["high"]


@pytest.mark.parametrize(
    "moves, low, high, p, said",
    [
        ((0.1, 0.1, 0.1), 0.05, 0.15, 0.01, "shown: better"),
        ((-0.1, -0.1, -0.1), -0.15, -0.05, 0.2, "likely worse"),
        ((-0.1, -0.1, -0.01), -0.15, -0.05, 0.2, "not shown"),
        ((-0.1, -0.1, -0.1), -0.15, 0.01, 0.2, "not shown"),
        ((-0.1, -0.1, 0.1), -0.15, 0.01, 1, "signs differ"),
        ((-0.1,), -0.15, -0.05, 0.001, "one seed only"),
    ],
)
def test_an_answer_follows_the_rule(moves, low, high, p, said):
    seeds = {seed: {"difference": move} for seed, move in enumerate(moves)}
    mean = {"difference": sum(moves) / len(moves), "low": low, "high": high}
    assert findings.answer(seeds, mean, p, luck=0.02) == said


def test_every_recorded_finding_is_a_line(task):
    records = results.load(task, needed=plan.every_run())
    lines = findings.findings(records, task)
    assert len(lines) == len({line["question"] for line in lines}) > 12
    for line in lines:
        assert list(line) == [
            "question", "answer", "figure", "seeds", "prompts", "95% interval", "p"
        ]  # fmt: skip
        assert line["question"].endswith("?") and line["answer"] and line["figure"]


def test_difference_of_two_runs():
    before, after = [False] * 8 + [True] * 2, [True] * 9 + [False]
    families = [str(i // 2) for i in range(10)]
    found = results.difference(before, after, families)
    assert found["difference"] == pytest.approx(0.7)
    assert found["p"] == pytest.approx(2 * (1 + 9) / 2**9)
    assert found["low"] < 0.7 < found["high"] + 1e-9


NEEDS = [{"tool_name": KB}, {"tool_name": WEB}, {"tool_name": None}]
CHOICE = [[-2.0, -1.0], [-2.0, -1.5], [-1.0, -3.0]]


def test_forced_makes_the_likelier_call_where_one_is_due():
    rows = [{"tool_name": name} for name in (KB, WEB, KB, None)]
    choice = [[-1, -2], [-1, -2], [-3, -1], [-2, -1]]
    assert results.forced({"choice": choice}, rows) == [True, False, False]


def test_how_much_likelier_the_internal_call_is():
    assert results.lean(CHOICE, NEEDS) == [(-1.0, True), (-0.5, False)]
