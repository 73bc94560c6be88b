"""The tuned model in every runtime, on the same frozen test; data/results/deploy.json.

deploy.py            every route that is not measured yet, then the file
deploy.py ROUTE ...  these anew
deploy.py load       latency and load of the server, by load.py

The model is the one that notebook 04 saved for the built-in task. Greedy, one thread.
"""

import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "notebooks"), str(ROOT / "scripts")]

import torch  # noqa: E402

import load  # noqa: E402
from toolcalling import (  # noqa: E402
    evaluation,
    hardware,
    models,
    statistics,
    tasks,
    workspace,
)
from toolcalling.calls import FunctionCall, render_call  # noqa: E402
from toolcalling.share.export import export  # noqa: E402
from toolcalling.share.llama_cpp import Llama  # noqa: E402
from toolcalling.share.self_test import asks_server, calls_in  # noqa: E402
from toolcalling.share.serve import serving  # noqa: E402
from toolcalling.study import call_line, results  # noqa: E402

TASK = tasks.load_task("tool_selection")
ASKED = TASK.conversations("test")


class Places:
    """Folders: of the tuned model, of its exports, of what is measured."""

    def __init__(self, choice):
        self.model = workspace.folder(choice, TASK) / "finetuned"
        self.exports = workspace.base_folder() / "deploy"
        self.made = self.exports / choice.slug
        self.made.mkdir(parents=True, exist_ok=True)

    def export(self, to):
        """The export of that kind, written where it is missing."""
        out = self.exports / to
        return out if out.is_dir() else export(self.model, to, TASK.name, out)

    def gguf(self, kind):
        return self.export("gguf") / f"{TASK.name}-{kind}.gguf"


def in_torch(places, dtype):
    """(replies, MB) of transformers in a number format."""
    machine = hardware.detect()
    model, tokenizer = models.load_model(places.model, machine)
    model.to(dtype)
    replies = evaluation.generate_replies(model, tokenizer, ASKED, machine)
    return replies, sum(p.nbytes for p in model.parameters()) / 1e6


def in_llama_cpp(places, kind, grammar=None):
    path = places.gguf(kind)
    llama, tokenizer = Llama(path), models.load_tokenizer(places.model)
    grammar = grammar and (path.parent / "grammar.gbnf").read_text()
    prompts = evaluation.render_prompts(tokenizer, ASKED)
    return llama.replies(prompts, grammar), path.stat().st_size / 1e6


def in_serve(places):
    """A client's questions to `transformers serve`; its calls are written as replies."""
    folder = places.export("serve")
    with serving(folder, device="cpu") as server:
        ask = asks_server(server.base_url, server.model, timeout=600)
        questions = [{"messages": c["prompt"], "tools": c["tools"]} for c in ASKED]
        ask(questions[0])  # loads the model
        called = [ask(question) for question in questions]
    replies = ["".join(render_call(FunctionCall(**c)) for c in cs) for cs in called]
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return replies, size / 1e6


def loads(places, n=6):
    """What load.py measures of `transformers serve`, and its peak memory in MB."""
    with serving(places.export("serve"), device="cpu") as server:
        steps = load.load(server.base_url, server.model, ASKED, n)
    busy = round(os.getloadavg()[0], 1)
    return {"serve": steps, "serve_peak_mb": load.peak_of_children(), "busy": busy}


ROUTES = {
    "original": lambda places: in_torch(places, torch.float32),
    "bf16": lambda places: in_torch(places, torch.bfloat16),
    "serve": in_serve,
    "gguf_F16": lambda places: in_llama_cpp(places, "F16"),
    "gguf_Q8_0": lambda places: in_llama_cpp(places, "Q8_0"),
    "gguf_Q4_K_M": lambda places: in_llama_cpp(places, "Q4_K_M"),
    "gguf_Q4_K_M_grammar": lambda places: in_llama_cpp(places, "Q4_K_M", True),
}


def held_against(made, original):
    """One line of the table: the same test, beside the original."""
    rows = TASK.rows["test"]
    hits, before = (
        [j.correct for j in evaluation.judge_rows(one["replies"], rows, TASK)]
        for one in (made, original)
    )
    same = [
        calls_in(a) == calls_in(b)
        for a, b in zip(made["replies"], original["replies"], strict=True)
    ]
    low, high = statistics.wilson(sum(hits), len(hits))
    return {
        "n": len(hits), "same_calls": sum(same), "right": sum(hits),
        "wilson": [round(low, 4), round(high, 4)],
        "mcnemar": statistics.mcnemar(before, hits),
        "mb": round(made["mb"]),
    }  # fmt: skip


def main(asked):
    choice = models.choose_model("embedded")
    places = Places(choice)
    made_from = json.loads((places.model / "toolcalling.json").read_text())
    kept = {name: places.made / f"{name}.json" for name in ROUTES}
    for name, path in kept.items():
        if name in asked or not (asked or path.is_file()):
            replies, mb = ROUTES[name](places)
            workspace.save_json(path, {"replies": replies, "mb": mb})
            print(name, "done", flush=True)
    made = {n: json.loads(p.read_text()) for n, p in kept.items() if p.is_file()}
    file = ROOT / "data/results/deploy.json"
    found = json.loads(file.read_text()) if file.is_file() else {}
    if "load" in asked:
        found["load"] = loads(places)
    found |= {
        **workspace.stamp(choice, TASK),
        "dev_by_epoch": [epoch["correct"] for epoch in made_from["dev_by_epoch"]],
        "run": {"on": f"{platform.machine()}, one thread",
                "date": date.today().isoformat()},
        "routes": {n: held_against(m, made["original"]) for n, m in made.items()},
        "call_line": call_line.finding(results.load(TASK), TASK),
    }  # fmt: skip
    file.write_text(json.dumps(found, indent=1) + "\n")
    for name, line in found["routes"].items():
        print(name, line)


if __name__ == "__main__":
    known = [*ROUTES, "load"]
    if unknown := set(sys.argv[1:]) - set(known):
        sys.exit(f"There is no {', '.join(unknown)}: {', '.join(known)}.")
    main(sys.argv[1:])
