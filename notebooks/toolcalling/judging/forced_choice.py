"""Forced choice: which tool would the model call, if it had to call one?

Generation hides what the model prefers behind refusals and malformed calls. Here
the log-probabilities of the calls' beginnings are compared instead.
"""

import torch

from ..calls import CONTROL_TOKENS
from ..speed.prefix_cache import (
    PrefixCache,
    by_tool_set,
    render_prompts,
    token_ids,
)
from ..statistics import auroc, rate

START_CALL = "<start_function_call>"
assert START_CALL in CONTROL_TOKENS


def forced_choice(model, tokenizer, conversations, hardware, names, batch_size=16):
    """Log-probabilities (natural) of each tool's call prefix behind each prompt.

    The prefix is "<start_function_call>call:NAME{". Returns {"tools": list of
    lists, prompts by names; "call": list, the log-probability that the reply
    begins with a call at all}. argmax over "tools" is the forced choice, the
    difference of two columns a score for AUROC.
    """
    prompts = token_ids(tokenizer, render_prompts(tokenizer, conversations))
    calls = token_ids(tokenizer, [f"{START_CALL}call:{name}{{" for name in names])
    longest = max(map(len, calls))
    found = {"tools": [None] * len(prompts), "call": [None] * len(prompts)}
    with torch.no_grad(), hardware.autocast():
        for order in by_tool_set(conversations, prompts):
            prefix = PrefixCache(model, [prompts[i] for i in order], longest)
            while order:
                batch = prefix.together(order, prompts, batch_size)
                scores = _log_probabilities(
                    model, [prompts[i] for i in batch], calls, prefix
                )
                for index, own in zip(batch, scores, strict=True):
                    found["tools"][index] = [
                        float(score[: len(call)].sum())
                        for score, call in zip(own, calls, strict=True)
                    ]
                    found["call"][index] = float(own[0, 0])
                order = order[len(batch) :]
    return found


def forced_rate(scores, due, names):
    """statistics.rate of the prompts whose likeliest call is the tool due.

    scores: "tools" of forced_choice; due: a name per prompt. With two tools, and
    prompts due each, also "auroc": how well the difference of the two tells them.
    """
    likeliest = [names[max(range(len(names)), key=own.__getitem__)] for own in scores]
    found = rate([name == wanted for name, wanted in zip(likeliest, due, strict=True)])
    first = [wanted == names[0] for wanted in due]
    if len(names) == 2 and len(set(first)) == 2:
        found["auroc"] = auroc([one - other for one, other in scores], first)
    return found


def _log_probabilities(model, prompts, calls, prefix):
    """Log-probabilities of each call's tokens behind each prompt.

    Shape (prompts, calls, tokens of the longest call); what stands behind a
    shorter call's own tokens means nothing.
    """
    width, longest, shared = max(map(len, prompts)), max(map(len, calls)), prefix.ids
    ids, seen, padding = [], [], []
    for prompt, told, short in zip(*prefix.padded(prompts, width, 0), strict=True):
        for call in calls:  # shorter calls are padded behind, where nobody looks
            rest = longest - len(call)
            ids.append(prompt + call + [0] * rest)
            seen.append(told + [1] * len(call) + [0] * rest)
            padding.append(short)
    ids = torch.tensor(ids, device=model.device)
    seen = torch.tensor(seen, device=model.device)
    cache = prefix.repeated(padding)
    positions = (seen.cumsum(dim=1) - 1).clamp(min=0)[:, len(shared) :]
    logits = model(
        input_ids=ids[:, len(shared) :], attention_mask=seen, position_ids=positions,
        past_key_values=cache, use_cache=cache is not None, logits_to_keep=longest + 1,
    ).logits  # fmt: skip
    scores = logits[:, :-1].float().log_softmax(dim=-1)
    scores = scores.gather(2, ids[:, -longest:, None]).squeeze(2)
    return scores.view(len(prompts), len(calls), longest)
