"""llama.cpp for the tests: a GGUF file's tokens, logits and greedy replies."""

import numpy as np
import pytest

CONTEXT = 2048


def llama_cpp():
    """cyllama's module, which carries llama.cpp built; skips where it is not there."""
    return pytest.importorskip("cyllama.llama.llama_cpp", exc_type=ImportError)


class Llama:
    """One GGUF file, on the CPU, with one thread."""

    def __init__(self, path):
        self.cpp = llama_cpp()
        self.cpp.disable_logging()
        params = self.cpp.LlamaModelParams()
        params.n_gpu_layers = 0
        self.model = self.cpp.LlamaModel(path_model=str(path), params=params)
        self.vocab = self.model.get_vocab()

    def tokens(self, text):
        """The ids of a text; it brings its own <bos>."""
        return self.vocab.tokenize(text, add_special=False, parse_special=True)

    def _read(self, ids):
        params = self.cpp.LlamaContextParams()
        params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
        params.n_threads = params.n_threads_batch = 1
        context = self.cpp.LlamaContext(model=self.model, params=params)
        context.decode(self.cpp.llama_batch_get_one(ids, 0))
        return context

    def logits(self, ids):
        """The logits behind the last id."""
        return np.array(self._read(ids).get_logits_ith(-1), dtype=np.float32)

    def reply(self, prompt, grammar=None, limit=128):
        """The greedy reply to a rendered prompt, under a GBNF grammar if one is given."""
        sampler = self.cpp.LlamaSampler(self.cpp.LlamaSamplerChainParams())
        if grammar:
            sampler.add_grammar(self.vocab, grammar, "root")
        sampler.add_greedy()
        ids = self.tokens(prompt)
        context, text = self._read(ids), b""
        for at in range(len(ids), len(ids) + limit):
            token = sampler.sample(context, -1)
            if self.vocab.is_eog(token):
                break
            text += self.vocab.token_to_piece(token, special=True).encode()
            context.decode(self.cpp.llama_batch_get_one([token], at))
        return text.decode()
