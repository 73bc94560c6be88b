"""Frozen embeddings learn what whole training would teach the control tokens."""

import pytest
import torch
from transformers import Gemma3ForCausalLM

from toolcalling.calls import CONTROL_TOKENS
from toolcalling.setup.embedded_model import FIRST_ID
from toolcalling.speed.frozen_embeddings import (
    add_rows,
    freeze_embeddings,
    merge_embeddings,
    plain_weights,
)

CONTROL = slice(FIRST_ID, FIRST_ID + len(CONTROL_TOKENS))


@pytest.fixture
def model(tiny):
    return Gemma3ForCausalLM.from_pretrained(tiny, dtype="float32")


@pytest.fixture
def ids():
    ids = torch.randint(53, 6000, (2, 30), generator=torch.Generator().manual_seed(0))
    ids[:, 10], ids[:, 20] = FIRST_ID, FIRST_ID + len(CONTROL_TOKENS) - 1
    return ids


def gradients(model, ids):
    model(input_ids=ids, labels=ids).loss.backward()
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def test_gradients_are_those_of_whole_training(tiny, model, ids):
    whole = gradients(Gemma3ForCausalLM.from_pretrained(tiny, dtype="float32"), ids)
    freeze_embeddings(model)
    frozen = gradients(model, ids)
    table = whole.pop("model.embed_tokens.weight")
    rows = frozen.pop("control_rows.added")
    assert frozen.keys() == whole.keys()
    torch.testing.assert_close(rows, table[CONTROL], rtol=1e-4, atol=1e-6)
    for name, gradient in whole.items():
        torch.testing.assert_close(frozen[name], gradient, rtol=1e-4, atol=1e-6)


def test_only_the_control_tokens_rows_change(model, ids):
    before = model.get_input_embeddings().weight.detach().clone()
    freeze_embeddings(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.5)
    for _ in range(3):
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    with torch.no_grad():
        expected = model(input_ids=ids).logits
    merge_embeddings(model)
    after = model.get_input_embeddings().weight
    changed = (after != before).any(dim=1).nonzero().squeeze(1)
    assert changed.tolist() == list(range(CONTROL.start, CONTROL.stop))
    with torch.no_grad():
        torch.testing.assert_close(model(input_ids=ids).logits, expected)
    assert not hasattr(model, "control_rows") and after.requires_grad


def test_gradients_are_the_same_under_autocast(tiny, model, ids):
    def cast_gradients(model):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return gradients(model, ids)

    whole = cast_gradients(Gemma3ForCausalLM.from_pretrained(tiny, dtype="float32"))
    freeze_embeddings(model)
    frozen = cast_gradients(model)
    table = whole.pop("model.embed_tokens.weight")[CONTROL]
    difference = frozen.pop("control_rows.added") - table
    assert difference.norm() < 0.05 * table.norm()
    for name, gradient in whole.items():
        assert (frozen[name] - gradient).norm() < 0.05 * gradient.norm(), name


def test_a_matrix_loaded_anew_is_cast_anew(model, ids):
    freeze_embeddings(model)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        before = model(input_ids=ids).logits
        weights = {n: torch.zeros_like(t) for n, t in model.state_dict().items()}
        model.load_state_dict(weights)
        assert before.any() and not model(input_ids=ids).logits.any()


def test_the_weights_kept_are_those_of_the_merged_model(model):
    freeze_embeddings(model)
    torch.nn.init.normal_(model.control_rows.added)
    kept = {n: t.clone() for n, t in plain_weights(model).items()}
    kept["lm_head.weight"] = kept["model.embed_tokens.weight"]  # tied
    add_rows(model, kept)
    merge_embeddings(model)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(kept.pop(name), weight)
    assert not kept


def test_merging_what_is_not_frozen_changes_nothing(model):
    names = [n for n, _ in model.named_parameters()]
    merge_embeddings(model)
    assert [n for n, _ in model.named_parameters()] == names


def test_untied_embeddings_are_one_clear_error(model):
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.clone())
    with pytest.raises(ValueError, match="are one matrix"):
        freeze_embeddings(model)
