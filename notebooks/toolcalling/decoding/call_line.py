"""While a model writes: no call below the call line, no tool without its margin."""

import torch
from transformers import LogitsProcessor, SequenceBiasLogitsProcessor

from ..calls import START_CALL
from ..judging.decisions import as_line
from ..speed.prefix_cache import token_ids


class CallLineLogitsProcessor(LogitsProcessor):
    """For generate(): a row whose call is less probable than the line makes none.

    The probability is read off the first position's logits, so it must stand before
    processors that change them. The token that begins a call is barred from all of
    such a row's reply: text first, and then the call, is a call too. One processor
    serves one call of generate(), greedy or sampled, without beams.
    """

    def __init__(self, token, line):
        self.token, self.line, self.barred = token, line, None

    def __call__(self, input_ids, scores):
        """scores: (rows, vocabulary); a copy with -inf where no call may begin."""
        if self.barred is None:
            called = scores.float().softmax(dim=-1)[:, self.token]
            self.barred = called < self.line
        scores = scores.clone()
        scores[self.barred, self.token] = -torch.inf
        return scores


def processors(tokenizer, tools, line):
    """Fresh processors for one batch, whose prompts all declare these tools.

    line: a CallLine or its `high`. A margin is taken off the first token that only
    this tool's name has, which is the whole margin where the names differ in one
    place only.
    """
    line = as_line(line)
    names = [tool["function"]["name"] for tool in tools]
    calls = token_ids(tokenizer, [f"{START_CALL}call:{name}{{" for name in names])
    bias = {}
    for name, call in zip(names, calls, strict=True):
        if line.margins.get(name) and len(names) > 1:
            shared = max(_alike(call, other) for other in calls if other is not call)
            bias[tuple(call[: shared + 1])] = -float(line.margins[name])
    begin = tokenizer.convert_tokens_to_ids(START_CALL)
    made = [CallLineLogitsProcessor(begin, line.high)]
    return made + ([SequenceBiasLogitsProcessor(bias)] if bias else [])


def _alike(one, other):
    """How many tokens two lists begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
