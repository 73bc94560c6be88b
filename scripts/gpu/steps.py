"""The steps that are run on a GPU machine, in order of value.

`steps.py NAME` runs one and prints its figures as JSON on the last line.
"""

import gc
import json
import os
import platform
import re
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / p) for p in ("scripts", "scripts/pages", "notebooks")]

NOTEBOOKS = (
    "01_environment_setup", "02_dataset", "03_baseline_evaluation", "04_finetuning",
    "05_training_curves", "06_post_training_evaluation",
)  # fmt: skip
MORE_SEEDS = ("43", "44", "45", "46")
# Seconds that a step may take at most: run.py begins none that could take too long.
STEPS = {
    "attention": 60,  # needs no weights
    "tests": 150,
    **dict(zip(NOTEBOOKS, (100, 40, 100, 200, 40, 70), strict=True)),
    "trainers": 80,
    **{f"{kind}-{n}": 110 for n in (42, 43, 44) for kind in ("ours", "bf16_weights")},
    **{"reference-42": 200, "t4-42": 200, "replies": 90, "kernels": 120},
    **{"ours-45": 110, "ours-46": 110, "no_cudnn-42": 110, "shared_prefix-42": 110},
}


def card():
    """The GPU and the versions; {} where torch has no CUDA."""
    import torch

    if not torch.cuda.is_available():
        return {}
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    names = ("torch", "transformers", "trl", "datasets", "pyarrow", "accelerate")
    return {
        "gpu": torch.cuda.get_device_name(0),
        "driver": subprocess.run(query, capture_output=True, text=True).stdout.strip(),
        "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
        "python": platform.python_version(), **{n: version(n) for n in names},
    }  # fmt: skip


def attention():
    from toolcalling import hardware
    from toolcalling.speed import attention

    found = attention.measure(hardware.detect())
    print(attention.describe(found))
    return {"entries": found, "fastest": [attention.fastest(e) for e in found]}


def tests():
    report = Path(os.environ["TOOLCALLING_WORKSPACE"]) / "tests.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    subprocess.run([*command, f"--junitxml={report}", "tests/gpu"], cwd=ROOT)
    suite = ElementTree.parse(report).find("testsuite")
    counts = {k: int(suite.get(k)) for k in ("tests", "failures", "errors", "skipped")}
    failed = [c.get("name") for c in suite if {"failure", "error"} & {e.tag for e in c}]
    return counts | {"failed": failed, "seconds": float(suite.get("time"))}


def notebook(name):
    """Its seconds, and what 04 and 06 say of the model."""
    import nbformat

    from toolcalling import workspace

    start, space = time.perf_counter(), workspace.base_folder()
    book = workspace.run_notebook(workspace.NOTEBOOKS / f"{name}.ipynb")
    found = {"seconds": time.perf_counter() - start}
    (space / "executed").mkdir(parents=True, exist_ok=True)
    nbformat.write(book, space / "executed" / f"{name}.ipynb")
    made = {"04": "finetuned/toolcalling.json", "06": "core.json"}.get(name[:2])
    for path in space.glob(f"*/*/{made}"):
        kept = json.loads(path.read_text())
        found |= {k: v for k, v in kept.items() if k not in ("replies", "confusion")}
    return found


def trainers():
    """A training step of 8 rows of each trainer, and where its time goes."""
    import torch

    import attention_kernels
    import bench
    from toolcalling import hardware
    from toolcalling.speed import shared_prefix

    machine, on_gpu = hardware.detect(), torch.cuda.is_available()
    bench.REPEATS = bench.REPEATS if on_gpu else 1  # a dry run
    found = {"peak_gflops": attention_kernels.peak() if on_gpu else None}
    for kind in ("stock", "ours", "frozen"):
        step = bench.Step(kind, bench.task_of(2), machine, *bench.load(machine))
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        seconds = bench.spread(bench.interleaved(run=step)["run"])
        ids, config = step.batch["input_ids"], step.model.config
        if kind != "stock":
            packed = shared_prefix.pack(ids, step.lengths, step.batch["labels"])
            ids = packed["input_ids"]
        head = config.vocab_size * config.hidden_size
        body = sum(p.numel() for p in step.model.parameters()) - head
        flops = 6 * (body * ids.numel() + head * step.supervised)
        found[kind] = seconds | {
            "tokens_per_second": sum(step.lengths) / seconds["median"],
            "gflops": flops / seconds["median"] / 1e9, "positions": ids.numel(),
            "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if on_gpu else None,
            "profile": profile(step, on_gpu),
        }  # fmt: skip
        del step
        gc.collect()
    return found


def profile(step, on_gpu):
    """{"busy": share of the time that the device computes, "longest": ms a step}"""
    import torch

    start = time.perf_counter()
    with torch.profiler.profile() as seen:
        step()
        if on_gpu:
            torch.cuda.synchronize()
    whole = time.perf_counter() - start
    of = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    spent = {e.key[:70]: getattr(e, of) / 1e3 for e in seen.key_averages()}
    longest = sorted(spent, key=spent.get, reverse=True)[:10]
    return {"busy": sum(spent.values()) / whole / 1e3,
            "longest": {name: round(spent[name], 3) for name in longest}}  # fmt: skip


