"""Families stay in one batch; the best epoch on dev is kept."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from toolcalling import evaluation, tasks
from toolcalling.training import FamilySampler, PickOnDev

TASK = tasks.load_task(tasks.BUILT_IN)
ROWS = TASK.rows["train"]
FAMILIES = [row["family"] for row in ROWS]
DUE_NONE = [row for row in TASK.rows["dev"] if row["tool_name"] is None]


def asking(rows):
    """The task with these dev rows."""
    return replace(TASK, rows={**TASK.rows, "dev": rows})


def test_every_row_once_and_families_together():
    order = list(FamilySampler(FAMILIES, 8, seed=42))
    assert sorted(order) == list(range(len(ROWS)))
    batches = [order[i : i + 8] for i in range(0, len(order), 8)]
    where = {}
    for number, batch in enumerate(batches):
        for row in batch:
            where.setdefault(ROWS[row]["family"], set()).add(number)
    split = [name for name, found in where.items() if len(found) > 1]
    assert len(split) < 0.1 * len(where)  # uneven ends may cut a few


def test_shuffled_anew_each_epoch_and_repeatable():
    sampler, same = (FamilySampler(FAMILIES, 8, seed=1) for _ in range(2))
    first, second = list(sampler), list(sampler)
    assert first != second
    assert [first, second] == [list(same), list(same)]
    assert list(FamilySampler(FAMILIES, 8, seed=2)) != first
    again = FamilySampler(FAMILIES, 8, seed=1)
    again.set_epoch(1)  # as a trainer that goes on does
    assert list(again) == second


def state(epoch):
    return SimpleNamespace(epoch=float(epoch), global_step=50 * epoch)


@pytest.mark.parametrize(("correct", "kept"), [([1, 3, 2], 2), ([1, 3, 3], 3)])
def test_the_best_epoch_is_kept_the_later_on_a_tie(monkeypatch, correct, kept):
    model = torch.nn.Linear(1, 1)
    pick = PickOnDev(None, asking(DUE_NONE[:4]), None)
    for epoch, right in enumerate(correct, 1):
        replies = ["fine"] * right + ["<start_function_call>"] * (4 - right)
        monkeypatch.setattr(evaluation, "generate_replies", lambda *_, r=replies: r)
        torch.nn.init.constant_(model.weight, epoch)
        pick.on_evaluate(None, state(epoch), None, model, {"eval_loss": 1.0})
    assert (pick.epoch, pick.correct) == (kept, 3)
    assert pick.weights["weight"].item() == kept
    assert [entry["correct"] for entry in pick.epochs] == correct


def test_a_second_training_begins_the_record_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(evaluation, "generate_replies", lambda *_: ["fine"] * 4)
    pick = PickOnDev(None, asking(DUE_NONE[:4]), None, tmp_path / "dev")
    model = torch.nn.Linear(1, 1)
    for _ in range(2):
        pick.on_train_begin(None, state(0), None)
        pick.on_evaluate(None, state(1), None, model, {"eval_loss": 1.0})
    assert [entry["epoch"] for entry in pick.epochs] == [1]
    assert len(list((tmp_path / "dev").iterdir())) == 1
    resumed = SimpleNamespace(output_dir=str(tmp_path))
    pick.on_train_begin(resumed, state(1), None)  # goes on
    assert pick.correct == 4


def test_tied_weights_are_kept_once(monkeypatch, tiny_loaded):
    model = tiny_loaded[0]
    monkeypatch.setattr(evaluation, "generate_replies", lambda *_: ["fine"])
    pick = PickOnDev(None, asking(DUE_NONE[:1]), None)
    pick.on_evaluate(None, state(1), None, model, {"eval_loss": 1.0})
    matrix, head = (
        pick.weights[name] for name in ("model.embed_tokens.weight", "lm_head.weight")
    )
    assert matrix.data_ptr() == head.data_ptr()
    model.load_state_dict(pick.weights)


def test_tensorboard_gets_each_outcome_and_some_replies(monkeypatch, tmp_path):
    from tensorboard.backend.event_processing import event_accumulator

    rows = TASK.rows["dev"][:16]
    replies = ["I | would\nnot say."] * 15 + ["<start_function_call>"]
    monkeypatch.setattr(evaluation, "generate_replies", lambda *_: replies)
    pick = PickOnDev(None, asking(rows), None, tmp_path / "dev")
    for epoch in (1, 2):
        pick.on_evaluate(
            None, state(epoch), None, torch.nn.Linear(1, 1), {"eval_loss": 1.0}
        )
    events = event_accumulator.EventAccumulator(str(tmp_path / "dev")).Reload()
    for outcome in evaluation.OUTCOMES:
        points = [(e.step, round(16 * e.value)) for e in
                  events.Scalars(f"dev/{outcome}")]  # fmt: skip
        count = pick.epochs[0]["outcomes"].get(outcome, 0)
        assert points == [(50, count), (100, count)]
    first, second = events.Tensors("dev/replies/text_summary")
    lines = first.tensor_proto.string_val[0].decode().splitlines()
    assert len(lines) == 2 + PickOnDev.SHOWN
    assert all(line.count("|") == 4 for line in lines)  # a table stays a table
    assert rows[0]["user_content"] in lines[2]


def test_dev_is_asked_under_the_tasks_own_policy_and_tools():
    own = replace(TASK, developer="Another policy.", tools=TASK.tools[:1])
    for asked in PickOnDev(None, own, None).asked:
        assert asked["prompt"][0]["content"].endswith("Another policy.")
        assert asked["tools"] == list(TASK.tools[:1])
