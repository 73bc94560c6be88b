"""Where things are kept, and what must be there first: notebooks run notebooks."""

import hashlib
import json
import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from .setup import colab_kaggle

NOTEBOOKS = Path(__file__).resolve().parents[1]
ROOT = NOTEBOOKS.parent

# What a notebook leaves for later ones: the notebook that makes it, the file.
PRODUCTS = {
    "baseline": ("03_baseline_evaluation", "baseline.json"),
    "finetuned": ("04_finetuning", "finetuned/toolcalling.json"),
    "judged": ("06_post_training_evaluation", "core.json"),
    "answering": ("10_use_it", "finetuned/toolcalling.json"),
}


def base_folder():
    """Where products go: TOOLCALLING_WORKSPACE, what Colab or Kaggle keeps, or
    artifacts/."""
    chosen = os.environ.get("TOOLCALLING_WORKSPACE")
    if chosen:
        return Path(chosen).expanduser()
    return colab_kaggle.lasting_folder() or ROOT / "artifacts"


def folder(choice, task):
    """The folder of one model's products for one task, made if need be."""
    name = task.name
    if task.folder.parent != ROOT / "data":  # two folders may have one name
        place = hashlib.sha256(str(task.folder).encode()).hexdigest()[:6]
        name = f"{name}-{place}"
    path = base_folder() / choice.slug / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def shown(path):
    """A path fit for a committed output: below the checkout, Drive or workspace."""
    path = Path(path)
    for base, name in (
        (ROOT, ""),
        (colab_kaggle.DRIVE, "Drive"),
        (colab_kaggle.KAGGLE_OUTPUT, "working"),
        (base_folder(), "workspace"),
    ):
        if path.is_relative_to(base):
            return str(Path(name) / path.relative_to(base))
    return path.name


def stamp(choice, task):
    """What a product was made from: the model, the task and the hash of its files."""
    return {"base": choice.name, "task": task.name, "data": task.hash}


def save_json(path, content):
    """Write JSON in one piece: beside, then renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RuntimeError(
            f"{path.name} could not be written ({error.strerror}). What was there "
            "before is untouched. Make room and run this again."
        ) from error


@contextmanager
def whole_folder(folder):
    """Yields where to write a folder, which takes its place when all is written.

    RuntimeError where writing fails; what was there before is then untouched.
    """
    folder = Path(folder)
    beside = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        yield beside
    except BaseException as error:
        shutil.rmtree(beside, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise RuntimeError(
            f"The folder {folder.name} could not be written "
            f"({error.strerror or error}). What was there before is untouched. Make "
            "room and run this again."
        ) from error
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(beside, folder)


def require(choice, task, *products):
    """Have the products of earlier notebooks, running those notebooks if needed."""
    for product in products:
        notebook, file = PRODUCTS[product]
        path = folder(choice, task) / file
        if is_current(path, choice, task):
            continue
        why = "of another model or other data" if path.exists() else "not there yet"
        print(f"The {product} is {why}: running {notebook}{_minutes(notebook)} ...")
        sys.stdout.flush()
        run_notebook(NOTEBOOKS / f"{notebook}.ipynb", choice.source, task.folder)
        if not is_current(path, choice, task):
            raise RuntimeError(
                f"{notebook} ran but left no {product} for {choice.name} and "
                f"{task.name}. Open it, choose the same two there, and run it."
            )


def is_current(path, choice, task):
    """Was this product made from the chosen model and today's files of the task?"""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp(choice, task).items() <= content.items()


def _minutes(notebook):
    """How long the recorded run took, in words; empty where none is recorded."""
    try:
        run = json.loads((ROOT / "data" / "results" / "core.json").read_text())["run"]
        return f" (recorded: {run['minutes'][notebook]:.0f} min on {run['machine']})"
    except (OSError, ValueError, KeyError):
        return ""


def run_notebook(path, model=None, task=None, on_cell=None):
    """Execute a notebook in a kernel of its own; returns it with its outputs.

    model, task: what it chooses, as TOOLCALLING_MODEL and TOOLCALLING_TASK.
    on_cell(done, total) is called after each cell. RuntimeError names the notebook that failed and its error.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    path = Path(path)
    notebook = nbformat.read(path, as_version=4)

    def after(cell, cell_index, **_):
        if on_cell:
            on_cell(cell_index + 1, len(notebook.cells))

    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_manager_class=_same_python(),
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        on_cell_executed=after,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        coalesce_streams=True,  # a cell's prints as one text, as a page shows them
    )
    chosen = {"TOOLCALLING_MODEL": model, "TOOLCALLING_TASK": task}
    chosen = {name: str(value) for name, value in chosen.items() if value}
    try:
        client.execute(env={**os.environ, **chosen})
    except CellExecutionError as error:
        text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
        last = text.splitlines()[-1] if text else "unknown error"
        raise RuntimeError(
            f"{path.stem} stopped: {last}\nOpen it and run it to see where."
        ) from error
    return notebook


def _same_python():
    """A kernel manager for this very Python, whichever kernels are registered.

    Colab's registered one is Colab's own, which waits for a browser page.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    class SamePython(AsyncKernelManager):
        kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        )

    return SamePython