@contextmanager
def clocked(owner, name, spent):
    """Add the seconds of every call of owner's function to spent[name]."""
    whole = getattr(owner, name)

    def run(*args, **kwargs):
        start = time.perf_counter()
        found = whole(*args, **kwargs)
        spent[name] = spent.get(name, 0) + time.perf_counter() - start
        return found

    with mock.patch.object(owner, name, run):
        yield


def machine_for(kind):
    """The hardware as a kind of training sees it."""
    import torch

    from toolcalling import hardware

    if kind == "no_cudnn":
        torch.backends.cuda.enable_cudnn_sdp(False)
    if kind != "t4":
        machine = hardware.detect()
        # The guide computes attention in eager mode.
        return replace(machine, attention="eager") if kind == "reference" else machine
    with mock.patch.object(torch.cuda, "get_device_capability", lambda *_: (7, 5)):
        machine = hardware.detect()
    torch.backends.cuda.matmul.allow_tf32 = False
    if torch.cuda.is_available():
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(15 * 2**30 / whole)  # a T4's
    return machine


def tune(kind, seed):
    """The whole recipe, and the replies to dev and test after it.

    kind: "ours", as notebook 04 on a GPU: TRL's trainer, float32 weights, bfloat16
    autocast; or a change in that: "shared_prefix", "bf16_weights" without autocast,
    "t4", "no_cudnn"; or "reference", the public guide's recipe.
    """
    import torch
    from trl import SFTTrainer

    from toolcalling import evaluation, models, tasks, training
    from toolcalling.study import plan

    recipe, machine = training.RECIPE, machine_for(kind)
    model, tokenizer = models.load_model(models.choose_model(), machine)
    if kind in ("reference", "bf16_weights"):
        model.to(torch.bfloat16)
    if kind == "reference":
        recipe = plan.recipe(plan.Run("reference"))
    if kind == "bf16_weights":
        recipe = recipe | {"bf16": False}
    epochs = int(os.environ.get("TOOLCALLING_EPOCHS") or recipe["num_train_epochs"])
    recipe, task, spent = recipe | {"num_train_epochs": epochs}, tasks.load_task(), {}
    stock = mock.patch.object(
        training, "CPUTrainer", lambda freeze, **settings: SFTTrainer(**settings)
    )
    with (
        nullcontext() if kind == "shared_prefix" else stock,
        clocked(SFTTrainer, "train", spent),
        clocked(training.PickOnDev, "on_evaluate", spent),
    ):
        pick = training.fine_tune(
            model, tokenizer, task, machine, seed, recipe,
            freeze=False, families=False, pick=kind != "reference",
        )  # fmt: skip
    rows = len(task.rows["train"]) * epochs
    found = {"seconds": spent, "epochs": epochs, "epoch": pick and pick.epoch}
    found["rows_per_second"] = rows / (spent["train"] - spent.get("on_evaluate", 0))
    if torch.cuda.is_available():
        found["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
    for split in ("dev", "test"):
        asked, part = task.conversations(split), task.rows[split]
        start = time.perf_counter()
        replies = evaluation.generate_replies(model, tokenizer, asked, machine)
        spent[f"{split}_replies"] = time.perf_counter() - start
        score = evaluation.score(part, evaluation.judge_rows(replies, part, task))
        found[split] = {name: score[name] for name in ("n", "correct", "outcomes")}
    return found


def replies():
    """Seconds of the test's replies by notebook 04's model, as it is and otherwise."""
    import torch

    from toolcalling import evaluation, hardware, models, tasks, workspace

    machine, task, choice = hardware.detect(), tasks.load_task(), models.choose_model()
    tuned = workspace.folder(choice, task) / "finetuned"
    model, tokenizer = models.load_tuned(tuned, choice.name, machine)
    asked, found = task.conversations("test"), {"n": len(task.rows["test"])}
    for name, cudnn, size in (
        ("as_it_is", True, None), ("no_cudnn", False, None), ("batch_128", False, 128),
    ):  # fmt: skip
        torch.backends.cuda.enable_cudnn_sdp(cudnn)
        found[name] = []
        for _ in range(2):  # the first prepares kernels for new lengths
            start = time.perf_counter()
            evaluation.generate_replies(model, tokenizer, asked, machine, size)
            found[name].append(time.perf_counter() - start)
    return found


def kernels():
    import torch

    import attention_kernels
    from toolcalling import hardware

    if not torch.cuda.is_available():
        return {"reason": "There is no CUDA GPU here."}
    return attention_kernels.kernels(hardware.detect())


def perform(step):
    if step in NOTEBOOKS:
        return notebook(step)
    if tuned := re.fullmatch(r"(\w+)-(\d+)", step):
        return tune(tuned[1], int(tuned[2]))
    return globals()[step]()


if __name__ == "__main__":
    print("\n" + json.dumps(perform(sys.argv[1])))
