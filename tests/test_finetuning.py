"""Families stay in one batch; the best epoch on dev is kept."""

from types import SimpleNamespace

import pytest
import torch

from toolcalling import evaluation
from toolcalling.conversations import load_splits
from toolcalling.finetuning import FamilySampler, PickOnDev

ROWS = load_splits()["train"]


def test_every_row_once_and_families_together():
    order = list(FamilySampler(ROWS, 8, seed=42))
    assert sorted(order) == list(range(len(ROWS)))
    batches = [order[i : i + 8] for i in range(0, len(order), 8)]
    where = {}
    for number, batch in enumerate(batches):
        for row in batch:
            where.setdefault(ROWS[row]["family"], set()).add(number)
    split = [name for name, found in where.items() if len(found) > 1]
    assert len(split) < 0.1 * len(where)  # uneven ends may cut a few


def test_shuffled_anew_each_epoch_and_repeatable():
    sampler, same = (FamilySampler(ROWS, 8, seed=1) for _ in range(2))
    first, second = list(sampler), list(sampler)
    assert first != second
    assert [first, second] == [list(same), list(same)]
    assert list(FamilySampler(ROWS, 8, seed=2)) != first


@pytest.mark.parametrize(("correct", "kept"), [([1, 3, 2], 2), ([1, 3, 3], 3)])
def test_the_best_epoch_is_kept_the_later_on_a_tie(monkeypatch, tools, correct, kept):
    rows = [row for row in load_splits()["dev"] if row["tool_name"] is None][:4]
    model = torch.nn.Linear(1, 1)
    pick = PickOnDev(None, rows, tools, None)
    for epoch, right in enumerate(correct, 1):
        replies = ["fine"] * right + ["<start_function_call>"] * (4 - right)
        monkeypatch.setattr(evaluation, "generate_replies", lambda *_, r=replies: r)
        torch.nn.init.constant_(model.weight, epoch)
        pick.on_evaluate(
            None, SimpleNamespace(epoch=float(epoch)), None, model, {"eval_loss": 1.0}
        )
    assert (pick.epoch, pick.correct) == (kept, 3)
    assert pick.weights["weight"].item() == kept
    assert [entry["correct"] for entry in pick.epochs] == correct
