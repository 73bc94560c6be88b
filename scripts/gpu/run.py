"""Go on with the steps of steps.py on a GPU machine without a network, call by call.

run.py            those not done yet; none is begun that may take longer than is left
                   of --minutes (9)
run.py --dry-run  on any machine: a tiny model, few rows, one seed of each kind

Wheels in artifacts/gpu/part-* are unpacked once, outside the checkout, in
TOOLCALLING_GPU_FOLDER (else in the temporary folder), where the results stay too.
$OUT/gpu.json has them all after each step. A machine that replaces another goes on
from artifacts/gpu/gpu.json, if that came along and is of such a card.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import steps

START = time.monotonic()
CARRIED = steps.ROOT / "artifacts" / "gpu"
HOME = Path(os.environ.get("TOOLCALLING_GPU_FOLDER")
            or Path(tempfile.gettempdir(), "toolcalling-gpu"))  # fmt: skip
OUT = Path(os.environ.get("OUT") or HOME / "out")
QUIET = {
    "TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore",
}  # fmt: skip


def unpack():
    """Install the parts that came; (folders to import from, parts still to come)."""
    known, pip = set(), [sys.executable, "-m", "pip"]
    for part in sorted(CARRIED.glob("part-*")):
        known |= set(json.loads((part / "parts.json").read_text()))
        site, beside = HOME / "site" / part.name, HOME / "unpacking"
        if not site.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
            how = ["--no-index", "--no-deps", "--no-compile", "--quiet", "--target"]
            wheels = sorted(part.glob("*.whl"))
            subprocess.run([*pip, "install", *how, beside, *wheels], check=True)
            site.parent.mkdir(parents=True, exist_ok=True)
            os.replace(beside, site)
            print("unpacked", part.name, flush=True)
    sites = sorted((HOME / "site").glob("part-*"))
    if not sites:
        sys.exit("artifacts/gpu/part-1 is not here: collect.py makes it.")
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sites))}
    check = subprocess.run([*pip, "check"], env=paths, capture_output=True, text=True)
    carried = {
        p.name.partition("-")[0].lower() for s in sites for p in s.glob("*-info")
    }
    for line in check.stdout.splitlines():  # what is there is older than thought
        if "has requirement" in line and line.split()[0].replace("-", "_") in carried:
            print("TOO OLD:", line)
    return sites, sorted(known - {site.name for site in sites})


def environment(sites, dry):
    env = os.environ | QUIET | {"TOOLCALLING_WORKSPACE": str(HOME / "work")}
    path = [*map(str, sites), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if not dry:
        weights = {"TOOLCALLING_MODEL": "embedded"}
        return env | weights | {"TOOLCALLING_CACHE": str(HOME / "cache")}
    model, task = HOME / "tiny-random-gemma3", HOME / "tool_selection"
    if not task.is_dir():
        make_small(model, task)
    return env | {"TOOLCALLING_MODEL": str(model), "TOOLCALLING_EPOCHS": "1",
                  "TOOLCALLING_TASK": str(task)}  # fmt: skip


def make_small(model, task):
    """The tests' tiny model, and the built-in task with few rows."""
    sys.path[:0] = [str(steps.ROOT / "tests")]
    from conftest import make_tiny
    from toolcalling.setup.embedded_model import embedded_model

    for folder in (model, beside := HOME / "copied"):
        shutil.rmtree(folder, ignore_errors=True)
    make_tiny(embedded_model(), model.parent)
    shutil.copytree(steps.ROOT / "data" / "tool_selection", beside)
    for file in beside.glob("*.jsonl"):
        file.write_text("".join(file.read_text().splitlines(True)[:20]))
    beside.rename(task)


def ask(step, env, seconds):
    """A step's figures, or {"error"}; what it prints goes to log.txt."""
    with (HOME / "step.txt").open("w+") as printed:
        try:
            failed = subprocess.run(
                [sys.executable, steps.__file__, step], env=env,
                stdout=printed, stderr=subprocess.STDOUT, timeout=seconds,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            failed = "stopped, its time was over"
        printed.seek(0)
        text = printed.read().strip()
    with (OUT / "log.txt").open("a") as log:
        log.write(f"== {step}\n{text}\n\n")
    last = text.splitlines()[-8:]
    return (
        {"error": "\n".join([str(failed), *last])} if failed else json.loads(last[-1])
    )


def earlier(run):
    """{step: figures} of this machine, or of one with such a card that came along."""
    for file in (HOME / "gpu.json", CARRIED / "gpu.json"):
        if file.is_file():
            found = json.loads(file.read_text())
            if found.pop("run").get("gpu") == run.get("gpu"):
                return found
    return {}


def save(run, done):
    for folder in (HOME, OUT):
        beside = folder / "gpu.json-"
        beside.write_text(json.dumps({"run": run} | done, indent=1) + "\n")
        beside.rename(folder / "gpu.json")


def main(minutes, dry):
    for folder in (HOME / "work", OUT):
        folder.mkdir(parents=True, exist_ok=True)
    sites, missing = ([], []) if dry else unpack()
    env = environment(sites, dry)
    run = ask("card", env, 300)
    if not run and not dry:
        return print("There is no CUDA GPU here: run.py --dry-run tries the steps.")
    done = earlier(run)
    chosen = [s for s in steps.STEPS if not dry or s[-2:] not in steps.MORE_SEEDS]
    left = [step for step in chosen if "error" in done.get(step, ["error"])]
    left.sort(key=lambda step: step in done)  # those that failed come last
    if missing and not dry:
        print("Still to come:", ", ".join(missing))
        left = [step for step in left if step == "attention"]
    for step in left:
        rest = minutes * 60 - (time.monotonic() - START)
        if rest < steps.STEPS[step]:
            print(f"{step} may need {steps.STEPS[step]} s, {rest:.0f} are left.")
            break
        begun = time.monotonic()
        done[step] = ask(step, env, rest)
        save(run, done)
        figures = json.dumps(done[step])[:300]
        print(f"{step:28} {time.monotonic() - begun:4.0f} s  {figures}", flush=True)
    if (executed := HOME / "work" / "executed").is_dir():
        with tarfile.open(OUT / "notebooks.tar.gz", "w:gz") as packed:
            packed.add(executed, "executed")
    save(run, done)
    whole = sum("error" not in done.get(step, ["error"]) for step in chosen)
    print(f"{whole} of {len(chosen)} steps are done.")
    if dry and whole < len(chosen):
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--dry-run", action="store_true")
    chosen = parser.parse_args()
    main(600 if chosen.dry_run else chosen.minutes, chosen.dry_run)
