"""make bench: the reference recipe beside ours, interleaved, as ratios.

bench.py          all parts, each in a fresh process; writes data/results/bench.json
bench.py PART     one part, its figures as JSON on the last line
bench.py write    write the file from the parts that are done

The reference recipe is the public guide's as a CPU user gets it: float32, loss on
every token, batches of 4, TRL's SFTTrainer; replies one prompt at a time, at most
128 new tokens. Ours: bfloat16 matmuls where native, loss on the completion,
batches of 8, SharedPrefixSFTTrainer; replies in batches behind a prefix cache, at
most 64 new tokens. Same weights, same rows.
"""

import contextlib
import gc
import io
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parents[1] / "notebooks"),
]
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from toolcalling import tasks  # noqa: E402
from toolcalling.study.office_tools import tool_set  # noqa: E402

REPEATS = 5
TOOLS = (2, 8, 32)
# "frozen": ours, the embedding matrix left alone but for the control tokens' rows;
# "checkpointed": the same, activations computed twice instead of kept.
MEMORY = ("reference", "ours", "frozen", "checkpointed")
PARTS = (
    "matmul", *[f"train-{n}" for n in TOOLS], "evaluate",
    *[f"memory-{kind}-{n}" for n in TOOLS for kind in MEMORY],
)  # fmt: skip


def seconds(function):
    start = time.perf_counter()
    function()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():  # which goes on by itself
        torch.cuda.synchronize()
    return time.perf_counter() - start


def interleaved(**functions):
    """{name: seconds of each of REPEATS runs}, taken in turns after a warm-up."""
    taken = {name: [] for name in functions}
    for _ in range(REPEATS + 1):
        for name, function in functions.items():
            taken[name].append(seconds(function))
            gc.collect()
    return {name: times[1:] for name, times in taken.items()}


def spread(times, per=1):
    """{"median", "min", "max"}, each divided by `per`."""
    times = [t / per for t in times]
    return {
        "median": statistics.median(times), "min": min(times), "max": max(times),
    }  # fmt: skip


def matmul():
    """What the processor reaches on square matrices, in GFLOP/s."""
    import torch

    n, found = 2048, {}
    for name in ("float32", "bfloat16"):
        a = torch.randn(n, n, dtype=getattr(torch, name))
        times = interleaved(run=lambda a=a: a @ a)["run"]
        found[f"{name}_gflops"] = 2 * n**3 / min(times) / 1e9
    return found


def load(machine):
    from toolcalling import models

    with contextlib.redirect_stdout(io.StringIO()):
        chosen = os.environ.get("TOOLCALLING_MODEL") or "embedded"
        return models.load_model(models.choose_model(chosen), machine)


def task_of(count):
    """The built-in task with so many tools declared."""
    task = tasks.load_task(tasks.BUILT_IN)
    return replace(task, tools=tuple(tool_set(task.tools, count)))


