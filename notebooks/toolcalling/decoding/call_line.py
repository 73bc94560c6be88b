"""While a model writes: no call below the call line."""

import torch
from transformers import LogitsProcessor


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
