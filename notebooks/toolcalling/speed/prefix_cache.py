"""What prompts of one tool set begin with, computed once and shared by batches."""

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
    Call it under torch.no_grad() and the autocast of the forward passes to come.
    """

    def __init__(self, model, prompts):
        from transformers import DynamicCache

        self.ids = list(commonprefix(prompts))[: min(map(len, prompts)) - 1]
        self.cache = None
        if self.ids:
            self.cache = DynamicCache(config=model.config)
            ids = torch.tensor([self.ids], device=model.device)
            model(
                input_ids=ids, past_key_values=self.cache, use_cache=True,
                logits_to_keep=1,
            )  # fmt: skip

    def repeated(self, rows):
        """A copy for a batch of that many rows; None where nothing is shared."""
        if self.cache is None:
            return None
        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(rows)
        return cache

    def padded(self, prompts, width, pad):
        """Ids and attention mask, (prompts, width): padding behind the prefix."""
        shared, ids, seen = len(self.ids), [], []
        for prompt in prompts:
            padding = width - len(prompt)
            ids.append(self.ids + [pad] * padding + prompt[shared:])
            seen.append([1] * shared + [0] * padding + [1] * (len(prompt) - shared))
        return ids, seen


def like_length(batch, prompts, new_tokens, model):
    """The batch, cut to prompts of one length where padding would count.

    Padding stands between prefix and prompt. In sliding layers it would push the
    prefix out of the window too early, once that is full.
    """
    longest = len(prompts[batch[0]])
    window = model.config.sliding_window
    if window is None or longest + new_tokens <= window:
        return batch
    return [i for i in batch if len(prompts[i]) == longest]
