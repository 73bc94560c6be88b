"""Teach the embedded base to call, and measure it: one run of the curve.

    python scripts/calling.py NAME --rows 800 --rate 5e-5 [--seed 1] [--parts dev,...]
    python scripts/calling.py plain --rows 0            # the base as it is
    python scripts/calling.py NAME --on BASE [--share 0.2] [--seed 42]
    python scripts/calling.py NAME --of BASE [--rank 32]   # its change, cut to a rank
    python scripts/calling.py BASE --decide             # hold it against the rule

With --on the built-in task is trained on an earlier run's base, that share of the
rows being general ones, and the task's test is measured too.

A run that was stopped goes on: from its last checkpoint, then from the last part
measured. What it changed in the weights is kept in artifacts/calling/NAME, its
figures in data/results/calling.jsonl, one line a run.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))
os.environ.setdefault("TQDM_DISABLE", "1")

from safetensors.torch import load_file, save_file  # noqa: E402

from toolcalling import evaluation, hardware, models, tasks  # noqa: E402
from toolcalling.base import bfcl, decision, delta, run  # noqa: E402
from toolcalling.study import plan, results, training_run  # noqa: E402
from toolcalling.workspace import save_json  # noqa: E402

RESULTS = ROOT / "data" / "results" / "calling.jsonl"
SUMMARY = RESULTS.with_suffix(".json")
KEPT = "delta.safetensors"  # what a run changed in the weights
PARTS = ("dev", "dev_plain", "unseen", *bfcl.PARTS)


def main():
    arguments = read_arguments()
    if arguments.decide:
        records = [json.loads(line) for line in RESULTS.read_text().splitlines()]
        return save_json(SUMMARY, decision.summary(records, arguments.name))
    folder = ROOT / "artifacts" / "calling" / arguments.name
    machine = hardware.detect()
    if arguments.bf16:
        machine = replace(machine, bf16=True)
    model, tokenizer = models.load_model(models.choose_model("embedded"), machine)
    if arguments.of and not (folder / KEPT).exists():
        cut(folder, arguments)
    if arguments.rows or arguments.on or (folder / KEPT).exists():
        trained(model, tokenizer, machine, folder, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    for part in arguments.parts:
        asked = run.prompts(part)
        for mode in arguments.modes:
            if (file := folder / f"{part}.{mode}.json").exists():
                continue
            figures, replies, wrong = run.measure(
                model, tokenizer, machine, asked, mode, arguments.tokens
            )
            print(arguments.name, part, mode, json.dumps(figures), flush=True)
            save_json(file, {"figures": figures, "replies": replies, "wrong": wrong})
    if arguments.on and not (folder / "policy.json").exists():
        figures = on_the_task(model, tokenizer, machine)
        print(arguments.name, json.dumps(figures), flush=True)
        save_json(folder / "policy.json", figures)
    write(arguments.name, folder)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--on", help="an earlier run: tune the task on its base")
    parser.add_argument("--of", help="an earlier run: measure its change at a low rank")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--decide", action="store_true", help="write calling.json")
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--mix", default=run.MIX, type=json.loads, help="JSON: rows' shares"
    )
    parser.add_argument("--parts", default=PARTS, type=lambda text: text.split(","))
    parser.add_argument("--tokens", type=int, default=160, help="of a reply")
    parser.add_argument("--bf16", action="store_true", help="also where it isn't usual")
    parser.add_argument("--modes", default=run.MODES, type=lambda text: text.split(","))
    return parser.parse_args()


def trained(model, tokenizer, machine, folder, arguments):
    """model as the run leaves it: trained now, or from what is kept of it."""
    kept = folder / KEPT
    if kept.exists():
        delta.add(model, load_file(kept))
        return
    noted = {"seed": arguments.seed, "device": machine.name, "bf16": machine.bf16,
             "threads": os.environ.get("OMP_NUM_THREADS")}  # fmt: skip
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    start = time.perf_counter()
    if arguments.on:
        if arguments.on != "plain":
            delta.add(model, load_file(folder.parent / arguments.on / kept.name))
        task = tasks.load_task()
        pick = run.tune(
            model, tokenizer, task, machine, arguments.share, arguments.seed
        )
        noted |= {"on": arguments.on, "share": arguments.share,
                  "task_rows": len(task.rows["train"]), "epoch": pick.epoch,
                  "dev_by_epoch": [e["correct"] for e in pick.epochs]}  # fmt: skip
    else:
        rows = run.training_rows(arguments.seed, arguments.rows, **arguments.mix)
        losses = run.train(model, tokenizer, rows, machine, folder / "checkpoints",
                           arguments.rate, arguments.seed)  # fmt: skip
        noted |= {"rows": len(rows), "rate": arguments.rate, "mix": arguments.mix,
                  "losses": losses}  # fmt: skip
    minutes = round((time.perf_counter() - start) / 60, 1)
    save_json(folder / "run.json", noted | {"minutes": minutes})
    changed = {
        n: t.half().contiguous() for n, t in delta.difference(model, before).items()
    }
    save_file(changed, kept)


def cut(folder, arguments):
    """Keep a run's change cut to a rank, as a small adapter would hold it."""
    whole = load_file(folder.parent / arguments.of / KEPT)
    thin = {
        n: t.half().contiguous()
        for n, t in delta.low_rank(whole, arguments.rank).items()
    }
    kept = folder / KEPT
    folder.mkdir(parents=True, exist_ok=True)
    save_file(thin, kept)
    save_json(folder / "run.json", {
        "of": arguments.of, "rank": arguments.rank,
        "adapter_mb": round(kept.stat().st_size / 1e6, 1),
    })  # fmt: skip


def on_the_task(model, tokenizer, machine):
    """The built-in task's test after tuning: strict, slices, leaks, changed names."""
    task = tasks.load_task()
    rows = task.rows["test"]
    replies = evaluation.generate_replies(
        model, tokenizer, task.conversations("test"), machine
    )
    judged = evaluation.judge_rows(replies, rows, task)
    score = evaluation.score(rows, judged)
    varied = training_run.variants(
        plan.Run(), model, tokenizer, task, machine, only=("renamed", "flipped")
    )
    return {
        "correct": score["correct"], "n": score["n"], "outcomes": score["outcomes"],
        "slices": {k: [s["correct"], s["n"]] for k, s in score["slices"].items()},
        "leaks": evaluation.measures(rows, judged, task)["leak_rate"]["correct"],
        "variants": {name: sum(results.hits(v)) for name, v in varied.items()},
    }  # fmt: skip


def write(name, folder):
    """The run's line in calling.jsonl, in the place of an older one."""
    record = {"run": name}
    if (noted := folder / "run.json").exists():
        record |= json.loads(noted.read_text())
    if (file := folder / "policy.json").exists():
        record["policy"] = json.loads(file.read_text())
    for part in PARTS:
        for mode in run.MODES:
            if (file := folder / f"{part}.{mode}.json").exists():
                figures = json.loads(file.read_text())["figures"]
                record.setdefault(part, {})[mode] = figures
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    lines = [line for line in lines if json.loads(line)["run"] != name]
    RESULTS.write_text("\n".join([*lines, json.dumps(record)]) + "\n")


if __name__ == "__main__":
    main()
