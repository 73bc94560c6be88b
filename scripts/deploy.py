"""The tuned model in every runtime, on the same frozen test; data/results/deploy.json.

deploy.py            every route that is not measured yet, then the file
deploy.py ROUTE ...  these anew
deploy.py speed      milliseconds a reply of each, prompt by prompt in turn
deploy.py load       latency and load of the server, by load.py

The model is the one that notebook 04 saved for the built-in task. Greedy, one thread.
A route whose packages are not there is named and left out: litert needs a Python of its
own, with share.litert.PACKAGES.
"""

import json
import os
import platform
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "notebooks"), str(ROOT / "scripts")]

import numpy as np  # noqa: E402

import load  # noqa: E402
from runtimes import RUNTIMES, THIRD, Places  # noqa: E402
from toolcalling import evaluation, models, statistics, tasks, workspace  # noqa: E402
from toolcalling.share.self_test import calls_in  # noqa: E402
from toolcalling.study import call_line, results  # noqa: E402

TASK = tasks.load_task("tool_selection")
ASKED = TASK.conversations("test")
TIMED = 20  # prompts for `speed`, from all over the test


@contextmanager
def left_out(name):
    """A route whose packages are not there is no error."""
    try:
        yield
    except ImportError as error:
        print(f"{name}: left out, {error}", flush=True)


def replies_of(name, places):
    """What a route says to the test; a slow one to every third prompt."""
    rows = range(0, len(ASKED), 3 if name in THIRD else 1)
    start = time.perf_counter()
    with RUNTIMES[name](places) as (ask, mb):
        replies = ask([ASKED[i] for i in rows])
    seconds = time.perf_counter() - start
    return {"rows": list(rows), "replies": replies, "mb": mb, "seconds": seconds}


def speed(places, names):
    """{route: p50 and p95 in ms of one reply}; each prompt to every route in turn."""
    asked, taken = ASKED[:: len(ASKED) // TIMED][:TIMED], {name: [] for name in names}
    with ExitStack() as stack:
        asks = {}
        for name in names:
            with left_out(name):
                asks[name], _ = stack.enter_context(RUNTIMES[name](places))
        for ask in asks.values():
            ask(asked[:1])  # the first one reads the declarations
        for one in asked:
            for name, ask in asks.items():
                start = time.perf_counter()
                ask([one])
                taken[name].append(1000 * (time.perf_counter() - start))
    return {
        name: {"n": len(ms), "p50_ms": round(float(np.median(ms))),
               "p95_ms": round(float(np.quantile(ms, 0.95, method="higher")))}
        for name, ms in taken.items() if ms
    }  # fmt: skip


def held_against(made, original):
    """One line of the table: the same prompts, beside the original."""
    rows = [TASK.rows["test"][i] for i in made["rows"]]
    beside = [original["replies"][i] for i in made["rows"]]
    hits, before = (
        [j.correct for j in evaluation.judge_rows(replies, rows, TASK)]
        for replies in (made["replies"], beside)
    )
    same = [
        calls_in(a) == calls_in(b) for a, b in zip(made["replies"], beside, strict=True)
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
    places = Places(choice, TASK)
    made_from = json.loads((places.model / "toolcalling.json").read_text())
    kept = {name: places.made / f"{name}.json" for name in RUNTIMES}
    for name, path in kept.items():
        if name in asked or not (asked or path.is_file()):
            with left_out(name):
                workspace.save_json(path, replies_of(name, places))
                print(name, "done", flush=True)
    made = {n: json.loads(p.read_text()) for n, p in kept.items() if p.is_file()}
    file = ROOT / "data/results/deploy.json"
    found = json.loads(file.read_text()) if file.is_file() else {}
    if "load" in asked:
        made_load = load.served(places.export("serve"), ASKED, n=6, device="cpu")
        found["load"] = {
            "serve": made_load["steps"], "serve_peak_mb": made_load["peak_mb"],
            "busy": round(os.getloadavg()[0], 1),
        }  # fmt: skip
    if "speed" in asked:
        found["speed"] = speed(places, list(made))
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
    known = [*RUNTIMES, "load", "speed"]
    if unknown := set(sys.argv[1:]) - set(known):
        sys.exit(f"There is no {', '.join(unknown)}: {', '.join(known)}.")
    main(sys.argv[1:])
