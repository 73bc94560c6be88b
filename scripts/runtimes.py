"""The runtimes that deploy.py holds against each other, behind one function each.

A runtime is a context that yields (ask, MB of weights). ask: conversations to the
replies' texts, greedy, one after the other or in batches, as the runtime likes.
"""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "notebooks"), str(ROOT / "tests" / "browser")]

from toolcalling import evaluation, hardware, models, workspace  # noqa: E402
from toolcalling.calls import FunctionCall, render_call  # noqa: E402
from toolcalling.share.export import export  # noqa: E402

MINUTES = 10 * 60_000  # that a page may take for one reply, in milliseconds


class Places:
    """Folders: of the tuned model, of its exports, of what is measured."""

    def __init__(self, choice, task):
        self.task = task
        self.model = workspace.folder(choice, task) / "finetuned"
        self.exports = workspace.base_folder() / "deploy"
        self.made = self.exports / choice.slug
        self.made.mkdir(parents=True, exist_ok=True)

    def export(self, to):
        """The export of that kind, written where it is missing."""
        out = self.exports / to
        return out if out.is_dir() else export(self.model, to, self.task.name, out)

    def gguf(self, kind):
        return self.export("gguf") / f"{self.task.name}-{kind}.gguf"


@contextmanager
def in_torch(places, dtype):
    """transformers, in a number format."""
    machine = hardware.detect()
    model, tokenizer = models.load_model(places.model, machine)
    model.to(dtype)

    def ask(conversations):
        return evaluation.generate_replies(model, tokenizer, conversations, machine)

    yield ask, sum(p.nbytes for p in model.parameters()) / 1e6


@contextmanager
def in_llama_cpp(places, kind, constrained=False):
    """llama.cpp, with the exported grammar if constrained."""
    from toolcalling.share.llama_cpp import Llama

    path, tokenizer = places.gguf(kind), models.load_tokenizer(places.model)
    grammar = (path.parent / "grammar.gbnf").read_text() if constrained else None
    llama = Llama(path)

    def ask(conversations):
        return llama.replies(
            evaluation.render_prompts(tokenizer, conversations), grammar
        )

    yield ask, path.stat().st_size / 1e6


@contextmanager
def in_serve(places):
    """A client's questions to `transformers serve`; its calls are written as replies."""
    from toolcalling.share.self_test import asks_server
    from toolcalling.share.serve import serving

    folder = places.export("serve")
    with serving(folder, device="cpu") as server:
        asks = asks_server(server.base_url, server.model, timeout=600)

        def ask(conversations):
            called = [
                asks({"messages": c["prompt"], "tools": c["tools"]})
                for c in conversations
            ]
            return [
                "".join(render_call(FunctionCall(**call)) for call in calls)
                for calls in called
            ]

        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        yield ask, size / 1e6


@contextmanager
def in_litert(places):
    """LiteRT-LM, on the CPU. Run by a Python that has share.litert.PACKAGES."""
    import litert_lm

    tokenizer = models.load_tokenizer(places.model)
    path = places.export("litert") / f"{places.task.name}.litertlm"
    greedy = litert_lm.SamplerConfig(top_k=1, temperature=0.0)
    with litert_lm.Engine(str(path), max_num_tokens=2048) as engine:

        def ask(conversations):
            replies = []
            for prompt in evaluation.render_prompts(tokenizer, conversations):
                with engine.create_session(
                    apply_prompt_template=False, sampler_config=greedy,
                    max_output_tokens=128,
                ) as session:  # fmt: skip
                    session.run_prefill([prompt.removeprefix(tokenizer.bos_token)])
                    replies += session.run_decode().texts
            return replies

        yield ask, path.stat().st_size / 1e6


@contextmanager
def in_browser(places):
    """The page of docs/demo in headless Chromium, one thread, wllama from npm."""
    from playwright.sync_api import sync_playwright

    from demo_site import SITE, Site, packages

    path = places.gguf("Q8_0")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )  # fmt: skip
        page = browser.new_page()
        page.set_default_timeout(MINUTES)
        page.route("**/*", Site(packages()).answer)
        page.goto(SITE)
        page.get_by_label("Model file").set_input_files(path)
        page.locator("#working").wait_for(state="hidden")

        def ask(conversations):
            replies = []
            for conversation in conversations:
                page.get_by_label("Question").fill(
                    conversation["prompt"][-1]["content"]
                )
                page.get_by_role("button", name="Ask").click()
                page.locator("#working").wait_for(state="hidden")
                replies.append(page.evaluate("page.raw.textContent"))
            return replies

        yield ask, path.stat().st_size / 1e6
        browser.close()


RUNTIMES = {
    "original": lambda places: in_torch(places, torch.float32),
    "bf16": lambda places: in_torch(places, torch.bfloat16),
    "serve": in_serve,
    "gguf_F16": lambda places: in_llama_cpp(places, "F16"),
    "gguf_Q8_0": lambda places: in_llama_cpp(places, "Q8_0"),
    "gguf_Q4_K_M": lambda places: in_llama_cpp(places, "Q4_K_M"),
    "gguf_Q4_K_M_grammar": lambda places: in_llama_cpp(places, "Q4_K_M", True),
    "litert": in_litert,
    "browser": in_browser,
}
THIRD = {"browser"}  # asked every third prompt: a reply takes it ten seconds
