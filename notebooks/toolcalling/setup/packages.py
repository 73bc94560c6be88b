"""What requirements.txt asks for: is it here, and installing what is not.

Standard library only at import, so that it can say what is missing before
anything else is imported.
"""

import importlib
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from .colab_kaggle import how_to_connect, how_to_restart

REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements.txt"

_replaced = set()  # packages exchanged while this process had them loaded


def check():
    """RuntimeError that says what to run where a requirement is not met."""
    missing = missing_requirements()
    if missing:
        raise RuntimeError(
            f"Not installed: {', '.join(missing)}. In the repository's folder run:\n"
            "  pip install -r requirements.txt -c constraints.txt\n"
            "(or `make run`, which makes a .venv of its own), then choose that kernel."
        )


def install_missing():
    """Install what requirements.txt asks for and is missing or too old."""
    install(*missing_requirements(skip={"jupyterlab"}))


def install(*requirements):
    """Install those that are missing or too old; leave the rest, and torch always, alone.

    requirements: lines as in requirements.txt. What this process has loaded stays as
    well: pip takes the newest releases that fit beside it. Only where none do is it
    exchanged, and a RuntimeError asks for a restart, once. RuntimeError with the next
    step too where pip fails.
    """
    missing = _not_met(requirements)
    if missing:
        names = (re.match(r"[\w.-]+", line)[0] for line in missing)
        print("Installing:", ", ".join(names), flush=True)
        before = _installed()
        loaded = {"torch", *_loaded(before)}
        why = _pip_install(missing, {n: before[n] for n in loaded if n in before})
        if "ResolutionImpossible" in why:
            keep = {n: before[n] for n in ("torch",) if n in before}
            why = _pip_install(missing, keep)
        if why:
            first = next((line for line in why.splitlines() if "ERROR" in line), why)
            raise RuntimeError(
                f"pip could not install the above ({first}). "
                f"{how_to_connect()} Then run this cell again."
            )
        importlib.invalidate_caches()
        now = _installed()
        _replaced.update(_loaded(n for n in now if before.get(n, now[n]) != now[n]))
    if _replaced:
        raise RuntimeError(
            f"This session still holds the old {', '.join(sorted(_replaced))}: restart "
            f"it ({how_to_restart()}) and run this cell again."
        )


def missing_requirements(path=REQUIREMENTS, skip=()):
    """The lines of requirements.txt that this environment does not meet."""
    return _not_met(path.read_text().splitlines(), skip)


def _not_met(lines, skip=()):
    from packaging.requirements import Requirement

    missing = []
    for line in lines:
        line = line.partition("#")[0].strip()
        if not line:
            continue
        requirement = Requirement(line)
        elsewhere = requirement.marker and not requirement.marker.evaluate()
        if elsewhere or requirement.name in skip:
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        if version is None or not requirement.specifier.contains(version, True):
            missing.append(line)
    return missing


def _pip_install(requirements, keep):
    """What pip says where it fails, else "". keep: {package: version} to stay at."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "keep.txt")
        pins.write_text("".join(f"{name}=={keep[name]}\n" for name in sorted(keep)))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "-c", str(pins)]
        done = subprocess.run([*pip, *requirements], capture_output=True, text=True)
    return (done.stderr or "no reason given") if done.returncode else ""


def _installed():
    """{name: version}; of a package in two folders, the one that is imported."""
    found = {}
    for package in metadata.distributions():
        if name := package.metadata["Name"]:
            found.setdefault(name, package.version)
    return found


def _loaded(names):
    """Of these packages, those with a file that this process has loaded."""
    files = {
        getattr(module, "__dict__", {}).get("__file__")
        for module in list(sys.modules.values())
    }
    for name in names:
        package = metadata.distribution(name)
        base = package.locate_file("")
        if any(f"{base}/{file}" in files for file in package.files or ()):
            yield name
