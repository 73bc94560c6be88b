"""A GGUF file asked by llama.cpp, which the package cyllama carries built.

llama = Llama("tool_selection-Q8_0.gguf")
replies = llama.replies(evaluation.render_prompts(tokenizer, conversations))
"""

from pathlib import Path

CONTEXT = 2048
NEEDED = "cyllama"


def llama_cpp():
    """cyllama's module; RuntimeError where it is not installed."""
    try:
        from cyllama.llama import llama_cpp
    except ImportError as error:
        raise RuntimeError(
            f"llama.cpp is not there. Run: pip install {NEEDED} (Linux on x86-64), or "
            "ask the file with a llama.cpp of your own; see RUN.md beside it."
        ) from error
    llama_cpp.disable_logging()
    return llama_cpp


class Llama:
    """One GGUF file, on the CPU. What a prompt begins with as the last one did is not
    computed again. context: tokens of prompt and reply together."""

    def __init__(self, path, threads=1, context=CONTEXT):
        if not Path(path).is_file():
            raise RuntimeError(f"There is no file {Path(path).name}. Export it first.")
        self.cpp, self.context_size = llama_cpp(), context
        params = self.cpp.LlamaModelParams()
        params.n_gpu_layers = 0
        self.model = self.cpp.LlamaModel(path_model=str(path), params=params)
        self.vocab = self.model.get_vocab()
        params = self.cpp.LlamaContextParams()
        params.n_ctx = params.n_batch = params.n_ubatch = context
        params.n_threads = params.n_threads_batch = threads
        self.context = self.cpp.LlamaContext(model=self.model, params=params)
        self.held = []  # the ids that the context holds

    def tokens(self, text):
        """The ids of a text; it brings its own <bos>."""
        return self.vocab.tokenize(text, add_special=False, parse_special=True)

    def reply(self, prompt, grammar=None, limit=128):
        """The ids of the greedy reply to a rendered prompt, without what ends it.

        grammar: in GBNF, that the reply keeps to. limit: tokens. ValueError where the
        prompt leaves no room for so many.
        """
        ids = self.tokens(prompt)
        if len(ids) + limit > self.context_size:
            raise ValueError(
                f"{len(ids)} tokens of prompt and {limit} of reply need a larger "
                f"context than {self.context_size}."
            )
        sampler = self.cpp.LlamaSampler(self.cpp.LlamaSamplerChainParams())
        if grammar:
            sampler.add_grammar(self.vocab, grammar, "root")
        sampler.add_greedy()
        new, found = self._not_held(ids), []
        while len(found) < limit:
            self.context.decode(self.cpp.llama_batch_get_one(new, len(self.held)))
            self.held += new
            token = sampler.sample(self.context, -1)
            if self.vocab.is_eog(token):
                break
            found.append(token)
            new = [token]
        return found

    def replies(self, prompts, grammar=None, limit=128):
        """The replies as texts, control tokens kept."""
        return [
            self.vocab.detokenize(
                self.reply(prompt, grammar, limit),
                text_len_max=32 * limit,
                remove_special=False,
                unparse_special=True,
            )
            for prompt in prompts
        ]

    def _not_held(self, ids):
        """Forget what differs from ids; the ids that must still be computed."""
        same, most = 0, min(len(self.held), len(ids) - 1)  # the last one gives a reply
        while same < most and self.held[same] == ids[same]:
            same += 1
        if not self.context.memory_seq_rm(0, same, -1):
            self.context.kv_cache_clear()
            same = 0
        self.held = ids[:same]
        return ids[same:]
