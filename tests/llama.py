"""llama.cpp for the tests: a GGUF file's tokens and its greedy replies."""

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

    def reply(self, prompt, grammar=None, limit=128):
        """The ids of the greedy reply to a rendered prompt, without what ends it.

        grammar: in GBNF, that the reply keeps to.
        """
        sampler = self.cpp.LlamaSampler(self.cpp.LlamaSamplerChainParams())
        if grammar:
            sampler.add_grammar(self.vocab, grammar, "root")
        sampler.add_greedy()
        params = self.cpp.LlamaContextParams()
        params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
        params.n_threads = params.n_threads_batch = 1
        context = self.cpp.LlamaContext(model=self.model, params=params)
        new, at, found = self.tokens(prompt), 0, []
        while len(found) < limit:
            context.decode(self.cpp.llama_batch_get_one(new, at))
            at += len(new)
            token = sampler.sample(context, -1)
            if self.vocab.is_eog(token):
                break
            found.append(token)
            new = [token]
        return found
