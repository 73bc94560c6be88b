"""Greedy replies in batches, behind a prefix cache computed once per tool set."""

import copy
import json
from os.path import commonprefix

import torch


def render_prompts(tokenizer, conversations):
    """The prompts as text, ready for the model to continue."""
    return [
        tokenizer.apply_chat_template(
            c["prompt"], tools=c["tools"], add_generation_prompt=True, tokenize=False
        )
        for c in conversations
    ]


def generate_replies(
    model, tokenizer, conversations, hardware, batch_size=None, max_new_tokens=64
):
    """Greedy replies, one text per conversation, control tokens kept.

    What the prompts of one tool set begin with is computed once. Batches hold
    prompts of like length; batch_size None lets the free memory decide. A batch
    that does not fit the GPU after all is halved; RuntimeError where even one
    prompt does not fit. In float32 the same tokens as one prompt at a time.
    """
    from tqdm import tqdm

    prompts = tokenizer(
        render_prompts(tokenizer, conversations), add_special_tokens=False
    )["input_ids"]
    tool_sets = {}
    for index, conversation in enumerate(conversations):
        tool_sets.setdefault(json.dumps(conversation["tools"]), []).append(index)
    replies = [""] * len(prompts)
    with tqdm(total=len(prompts), unit="reply") as progress, torch.no_grad():
        for order in tool_sets.values():
            order.sort(key=lambda i: len(prompts[i]), reverse=True)
            longest = len(prompts[order[0]]) + max_new_tokens
            size = batch_size or _batch_size(model, hardware, longest)
            with hardware.autocast():
                prefix, cache = _prefix_cache(model, [prompts[i] for i in order])
            while order:
                batch = _like_length(order[:size], prompts, max_new_tokens, model)
                try:
                    with hardware.autocast():
                        found = _generate(
                            model, tokenizer, [prompts[i] for i in batch],
                            prefix, cache, max_new_tokens,
                        )  # fmt: skip
                except torch.cuda.OutOfMemoryError:
                    if len(batch) == 1:
                        raise RuntimeError(
                            "One prompt alone does not fit the GPU's memory. Close "
                            "other programs that use it, or set "
                            "CUDA_VISIBLE_DEVICES='' to run on the CPU."
                        ) from None
                    torch.cuda.empty_cache()
                    size = len(batch) // 2
                    continue
                for index, text in zip(batch, found, strict=True):
                    replies[index] = text
                order = order[len(batch) :]
                progress.update(len(batch))
    return replies


def _batch_size(model, hardware, length, most=32):
    """Prompts per batch: their keys, values and logits in half the free memory."""
    config = model.config
    per_token = 8 * config.num_hidden_layers * config.num_key_value_heads
    row = length * per_token * config.head_dim + 12 * config.vocab_size
    return max(1, min(most, hardware.free_memory() // 2 // row))


def _prefix_cache(model, prompts):
    """The tokens all prompts begin with, and their keys and values.

    At least one token of each prompt is left, for the model to continue from.
    """
    from transformers import DynamicCache

    prefix = list(commonprefix(prompts))[: min(map(len, prompts)) - 1]
    if not prefix:
        return [], None
    cache = DynamicCache(config=model.config)
    ids = torch.tensor([prefix], device=model.device)
    model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return prefix, cache


def _like_length(batch, prompts, max_new_tokens, model):
    """The batch, cut to prompts of one length where padding would count.

    Padding stands between prefix and prompt. In sliding layers it would push the
    prefix out of the window too early, once that is full.
    """
    longest = len(prompts[batch[0]])
    window = model.config.sliding_window
    if window is None or longest + max_new_tokens <= window:
        return batch
    return [i for i in batch if len(prompts[i]) == longest]


def _generate(model, tokenizer, prompts, prefix, cache, max_new_tokens):
    if cache is not None:
        cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(len(prompts))
    width, pad = max(map(len, prompts)), tokenizer.pad_token_id
    ids, seen = [], []
    for prompt in prompts:
        padding, rest = width - len(prompt), prompt[len(prefix) :]
        ids.append(prefix + [pad] * padding + rest)
        seen.append([1] * len(prefix) + [0] * padding + [1] * len(rest))
    output = model.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(seen, device=model.device),
        past_key_values=cache,
        max_new_tokens=max_new_tokens,
        do_sample=False,
    )
    stops = set(model.generation_config.eos_token_id)
    replies = []
    for row in output[:, width:].tolist():
        end = next((i + 1 for i, token in enumerate(row) if token in stops), len(row))
        replies.append(tokenizer.decode(row[:end], skip_special_tokens=False))
    return replies
