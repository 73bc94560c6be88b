"""Forced choice: which tool would the model call, if it had to call one?

Generation hides what the model prefers behind refusals and malformed calls. Here
the log-probabilities of the calls' beginnings are compared instead.
"""

import copy
import json

import torch

from .function_calls import CONTROL_TOKENS
from .generation import _like_length, _prefix_cache, render_prompts

START_CALL = "<start_function_call>"
assert START_CALL in CONTROL_TOKENS


def forced_choice(model, tokenizer, conversations, hardware, names, batch_size=16):
    """Log-probabilities (natural) of each tool's call prefix behind each prompt.

    The prefix is "<start_function_call>call:NAME{". Returns {"tools": list of
    lists, prompts by names; "call": list, the log-probability that the reply
    begins with a call at all}. argmax over "tools" is the forced choice, the
    difference of two columns a score for AUROC.
    """
    prompts = tokenizer(
        render_prompts(tokenizer, conversations), add_special_tokens=False
    )["input_ids"]
    calls = tokenizer(
        [f"{START_CALL}call:{name}{{" for name in names], add_special_tokens=False
    )["input_ids"]
    longest = max(map(len, calls))
    found = {"tools": [None] * len(prompts), "call": [None] * len(prompts)}
    tool_sets = {}
    for index, conversation in enumerate(conversations):
        tool_sets.setdefault(json.dumps(conversation["tools"]), []).append(index)
    with torch.no_grad(), hardware.autocast():
        for order in tool_sets.values():
            order.sort(key=lambda i: len(prompts[i]), reverse=True)
            prefix, cache = _prefix_cache(model, [prompts[i] for i in order])
            while order:
                batch = _like_length(order[:batch_size], prompts, longest, model)
                scores = _log_probabilities(
                    model, [prompts[i] for i in batch], calls, prefix, cache
                )
                for index, own in zip(batch, scores, strict=True):
                    found["tools"][index] = [
                        float(score[: len(call)].sum())
                        for score, call in zip(own, calls, strict=True)
                    ]
                    found["call"][index] = float(own[0, 0])
                order = order[len(batch) :]
    return found


def _log_probabilities(model, prompts, calls, prefix, cache):
    """Log-probabilities of each call's tokens behind each prompt.

    Shape (prompts, calls, tokens of the longest call); what stands behind a
    shorter call's own tokens means nothing.
    """
    count = len(prompts) * len(calls)
    if cache is not None:
        cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(count)
    width, longest = max(map(len, prompts)), max(map(len, calls))
    ids, seen = [], []
    for prompt in prompts:
        padding, rest = width - len(prompt), prompt[len(prefix) :]
        for call in calls:  # shorter calls are padded behind, where nobody looks
            ids.append([0] * padding + rest + call + [0] * (longest - len(call)))
            seen.append([1] * len(prefix) + [0] * padding + [1] * len(rest + call))
            seen[-1] += [0] * (longest - len(call))
    ids = torch.tensor(ids, device=model.device)
    seen = torch.tensor(seen, device=model.device)
    positions = (seen.cumsum(dim=1) - 1).clamp(min=0)[:, len(prefix) :]
    logits = model(
        input_ids=ids, attention_mask=seen, position_ids=positions,
        past_key_values=cache, use_cache=cache is not None, logits_to_keep=longest + 1,
    ).logits  # fmt: skip
    scores = logits[:, :-1].float().log_softmax(dim=-1)
    scores = scores.gather(2, ids[:, -longest:, None]).squeeze(2)
    return scores.view(len(prompts), len(calls), longest)
