"""The tokenizer's vocabulary as llguidance needs it: the bytes of every token.

Its own reader takes each token in angle brackets for a control token, Gemma's <b> and
<table> too, which are text.
"""

import re

from llguidance import LLTokenizer, TokenizerWrapper

from ..calls import RESERVED

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def vocabulary(tokenizer):
    """An LLTokenizer of a Gemma tokenizer; takes about a second."""
    return LLTokenizer(TokenizerWrapper(_Tokens(tokenizer)))


class _Tokens:
    """What TokenizerWrapper asks for."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.eos_token_id, self.bos_token_id = tokenizer.eos_token_id, None
        texts = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
        control = {i for i, t in tokenizer.added_tokens_decoder.items() if t.special}
        # A byte that no text holds; llguidance marks control tokens with it.
        control |= {i for i, t in enumerate(texts) if t in RESERVED or t == "<0xFF>"}
        self.special_token_ids = sorted(control)
        self.tokens = [
            text.encode() if i in control else _bytes(text)
            for i, text in enumerate(texts)
        ]

    def __call__(self, text):
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


def _bytes(text):
    if byte := _BYTE.fullmatch(text):
        return bytes([int(byte[1], 16)])
    return text.replace("\u2581", " ").encode()
