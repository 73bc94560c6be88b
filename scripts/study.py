"""make study: every run of the study, a line each in data/results/study.jsonl.

study.py           the runs that are not done yet, each in a fresh process; on a
                    CPU as many at a time as it has cores and memory
study.py MINUTES   the same, but none is begun after so many minutes
study.py run KEY   one run, its record as JSON on the last line

Goes on where it was stopped. What a run is, stands in toolcalling/study/plan.py.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
for name in ("TQDM_DISABLE", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import psutil  # noqa: E402

from toolcalling import hardware, models, tasks  # noqa: E402
from toolcalling.study import plan, results, training_run  # noqa: E402

GIB = 10  # of memory that one run may need
CORES = psutil.cpu_count(logical=False) or 1
JOBS = max(1, min(CORES, psutil.virtual_memory().total // (GIB * 2**30)))
TARGET = results.FILE


def choose():
    """(model, task) of the study."""
    with contextlib.redirect_stdout(io.StringIO()):
        choice = models.choose_model(os.environ.get("TOOLCALLING_MODEL") or "embedded")
    return choice, tasks.load_task(tasks.BUILT_IN)


def done(choice, task):
    """{key: record} of the file; SystemExit where it is of other data or model."""
    records = results.read(TARGET)
    other = [key for key, record in records.items() if record["base"] != choice.name]
    if other := other or results.on_other_data(records, task):
        sys.exit(
            f"{TARGET.name} holds runs of other data or another model ({other[0]}). "
            "Move it away, and the study begins anew."
        )
    return records


def save(records):
    """All lines, in the plan's order: written beside, then renamed."""
    order = [run.key for run in plan.every_run()]
    lines = [
        json.dumps(results.packed(records[key])) for key in order if key in records
    ]
    beside = TARGET.with_name(f".{TARGET.name}-{os.getpid()}")
    beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(beside, TARGET)


def effort(run):
    """About how long a run takes, in rows passed through the model."""
    if run.kind in plan.UNTRAINED:
        return 600
    dev = plan.DEV if plan.picked_on_dev(run) else 0
    return 400 + plan.recipe(run)["num_train_epochs"] * (run.rows + dev)


def main(minutes=None):
    start, spent = time.monotonic(), 0
    records = done(*choose())
    left = [run for run in plan.every_run() if run.key not in records]
    print(f"{len(records)} runs done, {len(left)} to do", flush=True)
    stop = threading.Event()

    def perform(run):
        """Its record as JSON; None where it failed or was not begun any more."""
        late = minutes is not None and time.monotonic() - start > 60 * minutes
        if late or stop.is_set():
            return None
        command = [sys.executable, __file__, "run", run.key]
        threads = {"OMP_NUM_THREADS": str(max(1, CORES // JOBS))}
        found = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads}
        )
        if found.returncode:
            stop.set()
            print(f"{run.key} failed, see above.", flush=True)
            return None
        return found.stdout.splitlines()[-1]

    with ThreadPoolExecutor(JOBS) as pool:
        futures = {pool.submit(perform, run): run for run in left}
        for future in as_completed(futures):
            run, line = futures[future], future.result()
            if line is None:
                continue
            records[run.key] = json.loads(line)
            save(records)
            left.remove(run)
            spent += effort(run)
            passed = (time.monotonic() - start) / 60
            wait = passed / spent * sum(map(effort, left))
            right = results.accuracy(records[run.key])
            print(
                f"{run.key:40} {right['correct']}/{right['n']} correct, "
                f"{len(left)} runs left, about {wait:.0f} minutes",
                flush=True,
            )
    if stop.is_set():
        sys.exit("`make study` goes on from here, once that is mended.")


def one(key):
    run = next(run for run in plan.every_run() if run.key == key)
    record = training_run.perform(run, *choose(), hardware.detect())
    print()
    print(json.dumps(record))


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        one(sys.argv[2])
    else:
        main(*map(float, sys.argv[1:]))
