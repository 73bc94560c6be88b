"""While a model writes: only the tokens that the grammar of its tools allows.

Needs llguidance, which is imported with this module alone.
"""

import json
from functools import lru_cache

import numpy as np
import torch
from llguidance import LLMatcher
from transformers import LogitsProcessor

from .grammar import lark_grammar
from .vocabulary import vocabulary


def matchers(tokenizer, tool_sets):
    """A fresh matcher per tool set, each compiled once.

    tool_sets: the tools of each prompt, JSON schemas. ValueError where a grammar cannot
    express them.
    """
    return [_compiled(tokenizer, json.dumps(t)).deep_copy() for t in tool_sets]


class GrammarLogitsProcessor(LogitsProcessor):
    """For generate(): every row keeps to the grammar of its own matcher.

    matchers: as many as the batch has rows, fresh, so one processor serves one call of
    generate(). Greedy or sampled, without beams. Prompts are padded left or behind a
    prefix; only what generate() adds is read. A row that ended is left alone.
    """

    def __init__(self, matchers):
        self.matchers, self.width = matchers, None

    def __call__(self, input_ids, scores):
        """scores: (rows, vocabulary); a copy with -inf where a token is not allowed."""
        new = input_ids[:, self.width :].tolist() if self.width else None
        self.width, scores = input_ids.shape[1], scores.clone()
        for row, matcher in enumerate(self.matchers):
            if new and not ended(matcher):
                matcher.consume_tokens(new[row])
            if not ended(matcher):
                refused = _refused(matcher)[: scores.shape[1]].to(scores.device)
                scores[row, : len(refused)].masked_fill_(refused, -torch.inf)
                scores[row, len(refused) :] = -torch.inf  # ids of no token
        return scores


def ended(matcher):
    """Is the reply whole? Nothing may follow what ends a turn."""
    return matcher.is_accepting()


def _refused(matcher):
    """Which tokens cannot come next: booleans, one per token of the tokenizer."""
    allowed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    if matcher.is_error():
        raise RuntimeError(f"The grammar failed: {matcher.get_error()}")
    return torch.from_numpy(np.unpackbits(~allowed, bitorder="little").view(bool))


@lru_cache(maxsize=1024)
def _compiled(tokenizer, tools):
    grammar = lark_grammar(json.loads(tools))
    matcher = LLMatcher(_tokens(tokenizer), grammar, log_level=0)
    if matcher.is_error():  # larger than llguidance takes
        raise ValueError(f"The tools make no grammar: {matcher.get_error()}")
    return matcher


@lru_cache(maxsize=2)
def _tokens(tokenizer):
    return vocabulary(tokenizer)
