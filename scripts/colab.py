"""Open each notebook alone, cold, on what Colab ships; run it on a tiny model.

colab.py           all of them; writes data/results/colab.json
colab.py NAME ...  only these; writes nothing

Twice: on what Colab ships now, whose old pyarrow is loaded before the first cell, and
with the newest datasets and pyarrow there already. Every notebook gets a fresh copy
of the environment and an empty folder. The kernel is Colab's by class and modules
(tests/colab_modules). Checked: torch and the kernel's own packages are not touched,
what is missing or too old is there afterwards, no restart is needed; and that the
embedded weights load. Needs Python 3.13 (COLAB_PYTHON names another) and about 9 GB
of disk, under artifacts/colab; TOOLCALLING_COLAB_FOLDER puts it elsewhere.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / p) for p in ("scripts/pages", "notebooks", "tests")]

from jupyter_client import AsyncKernelManager  # noqa: E402
from jupyter_client.kernelspec import KernelSpec  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402
from packaging.requirements import Requirement  # noqa: E402
from packaging.utils import canonicalize_name  # noqa: E402

import series  # noqa: E402
from conftest import make_tiny  # noqa: E402
from toolcalling import hardware, workspace  # noqa: E402
from toolcalling.setup import embedded_model  # noqa: E402

SHIPS = ROOT / "scripts" / "colab_ships.txt"
RESULT = ROOT / "data" / "results" / "colab.json"
STUBS = ROOT / "tests" / "colab_modules"
PYTHON = os.environ.get("COLAB_PYTHON", "python3.13")
# Exchanged under a running kernel, these end it.
KERNEL = ("ipykernel", "ipython", "jupyter_client", "pyzmq", "tornado", "traitlets")
NEWER = ("datasets", "pyarrow", "transformers")  # the first two hold trl back
ASKED = "restart it"


def make_base(folder):
    """An environment with what Colab ships, made once for each list of it."""
    name = hashlib.sha256(SHIPS.read_bytes()).hexdigest()[:12]
    base = folder / f"ships-{name}"
    if (base / "ready").is_file():
        return base
    shutil.rmtree(base, ignore_errors=True)
    print("Making the environment (several GB, some minutes) ...", flush=True)
    subprocess.run([PYTHON, "-m", "venv", str(base)], check=True)
    pip = [base / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", SHIPS]
    subprocess.run(pip, check=True)
    # As on Colab, the kernel named python3 is Colab's own.
    spec = next(base.glob("share/jupyter/kernels/python3/kernel.json"))
    content = json.loads(spec.read_text())
    content["argv"][2] = "colab_kernel_launcher"
    spec.write_text(json.dumps(content))
    (base / "ready").touch()
    return base


def make_newer(base):
    """The same with the newest of the packages that are too old for a new trl."""
    newer = base.with_name(base.name.replace("ships", "newer"))
    if not (newer / "upgraded").is_file():
        copy_of(base, newer)
        pip = [newer / "bin" / "python", "-m", "pip", "install", "--quiet", "--upgrade"]
        torch = f"torch=={versions(base)['torch']}"
        subprocess.run([*pip, torch, *NEWER], check=True)
        (newer / "upgraded").touch()
    return newer


def copy_of(base, env):
    """A fresh environment: every file a hard link, which pip replaces, not writes."""
    shutil.rmtree(env, ignore_errors=True)
    shutil.copytree(base, env, symlinks=True, copy_function=os.link)
    return env


def ask(folder, code, cwd=None, **variables):
    """What the Python of that environment prints."""
    return subprocess.run(
        [folder / "bin" / "python", "-c", code], cwd=cwd, check=True, text=True,
        stdout=subprocess.PIPE, env={**os.environ, **variables},
    ).stdout  # fmt: skip


def versions(env):
    code = (
        "import json; from importlib import metadata\n"
        "print(json.dumps({d.metadata['Name']: d.version"
        " for d in metadata.distributions()}))"
    )
    return json.loads(ask(env, code))


def session(book, env, alone, extra):
    """Run a notebook in a new Colab kernel; the error it stopped at, or None."""

    class Colab(AsyncKernelManager):
        kernel_spec = KernelSpec(
            argv=[str(env / "bin" / "python"), "-m", "colab_kernel_launcher",
                  "-f", "{connection_file}"]
        )  # fmt: skip

    client = NotebookClient(
        book, timeout=None, kernel_manager_class=Colab,
        resources={"metadata": {"path": str(alone)}},
    )  # fmt: skip
    try:
        client.execute(env={**os.environ, **extra})
    except CellExecutionError as error:
        return error
    return None


def printed(book):
    """All that its cells print, without the notebook's own words."""
    outputs = [o for c in book.cells for o in c.get("outputs", [])]
    return "\n".join(o.get("text", "") + o.get("evalue", "") for o in outputs)


