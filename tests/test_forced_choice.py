"""Forced choice equals a plain forward pass over prompt and call prefix."""

from dataclasses import replace

import pytest
import torch

from toolcalling.judging.forced_choice import START_CALL, forced_choice
from toolcalling.speed.generation import render_prompts

NAMES = ["search_knowledge_base", "search_google"]


def plain(model, tokenizer, conversation, name):
    prompt = render_prompts(tokenizer, [conversation])[0]
    before = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    text = f"{prompt}{START_CALL}call:{name}{{"
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        scores = model(input_ids=ids).logits[0].log_softmax(dim=-1)
    each = scores[:-1].gather(1, ids[0, 1:, None]).squeeze(1)[before - 1 :]
    return float(each.sum()), float(each[0])


def test_equal_to_a_plain_forward_pass(tiny_loaded, task):
    model, tokenizer, machine = tiny_loaded
    asked = task.conversations("dev")[:7]
    # Two tool sets, mixed.
    asked[3]["tools"] = asked[3]["tools"][:1]
    exact = replace(machine, bf16=False)
    found = forced_choice(model, tokenizer, asked, exact, NAMES, batch_size=3)
    for i, conversation in enumerate(asked):
        for j, name in enumerate(NAMES):
            total, first = plain(model, tokenizer, conversation, name)
            assert found["tools"][i][j] == pytest.approx(total, abs=1e-3)
            assert found["call"][i] == pytest.approx(first, abs=1e-4)
