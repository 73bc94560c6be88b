"""Batches behind a prefix cache give the replies of one prompt at a time."""

from dataclasses import replace

import pytest
import torch

from toolcalling.speed import generation as g

OTHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather forecast.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string", "description": "Where"}},
            "required": ["place"],
        },
    },
}


@pytest.fixture(scope="module")
def exact(tiny_loaded):
    """Equality is a claim about float32."""
    model, tokenizer, machine = tiny_loaded
    return model, tokenizer, replace(machine, bf16=False)


@pytest.fixture(scope="module")
def asked(task):
    """Prompts of two tool sets, mixed, of many lengths."""
    more = replace(task, tools=(*task.tools, OTHER))
    return [
        (more if i % 3 == 0 else task).conversation(row)
        for i, row in enumerate(task.rows["dev"][:12])
    ]


def plain(model, tokenizer, conversation, new):
    """The reply without batch, padding or cache of ours."""
    prompt = g.render_prompts(tokenizer, [conversation])[0]
    inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(**inputs, max_new_tokens=new, do_sample=False)
    return tokenizer.decode(out[0, inputs["input_ids"].shape[1] :])


@pytest.mark.parametrize("window", [64, 4096])
def test_replies_equal_those_of_one_prompt_at_a_time(exact, asked, window):
    model, tokenizer, machine = exact
    before = model.config.sliding_window
    model.config.sliding_window = window
    for layer in model.model.layers:
        layer.self_attn.sliding_window = window if layer.self_attn.is_sliding else None
    try:
        single = [plain(model, tokenizer, c, 8) for c in asked]
        assert g.generate_replies(model, tokenizer, asked, machine, 5, 8) == single
        assert len(set(single)) > 1
    finally:
        model.config.sliding_window = before
        for layer in model.model.layers:
            if layer.self_attn.is_sliding:
                layer.self_attn.sliding_window = before


def test_one_prompt_alone_and_the_same_prompt_twice(exact, asked):
    model, tokenizer, machine = exact
    single = plain(model, tokenizer, asked[1], 8)
    assert g.generate_replies(model, tokenizer, asked[1:2], machine, None, 8) == [
        single
    ]
    twice = [asked[1], asked[1]]
    assert g.generate_replies(model, tokenizer, twice, machine, None, 8) == [single] * 2


def test_reply_ends_with_its_stop_token(exact, asked, monkeypatch):
    model, tokenizer, machine = exact
    stop = int(model.generation_config.eos_token_id[-1])
    word = tokenizer.encode("hello", add_special_tokens=False)

    def generate(input_ids, **_):
        tail = torch.tensor([word + [stop, 0, 0]]).expand(len(input_ids), -1)
        return torch.cat([input_ids, tail], dim=1)

    monkeypatch.setattr(model, "generate", generate)
    for reply in g.generate_replies(model, tokenizer, asked, machine):
        assert reply == tokenizer.decode(word + [stop])


def test_batch_size_follows_the_free_memory(exact, monkeypatch):
    model, _, machine = exact
    sizes = []
    for free in (10**12, 10**6, 0):
        monkeypatch.setattr(type(machine), "free_memory", lambda self, free=free: free)
        sizes.append(g._batch_size(model, machine, 300))
    assert sizes[0] == 32 and 1 <= sizes[1] < 32 and sizes[2] == 1


def test_a_batch_that_does_not_fit_is_halved(tiny_loaded, asked, monkeypatch):
    model, tokenizer, machine = tiny_loaded
    alike, sizes = [asked[1]] * 5, []

    def generate(model, tokenizer, prompts, *_):
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise torch.cuda.OutOfMemoryError
        return [str(prompt[-9:]) for prompt in prompts]

    monkeypatch.setattr(g, "_generate", generate)
    replies = g.generate_replies(model, tokenizer, alike, machine, batch_size=5)
    assert sizes == [5, 2, 2, 1] and len(replies) == 5 and all(replies)

    def never(*_):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(g, "_generate", never)
    with pytest.raises(RuntimeError, match="does not fit the GPU"):
        g.generate_replies(model, tokenizer, asked, machine)