def open_cold(name, base, folder, extra):
    """One notebook from nothing to its last cell; what was found."""
    env, alone = copy_of(base, folder / "env"), folder / "alone"
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    before, start = versions(env), time.perf_counter()
    book = series.read(series.NOTEBOOKS / f"{name}.ipynb")
    stopped = session(book, env, alone, extra)
    if stopped:
        raise stopped
    restarts = printed(book).count(ASKED)
    assert not restarts, "it asked for a restart"
    minutes = (time.perf_counter() - start) / 60
    after = versions(env)
    assert all(before[p] == after[p] for p in ("torch", "torchvision")), "torch"
    torch = next(base.glob("lib/*/site-packages/torch/__init__.py")).relative_to(base)
    assert os.path.samefile(base / torch, env / torch), "torch was installed anew"
    kept = [p for p in (*KERNEL, "datasets", "pyarrow") if p in before]
    assert all(before[p] == after[p] for p in kept), "the kernel, or what it loaded"
    code = (
        "from toolcalling.setup import packages; print(packages.missing_requirements("
    )
    left = ask(env, code + "skip={'jupyterlab'}))", cwd=alone / "tutorial/notebooks")
    assert left.strip() == "[]", f"still missing: {left}"
    return {"before": before, "after": after, "minutes": round(minutes, 1),
            "restarts": restarts}  # fmt: skip


def check_embedded(env, clone, cache):
    """The embedded weights, which every reader without a token gets, load there."""
    shutil.rmtree(cache, ignore_errors=True)
    code = (
        "from toolcalling import hardware, models\n"
        "model, _ = models.load_model(models.choose_model('embedded'), hardware.detect())\n"
        "print(model.num_parameters())"
    )
    printed = ask(env, code, cwd=clone / "notebooks", TOOLCALLING_CACHE=str(cache))
    assert 268_000_000 < int(printed.split()[-1]) < 269_000_000, printed
    shutil.rmtree(cache)


def main(*names):
    folder = Path(
        os.environ.get("TOOLCALLING_COLAB_FOLDER") or ROOT / "artifacts" / "colab"
    )
    folder.mkdir(parents=True, exist_ok=True)
    base = make_base(folder)
    for old in ("clone", "tiny-random-gemma3"):
        shutil.rmtree(folder / old, ignore_errors=True)
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    tiny = make_tiny(embedded_model.embedded_model(), folder)
    extra = {
        "COLAB_RELEASE_TAG": "stand-in", "COLAB_STUB_SECRETS": "{}",
        "PYTHONPATH": str(STUBS), "TOOLCALLING_REPO": clone.as_uri(),
        "TOOLCALLING_MODEL": str(tiny), "TOOLCALLING_EPOCHS": "1",
    }  # fmt: skip
    found = {"ships": {}, "newer": {}}
    for kind, env in (("ships", base), ("newer", make_newer(base))):
        for name in names or [name for name, *_ in series.SERIES]:
            found[kind][name] = one = open_cold(name, env, folder, extra)
            trl, datasets = one["after"]["trl"], one["after"]["datasets"]
            print(f"{name}: {one['minutes']} minutes, trl {trl}, datasets {datasets}",
                  flush=True)  # fmt: skip
            if len(found[kind]) == 1:
                check_embedded(folder / "env", clone, folder / "cache")
    if not names:
        workspace.save_json(RESULT, record(base, found))
        print("written:", RESULT.relative_to(ROOT))


def record(base, found):
    """What is kept: versions before and after, restarts and minutes."""
    lines = [line.partition("#")[0].strip() for line in SHIPS.read_text().splitlines()]
    listed = {canonicalize_name(Requirement(line).name) for line in lines if line}
    last = {kind: runs[series.SERIES[-1][0]] for kind, runs in found.items()}
    before = last["ships"]["before"]
    return {
        "date": date.today().isoformat(),
        "machine": hardware.detect().name,
        "model": "a random two-layer Gemma 3",
        "python": ask(base, "import platform; print(platform.python_version())").strip(),
        "ships": {n: before[n] for n in sorted(before) if canonicalize_name(n) in listed},
        # what is there at the end in another version than Colab ships, or anew
        "after": {kind: {n: v for n, v in sorted(one["after"].items())
                         if before.get(n) != v} for kind, one in last.items()},
        "notebooks": {
            name: {"restarts": sum(runs[name]["restarts"] for runs in found.values()),
                   "minutes": {k: runs[name]["minutes"] for k, runs in found.items()}}
            for name in found["ships"]
        },
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
