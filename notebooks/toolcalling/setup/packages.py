"""What requirements.txt asks for: is it here, and installing what is not.

Standard library only at import, so that it can say what is missing before
anything else is imported.
"""

import importlib
import subprocess
import sys
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
    """Install what is missing or too old; leave the rest, and torch always, alone.

    RuntimeError with the next step where pip fails; and where a package was
    exchanged that this process had loaded: it must be restarted, once.
    """
    missing = missing_requirements(skip={"jupyterlab"})
    if missing:
        print("Installing:", ", ".join(missing), flush=True)
        before = _installed()
        keep = [f"torch=={before['torch']}"] if "torch" in before else []
        _pip_install(keep + missing)
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


def _pip_install(requirements):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *requirements]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        why = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise RuntimeError(
            f"pip could not install the above ({why[0] if why else 'no reason given'}). "
            f"{how_to_connect()} Then run this cell again."
        )


def _installed():
    return {d.metadata["Name"]: d.version for d in metadata.distributions()}


def _loaded(names):
    """Of these packages, those with a file that this process has loaded."""
    files = {
        getattr(module, "__dict__", {}).get("__file__")
        for module in list(sys.modules.values())
    }
    for name in names:
        package = metadata.distribution(name)
        if any(str(package.locate_file(file)) in files for file in package.files or ()):
            yield name