class Step:
    """One optimiser step of a recipe on fixed rows, without the trainer's loop.

    kind: of MEMORY, "ours-4" with batches of 4, or "stock": TRL's own trainer with
    the settings of ours.
    """

    def __init__(self, kind, task, machine, model, tokenizer):
        from datasets import Dataset, Features, Json, List
        from trl import SFTConfig, SFTTrainer

        from toolcalling.speed.frozen_embeddings import freeze_embeddings
        from toolcalling.speed.shared_prefix import SharedPrefixSFTTrainer

        ours = kind != "reference"
        if kind in ("frozen", "checkpointed"):
            freeze_embeddings(model)
        self.rows = 4 if kind in ("reference", "ours-4") else 8
        if kind == "reference" and len(task.tools) > 8:
            self.rows = 2  # four of 32 tools need more than 24 GiB at once
        rows = task.conversations("train")[: self.rows]
        columns = {name: List(Json()) for name in ("prompt", "completion", "tools")}
        config = SFTConfig(
            output_dir=tempfile.mkdtemp(), report_to="none",
            use_cpu=machine.device == "cpu",
            bf16=ours and machine.bf16, completion_only_loss=ours, learning_rate=1e-6,
            per_device_train_batch_size=self.rows, max_length=8192,
            activation_checkpointing=False,
        )  # fmt: skip
        stock = kind in ("reference", "stock")
        self.trainer = (SFTTrainer if stock else SharedPrefixSFTTrainer)(
            model=model, args=config, processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows, features=Features(columns)),
        )  # fmt: skip
        data, collate = self.trainer.train_dataset, self.trainer.data_collator
        batch = collate([data[i] for i in range(self.rows)])
        self.batch = self.trainer._prepare_inputs(batch)
        self.lengths = self.batch["attention_mask"].sum(1).tolist()
        self.supervised = int((self.batch["labels"][:, 1:] != -100).sum())
        # set by the trainer's loop
        if kind == "checkpointed":
            model.train()
            model.activation_checkpointing_enable()
        self.trainer.current_gradient_accumulation_steps = 1
        self.trainer.create_optimizer()
        self.model, self.optimizer = self.trainer.accelerator.prepare(
            self.trainer.model, self.trainer.optimizer
        )

    def __call__(self):
        self.trainer.training_step(self.model, dict(self.batch), self.supervised)
        self.trainer.accelerator.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()


def share_moments(steps):
    """Adam's moments held once too: 32 tools would not fit into 24 GiB else."""
    first, *others = steps
    first()
    for step in others:
        for own, shared in zip(step.model.parameters(), first.model.parameters()):
            step.optimizer.state[own] = first.optimizer.state[shared]


def train(count):
    """Seconds per row of a training step, reference and ours."""
    from toolcalling import hardware
    from toolcalling.speed import shared_prefix

    machine, steps, first = hardware.detect(), {}, None
    for kind in ("ours", "ours-4", "frozen", "checkpointed", "reference"):
        model, tokenizer = load(machine)
        if first is None:
            first = model
        else:  # the same weights, held once
            for own, shared in zip(model.parameters(), first.parameters()):
                own.data = shared.data
        steps[kind] = Step(kind, task_of(count), machine, model, tokenizer)
    share_moments(list(steps.values()))
    times = interleaved(**steps)
    found = {k: spread(times[k], steps[k].rows) for k in steps}
    for kind, name in (
        ("ours", "ratio"), ("ours-4", "ratio_equal_batch"),
        ("frozen", "ratio_frozen"), ("checkpointed", "ratio_checkpointed"),
    ):  # fmt: skip
        found[name] = found["reference"]["median"] / found[kind]["median"]
    ours = steps["ours"]
    ids, labels = ours.batch["input_ids"], ours.batch["labels"]
    packed = shared_prefix.pack(ids, ours.lengths, labels)
    positions = packed["input_ids"].shape[1]
    # Multiplications of a step, forward and backward; attention is left out.
    config = first.config
    head = config.vocab_size * config.hidden_size
    body = sum(p.numel() for p in first.parameters()) - head
    flops = 6 * (body * positions + head * ours.supervised)
    return found | {
        "tokens_per_row": sum(ours.lengths) / ours.rows, "positions": positions,
        "gflops": flops / statistics.median(times["ours"]) / 1e9,
    }  # fmt: skip


def evaluate():
    """Seconds per reply before and after fine-tuning, reference and ours."""
    import torch

    from toolcalling import evaluation, hardware, models, workspace

    machine, task = hardware.detect(), tasks.load_task(tasks.BUILT_IN)
    asked = task.conversations("dev")[:32]
    with contextlib.redirect_stdout(io.StringIO()):
        choice = models.choose_model("embedded")
        workspace.require(choice, task, "finetuned")
    loaded = {
        "before": load(machine),
        "after": models.load_tuned(
            workspace.folder(choice, task) / "finetuned", choice.name, machine
        ),
    }
    found = {}
    for name, (model, tokenizer) in loaded.items():
        turn = iter(range(0, 10**6, 2))

        def reference(model=model, tokenizer=tokenizer, turn=turn):
            at = next(turn) % len(asked)
            for prompt in evaluation.render_prompts(tokenizer, asked[at : at + 2]):
                inputs = tokenizer(
                    prompt, add_special_tokens=False, return_tensors="pt"
                )
                with torch.no_grad():
                    model.generate(**inputs, max_new_tokens=128, do_sample=False)

        def ours(model=model, tokenizer=tokenizer):
            evaluation.generate_replies(model, tokenizer, asked, machine)

        times = interleaved(reference=reference, ours=ours)
        found[name] = {
            "reference": spread(times["reference"], 2),
            "ours": spread(times["ours"], len(asked)),
        }
        medians = [found[name][kind]["median"] for kind in ("reference", "ours")]
        found[name]["ratio"] = medians[0] / medians[1]
    return found


