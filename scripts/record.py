"""Execute the notebooks in order.

execute.py run   copies and HTML under artifacts/, then the before/after table
execute.py docs  in place, for the record; writes data/results/core.json
execute.py docs NAME ...  only these notebooks, the others' products being there
"""

import json
import os
import platform
import shutil
import sys
import time
from datetime import date
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).parent / "pages"),
    str(Path(__file__).parents[1] / "notebooks"),
]

import nbformat  # noqa: E402
from nbconvert import HTMLExporter  # noqa: E402

import series  # noqa: E402
from toolcalling import hardware, models, tasks, workspace  # noqa: E402

# No progress bars frozen in outputs, no warnings that only concern this screen.
QUIET = {
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONWARNINGS": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def progress(name, start):
    def show(done, total):
        if sys.stdout.isatty():
            seconds = time.perf_counter() - start
            print(
                f"\r{name}  cell {done}/{total}  {seconds:.0f} s ", end="", flush=True
            )

    return show


def execute(name):
    """(executed notebook, minutes)"""
    start = time.perf_counter()
    if sys.stdout.isatty():
        print(name, end="", flush=True)
    notebook = workspace.run_notebook(
        series.NOTEBOOKS / f"{name}.ipynb", on_cell=progress(name, start)
    )
    minutes = (time.perf_counter() - start) / 60
    lead = "\r" if sys.stdout.isatty() else ""
    print(f"{lead}{name}  done in {minutes:.1f} min        ", flush=True)
    return notebook, minutes


def clean(notebook):
    """What a reader of the file needs, and nothing of this machine."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        "toolcalling": {"code_sha256": series.code_hash(notebook)},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def before_after(core):
    print("\nstrictly correct on the test prompts")
    for name in ("majority", "tfidf", "before", "after"):
        low, high = core[name]["wilson"]
        print(f"  {name:9} {core[name]['correct']:3}/{core[name]['n']}  "
              f"{core[name]['strict']:6.1%}   95% interval {low:.1%} to {high:.1%}")  # fmt: skip


def main(mode, *only):
    os.environ.update(QUIET)
    choice = models.choose_model()
    task = tasks.load_task(tasks.BUILT_IN)
    folder = workspace.folder(choice, task)
    out = workspace.base_folder() / "executed"
    out.mkdir(parents=True, exist_ok=True)
    times = {}
    for name in only or [name for name, *_ in series.SERIES]:
        notebook, times[name] = execute(name)
        nbformat.write(notebook, out / f"{name}.ipynb")
        html, _ = HTMLExporter().from_notebook_node(notebook)
        (out / f"{name}.html").write_text(html, encoding="utf-8")
        if mode == "docs":
            nbformat.write(clean(notebook), series.NOTEBOOKS / f"{name}.ipynb")
    made = folder / "core.json"  # not there where only some were run
    core = json.loads(made.read_text()) if made.is_file() else series.results()
    if mode == "docs":
        before = folder / "baseline.json"
        if before.is_file():  # what the front page quotes of it
            replies = json.loads(before.read_text())["replies"]["test"]
            rows = task.rows["test"]
            core["before_replies"] = {
                rows[i]["id"]: replies[i] for i in series.front_page.firsts(rows)
            }
        machine = hardware.detect()
        matmuls = "bfloat16" if machine.bf16 else "float32"
        recorded = (series.results() or {}).get("run", {})
        threads = os.environ.get("OMP_NUM_THREADS")
        used = f"{machine.name}, {threads} thread" if threads else machine.name
        whole = {
            "machine": f"{used}, {machine.device.upper()} only, {matmuls} matmuls"
            if machine.device == "cpu"
            else f"{machine.name}, {matmuls} matmuls",
            "date": date.today().isoformat(),
            "python": platform.python_version(),
        }
        minutes = {name: round(value, 2) for name, value in times.items()}
        core["run"] = (recorded if only and recorded else whole) | {
            "minutes": recorded.get("minutes", {}) | minutes
        }
        workspace.save_json(series.RESULTS, core)
        for name, file in series.OTHER_TASKS.items():
            product = workspace.folder(choice, tasks.load_task(name)) / file.name
            if product.is_file():
                shutil.copy(product, file)
        (series.NOTEBOOKS / "images").mkdir(exist_ok=True)
        for figure in sorted(folder.glob("*.svg")):
            shutil.copy(figure, series.NOTEBOOKS / "images")
        series.write()
    before_after(core)
    print(f"\nExecuted copies and HTML: {workspace.shown(out)}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (KeyboardInterrupt, AssertionError) as error:
        if error.args:  # nbclient takes Ctrl-C itself, and then asserts in vain
            raise
        sys.exit("Stopped. A training goes on from its last checkpoint next time.")
