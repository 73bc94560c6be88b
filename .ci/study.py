"""make study: every run of the study, a line each in data/results/study.jsonl.

study.py            the runs that are not done yet, each in a fresh process
study.py MINUTES    the same, but none is begun after so many minutes
study.py run KEY    one run, its record as JSON on the last line

Goes on where it was stopped. What a run is, stands in toolcalling/study.py.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
for name in ("TQDM_DISABLE", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from toolcalling import hardware, models, study, workspace  # noqa: E402

TARGET = workspace.ROOT / "data" / "results" / "study.jsonl"


def choose():
    with contextlib.redirect_stdout(io.StringIO()):
        return models.choose_model(os.environ.get("TOOLCALLING_MODEL") or "embedded")


def done(choice):
    """{key: record} of the file; SystemExit where it is of other data or model."""
    lines = TARGET.read_text(encoding="utf-8").splitlines() if TARGET.is_file() else []
    records = {record["run"]: record for record in map(json.loads, lines)}
    for key, record in records.items():
        if not workspace.stamp(choice).items() <= record.items():
            sys.exit(
                f"{TARGET.name} holds runs of other data or another model ({key}). "
                "Move it away, and the study begins anew."
            )
    return records


def save(records):
    """All lines, in the plan's order: written beside, then renamed."""
    order = [run.key for run in study.plan()]
    lines = [json.dumps(records[key]) for key in order if key in records]
    beside = TARGET.with_name(f".{TARGET.name}-{os.getpid()}")
    beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(beside, TARGET)


def effort(run):
    """About how long a run takes, in rows passed through the model."""
    if run.kind in study.UNTRAINED:
        return 600
    return 400 + study.epochs(run) * (run.rows + 80)


def main(minutes=None):
    choice, start, spent = choose(), time.monotonic(), 0
    records = done(choice)
    left = [run for run in study.plan() if run.key not in records]
    print(f"{len(records)} runs done, {len(left)} to do", flush=True)
    while left:
        passed = (time.monotonic() - start) / 60
        if minutes is not None and passed > minutes:
            break
        run = left.pop(0)
        command = [sys.executable, __file__, "run", run.key]
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if found.returncode:
            sys.exit(f"{run.key} failed, see above. `make study` goes on from here.")
        records[run.key] = json.loads(found.stdout.splitlines()[-1])
        save(records)
        spent += effort(run)
        passed = (time.monotonic() - start) / 60
        wait = passed / spent * sum(map(effort, left))
        right = records[run.key]["outcomes"].count("correct")
        print(
            f"{run.key:40} {right}/{len(records[run.key]['ids'])} correct, "
            f"{len(left)} runs left, about {wait:.0f} minutes",
            flush=True,
        )


def one(key):
    run = next(run for run in study.plan() if run.key == key)
    record = study.perform(run, choose(), hardware.detect())
    print()
    print(json.dumps(record))


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        one(sys.argv[2])
    else:
        main(*map(float, sys.argv[1:]))
