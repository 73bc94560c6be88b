"""A copy of the checkout with a kernel of its own, for tests that step through cells."""

import json
import shutil
import sys
import venv

from series import ROOT


def copy_checkout(folder):
    """Copy what notebooks need; then make folder/.venv, whose packages are ours.

    Returns a Jupyter data folder whose kernel python3 runs in that .venv.
    """
    skip = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "tutorial")
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "requirements.txt", folder)
    venv.create(folder / ".venv", symlinks=True)
    site = next((folder / ".venv").glob("lib/*/site-packages"))
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site / "packages_of_the_tests.pth").write_text("\n".join(packages))
    kernel = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(folder / ".venv" / "bin" / "python"), "-m", "ipykernel_launcher",
               "--IPKernelApp.log_level=ERROR", "-f", "{connection_file}"]  # fmt: skip
    kernel.write_text(
        json.dumps({"argv": command, "display_name": "P", "language": "python"})
    )
    return folder / "jupyter"
