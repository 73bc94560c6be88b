"""Where things are kept, what must be there first, and running anywhere.

The top floor: notebooks call it in their first cell. Standard library only at
import, so that it can say what is missing before anything else is imported.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

from . import cell_order

NOTEBOOKS = Path(__file__).resolve().parents[1]
ROOT = NOTEBOOKS.parent
DRIVE = Path("/content/drive/MyDrive")

# What a notebook leaves for later ones: the notebook that makes it, the file.
PRODUCTS = {
    "baseline": ("03_baseline_evaluation", "baseline.json"),
    "finetuned": ("04_finetuning", "finetuned/toolcalling.json"),
}


def prepare(fetched=False):
    """Check that what requirements.txt asks for is installed; help with cell order.

    fetched: this checkout was fetched by a notebook (Colab, Kaggle): install what
    is missing, leave the rest alone. In a checkout of your own nothing is
    installed; RuntimeError says what to run.
    """
    # Without ipywidgets progress bars are text, and no worse for it.
    warnings.filterwarnings("ignore", message="IProgress not found")
    cell_order.watch()
    lent = on_colab() or "KAGGLE_KERNEL_RUN_TYPE" in os.environ
    if lent or Path(sys.prefix).resolve().is_relative_to(
        ROOT
    ):  # not a stranger's environment
        cell_order.keep()
    missing = missing_requirements(skip={"jupyterlab"} if fetched else ())
    if not missing:
        return
    if not fetched:
        raise RuntimeError(
            f"Not installed: {', '.join(missing)}. In the repository's folder run:\n"
            "  pip install -r requirements.txt -c constraints.txt\n"
            "(or `make run`, which makes a .venv of its own), then choose that kernel."
        )
    print("Installing:", ", ".join(missing), flush=True)
    before = _installed()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *missing]
    if subprocess.run(pip).returncode:
        raise RuntimeError(
            "pip could not install the above. Check the network (on Kaggle: the "
            "internet switch in the side bar), then run this cell again."
        )
    stale = sorted(_in_use(before))
    if stale:
        raise RuntimeError(
            f"Installed. This session still holds the old {', '.join(stale)}: restart "
            "it (Runtime, Restart session) and run this cell again."
        )


def missing_requirements(path=ROOT / "requirements.txt", skip=()):
    """The lines of requirements.txt that this environment does not meet."""
    from packaging.requirements import Requirement

    missing = []
    for line in path.read_text().splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        requirement = Requirement(line)
        if requirement.name in skip:
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        if version is None or not requirement.specifier.contains(version, True):
            missing.append(line)
    return missing


def _installed():
    return {d.metadata["Name"]: d.version for d in metadata.distributions()}


def _in_use(before):
    """Modules of replaced packages that this process has already imported."""
    changed = {n for n, v in _installed().items() if before.get(n, v) != v}
    for module, names in metadata.packages_distributions().items():
        if module in sys.modules and changed & set(names):
            yield module


def on_colab():
    """Is this a Colab runtime?"""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def base_folder():
    """Where products go: TOOLCALLING_WORKSPACE, a mounted Drive, or artifacts/."""
    chosen = os.environ.get("TOOLCALLING_WORKSPACE")
    if chosen:
        return Path(chosen).expanduser()
    if on_colab() and DRIVE.is_dir():
        return DRIVE / "toolcalling"
    return ROOT / "artifacts"


def folder(choice):
    """The folder of one model's products, made if need be."""
    path = base_folder() / choice.slug
    path.mkdir(parents=True, exist_ok=True)
    return path


def shown(path):
    """A path fit for a committed output: below the checkout, Drive or workspace."""
    path = Path(path)
    for base, name in ((ROOT, ""), (DRIVE, "Drive"), (base_folder(), "workspace")):
        if path.is_relative_to(base):
            return str(Path(name) / path.relative_to(base))
    return path.name


def data_hash():
    """First 12 hex digits of the sha256 of the three data files."""
    digest = hashlib.sha256()
    for name in ("train", "dev", "test"):
        path = ROOT / "data" / "tool_selection" / f"{name}.jsonl"
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def stamp(choice):
    """What a product was made from: the model's name and the data."""
    return {"base": choice.name, "data": data_hash()}


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


def require(choice, *products):
    """Have the products of earlier notebooks, running those notebooks if needed."""
    for product in products:
        notebook, file = PRODUCTS[product]
        path = folder(choice) / file
        if is_current(path, choice):
            continue
        why = "of another model or other data" if path.exists() else "not there yet"
        print(f"The {product} is {why}: running {notebook}{_minutes(notebook)} ...")
        sys.stdout.flush()
        run_notebook(NOTEBOOKS / f"{notebook}.ipynb")
        if not is_current(path, choice):
            raise RuntimeError(
                f"{notebook} ran but left no {product} for {choice.name}. "
                "Open it, choose the same model there, and run it."
            )


def is_current(path, choice):
    """Was this product made from the chosen model and today's data?"""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp(choice).items() <= content.items()


def _minutes(notebook):
    """How long the recorded run took, in words; empty where none is recorded."""
    try:
        run = json.loads((ROOT / "data" / "results" / "core.json").read_text())["run"]
        return f" (recorded: {run['minutes'][notebook]:.0f} min on {run['machine']})"
    except (OSError, ValueError, KeyError):
        return ""


def run_notebook(path, on_cell=None):
    """Execute a notebook in a kernel of its own; returns it with its outputs.

    on_cell(done, total) is called after each cell. RuntimeError names the cell
    that failed and its error.
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
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        on_cell_executed=after,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
        last = text.splitlines()[-1] if text else "unknown error"
        raise RuntimeError(
            f"{path.stem} stopped: {last}\nOpen it and run it to see where."
        ) from error
    return notebook
