"""What prompts of one tool set begin with, computed once and shared by batches."""

import copy
import json
from os.path import commonprefix

import torch


def render_prompts(tokenizer, conversations, replies=False):
    """The prompts as text, ready for the model to continue.

    replies: with what is due behind each, where the conversation says it.
    """

    def render(c):
        due = c.get("completion") if replies else None
        return tokenizer.apply_chat_template(
            c["prompt"] + (due or []), tools=c["tools"], tokenize=False,
            add_generation_prompt=not due,
        )  # fmt: skip

    return [render(c) for c in conversations]


def token_ids(tokenizer, texts):
    """One list of ids per text; the template has written <bos> already."""
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def by_tool_set(conversations, prompts):
    """Lists of indices into prompts: one per tool set, longest prompts first."""
    sets = {}
    for index, conversation in enumerate(conversations):
        sets.setdefault(json.dumps(conversation["tools"]), []).append(index)
    for order in sets.values():
        order.sort(key=lambda i: len(prompts[i]), reverse=True)
    return list(sets.values())


class PrefixCache:
    """The tokens that all prompts begin with, and their keys and values.

    At least one token of each prompt is left, for the model to continue from.
    new_tokens: how many will follow a prompt at the most. Call it under
    torch.no_grad() and the autocast of the forward passes to come.

    Shorter prompts of a batch are padded behind the prefix. Past the window of the
    sliding layers that would push the prefix out too early; there they are padded in
    front, and the end of the prefix is computed again for each.
    """

    def __init__(self, model, prompts, new_tokens):
        from transformers import DynamicCache

        self.ids = list(commonprefix(prompts))[: min(map(len, prompts)) - 1]
        window = model.config.sliding_window
        longest = max(map(len, prompts)) + new_tokens
        self.in_front = window is not None and longest > window
        self.cache = None
        if self.ids:
            # In front all keys are needed, in layers that slide too.
            config = {} if self.in_front else {"config": model.config}
            self.cache = DynamicCache(**config)
            ids = torch.tensor([self.ids], device=model.device)
            model(
                input_ids=ids, past_key_values=self.cache, use_cache=True,
                logits_to_keep=1,
            )  # fmt: skip

    def together(self, order, prompts, size):
        """Of the indices, longest first, the first that can be one batch."""
        longest, most = len(prompts[order[0]]), len(self.ids) if self.in_front else None
        return [
            i for i in order[:size] if most is None or longest - len(prompts[i]) <= most
        ]

    def repeated(self, padding):
        """A copy for a batch; None where nothing is shared.

        padding: tokens of padding per row.
        """
        if self.cache is None:
            return None
        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(len(padding))
        if self.in_front:
            for layer in cache.layers:
                for row, shift in enumerate(padding):
                    # What is rolled to the front is masked.
                    for states in (layer.keys, layer.values):
                        states[row] = states[row].roll(shift, dims=-2)
        return cache

    def padded(self, prompts, width, pad):
        """Ids and attention mask, (prompts, width); and the padding of each row."""
        at = 0 if self.in_front else len(self.ids)
        padding = [width - len(prompt) for prompt in prompts]
        ids, seen = [], []
        for prompt, short in zip(prompts, padding, strict=True):
            ids.append(prompt[:at] + [pad] * short + prompt[at:])
            seen.append([1] * at + [0] * short + [1] * (len(prompt) - at))
        return ids, seen, padding
