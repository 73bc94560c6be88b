"""Teach the embedded base to call, and measure it: one run of the curve.

    python scripts/calling.py NAME --rows 800 --rate 5e-5 [--seed 1] [--parts dev,...]
    python scripts/calling.py plain --rows 0            # the base as it is

A run that was stopped goes on: from its last checkpoint, then from the last part
measured. What it changed in the weights is kept in artifacts/calling/NAME, its
figures in data/results/calling.jsonl, one line a run.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))
os.environ.setdefault("TQDM_DISABLE", "1")

from safetensors.torch import load_file, save_file  # noqa: E402

from toolcalling import hardware, models  # noqa: E402
from toolcalling.base import bfcl, delta, run  # noqa: E402
from toolcalling.workspace import save_json  # noqa: E402

RESULTS = ROOT / "data" / "results" / "calling.jsonl"
PARTS = ("dev", "unseen", *bfcl.PARTS)


def main():
    arguments = read_arguments()
    folder = ROOT / "artifacts" / "calling" / arguments.name
    machine = hardware.detect()
    model, tokenizer = models.load_model(models.choose_model("embedded"), machine)
    if arguments.rows:
        trained(model, tokenizer, machine, folder, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    for part in arguments.parts:
        asked = run.prompts(part)
        for mode in run.MODES:
            if (file := folder / f"{part}.{mode}.json").exists():
                continue
            figures, replies, wrong = run.measure(
                model, tokenizer, machine, asked, mode
            )
            print(arguments.name, part, mode, json.dumps(figures), flush=True)
            save_json(file, {"figures": figures, "replies": replies, "wrong": wrong})
    write(arguments.name, folder)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", default=PARTS, type=lambda text: text.split(","))
    return parser.parse_args()


def trained(model, tokenizer, machine, folder, arguments):
    """model as the run leaves it: trained now, or from what is kept of it."""
    kept = folder / "delta.safetensors"
    if kept.exists():
        delta.add(model, load_file(kept))
        return
    rows = run.training_rows(arguments.seed, arguments.rows)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    start = time.perf_counter()
    losses = run.train(
        model, tokenizer, rows, machine, folder / "checkpoints", arguments.rate,
        arguments.seed,
    )  # fmt: skip
    minutes = (time.perf_counter() - start) / 60
    save_json(folder / "run.json", {
        "rows": len(rows), "rate": arguments.rate, "seed": arguments.seed,
        "minutes": round(minutes, 1), "device": machine.name,
        "threads": os.environ.get("OMP_NUM_THREADS"), "losses": losses,
    })  # fmt: skip
    changed = {
        n: t.half().contiguous() for n, t in delta.difference(model, before).items()
    }
    save_file(changed, kept)


def write(name, folder):
    """The run's line in calling.jsonl, in the place of an older one."""
    record = {"run": name}
    if (noted := folder / "run.json").exists():
        record |= json.loads(noted.read_text())
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
