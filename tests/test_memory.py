"""The parts of a training step's memory."""

import torch

from toolcalling.speed.memory import training_memory


def test_parts_follow_the_model(tiny):
    from transformers import Gemma3ForCausalLM

    model = Gemma3ForCausalLM.from_pretrained(tiny, dtype="float32")
    ids = torch.arange(60, 90)[None]
    weights = sum(p.numel() for p in model.parameters()) * 4 / 2**30

    def forward():
        return model(input_ids=ids, labels=ids).loss

    whole = training_memory(model, forward)
    assert whole["weights"] == whole["gradients"] == weights
    assert whole["Adam's moments"] == 2 * weights
    one = ids.shape[1] * model.config.vocab_size * 4 / 2**30  # float32 logits
    assert 0.9 * one <= whole["logits"] <= 4 * one
    assert whole["bfloat16 copies"] == 0 < whole["activations"]
    assert whole["together"] == sum(v for k, v in whole.items() if k != "together")

    model.get_input_embeddings().weight.requires_grad_(False)
    frozen = training_memory(model, forward)
    table = model.get_input_embeddings().weight.numel() * 4 / 2**30
    assert frozen["weights"] == weights
    assert abs(frozen["gradients"] - (weights - table)) < 1e-9

    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = training_memory(model, forward)
    assert half["bfloat16 copies"] > 0
    assert half["activations"] < frozen["activations"]