def memory(kind, count):
    """Peak resident memory of two training steps, in GiB.

    kind: of MEMORY. The reference is measured as its user gets it, with freed
    memory handed back to the kernel.
    """
    if kind == "reference":
        os.environ["TOOLCALLING_KEEP_MEMORY"] = "0"
    from toolcalling import hardware

    machine = hardware.detect()
    step = Step(kind, task_of(count), machine, *load(machine))
    step()
    step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"gib": peak / (2**30 if sys.platform == "darwin" else 2**20)}


def run_part(part):
    name, *rest = part.split("-")
    if name == "train":
        return train(int(rest[0]))
    if name == "memory":
        return memory(rest[0], int(rest[1]))
    return {"matmul": matmul, "evaluate": evaluate}[name]()


def end_to_end(found, test=300, dev=80, rows=400, epochs=6):
    """Ratio of baseline, training with dev replies each epoch, and evaluation after.

    Put together from the medians of its parts: dev and test prompts before, dev
    prompts after each epoch and test prompts after all at the tuned model's rate.
    Ours trains as notebook 04 does on a CPU: "frozen".
    """
    total = {
        kind: (test + dev) * found["evaluate"]["before"][kind]["median"]
        + epochs * rows * found["train-2"][step]["median"]
        + (test + epochs * dev) * found["evaluate"]["after"][kind]["median"]
        for kind, step in (("reference", "reference"), ("ours", "frozen"))
    }
    return {f"{kind}_minutes": s / 60 for kind, s in total.items()} | {
        "ratio": total["reference"] / total["ours"]
    }


def main(only_done=False):
    from toolcalling import hardware, workspace

    target = workspace.ROOT / "data" / "results" / "bench.json"
    done, found = workspace.base_folder() / "bench", {}
    done.mkdir(parents=True, exist_ok=True)  # parts of a run that was interrupted
    for part in PARTS:
        kept, start = done / f"{part}.json", time.perf_counter()
        if only_done and not kept.is_file():
            continue
        if not kept.is_file():
            run = subprocess.run(
                [sys.executable, __file__, part], stdout=subprocess.PIPE, text=True
            )
            if run.returncode:
                sys.exit(f"{part} failed, see above. {target.name} is unchanged; "
                         "`make bench` goes on from here.")  # fmt: skip
            workspace.save_json(kept, json.loads(run.stdout.splitlines()[-1]))
        found[part] = json.loads(kept.read_text())
        print(f"{part:20} {time.perf_counter() - start:5.0f} s", flush=True)
    found["end-to-end"] = end_to_end(found)
    found["run"] = {
        "machine": str(hardware.detect()), "date": date.today().isoformat(),
        "python": platform.python_version(), "repeats": REPEATS,
    }  # fmt: skip
    workspace.save_json(target, found)
    if not only_done:
        shutil.rmtree(done)
    for name in [f"train-{n}" for n in TOOLS if f"train-{n}" in found] + ["end-to-end"]:
        print(f"{name:12} {found[name]['ratio']:.1f} times as fast")


if __name__ == "__main__":
    if sys.argv[1:] == ["write"]:
        main(only_done=True)
    elif len(sys.argv) > 1:
        print(json.dumps(run_part(sys.argv[1])))
    else:
        main()
