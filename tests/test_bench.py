"""The benchmark's parts, on the tiny model: that they run, and what they give."""

import pytest

import bench
from toolcalling import models


@pytest.fixture(autouse=True)
def small(tiny, monkeypatch):
    monkeypatch.setattr(bench, "REPEATS", 2)
    monkeypatch.setattr(bench, "load", lambda m: models.load_model(tiny, m))


def test_a_training_part_gives_time_per_row_of_every_recipe():
    found = bench.train(2)
    for kind in ("reference", "ours", "ours-4", "frozen"):
        spread = found[kind]
        assert 0 < spread["min"] <= spread["median"] <= spread["max"]
    assert found["ratio"] == found["reference"]["median"] / found["ours"]["median"]
    assert found["positions"] < 8 * found["tokens_per_row"]  # the prefix once
    assert found["gflops"] > 0


def test_recipes_share_weights_and_moments(monkeypatch):
    seen = []
    monkeypatch.setattr(
        bench, "interleaved", lambda **steps: seen.append(steps) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        bench.train(2)
    reference, ours = seen[0]["reference"], seen[0]["ours"]
    before = [p.detach().clone() for p in ours.model.parameters()]
    reference()
    changed = False
    for a, b, old in zip(
        reference.model.parameters(), ours.model.parameters(), before, strict=True
    ):
        assert a.data_ptr() == b.data_ptr()
        assert ours.optimizer.state[b]["exp_avg"].data_ptr() == (
            reference.optimizer.state[a]["exp_avg"].data_ptr()
        )
        changed |= not b.equal(old)
    assert changed


@pytest.mark.parametrize("kind", bench.MEMORY)
def test_memory_of_every_kind(kind):
    assert bench.memory(kind, 2)["gib"] > 0


def test_many_tools_halve_the_references_batch():
    from toolcalling import hardware

    machine = hardware.detect()
    model, tokenizer = bench.load(machine)
    whole, half = (
        bench.Step("reference", bench.task_of(n), machine, model, tokenizer)
        for n in (8, 9)
    )
    assert (whole.rows, len(whole.lengths)) == (4, 4)
    assert (half.rows, len(half.lengths)) == (2, 2)


def test_end_to_end_adds_up():
    replies = {"reference": {"median": 2.0}, "ours": {"median": 0.5}}
    step = {"reference": {"median": 2.0}, "frozen": {"median": 0.5}}
    found = {"evaluate": {"before": replies, "after": replies}, "train-2": step}
    total = bench.end_to_end(found, test=30, dev=5, rows=10, epochs=2)
    assert total["reference_minutes"] == (30 + 5 + 20 + 30 + 2 * 5) * 2 / 60
    assert total["ratio"] == 4
