"""Each notebook alone in an empty folder, as Colab opens it."""

import os
import shutil
import subprocess
import sys

import pytest

import series
from conftest import ROOT

RUN = """
import nbformat, sys
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=None, kernel_name="python3").execute()
"""


@pytest.mark.parametrize("name", [name for name, *_ in series.SERIES])
def test_alone(name, tiny, tmp_path):
    clone, alone = tmp_path / "clone", tmp_path / "alone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    alone.mkdir()
    shutil.copy(series.NOTEBOOKS / f"{name}.ipynb", alone)
    env = {**os.environ, "TOOLCALLING_REPO": str(clone), "TOOLCALLING_MODEL": str(tiny),
           "TOOLCALLING_EPOCHS": "1", "TQDM_DISABLE": "1"}  # fmt: skip
    env.pop("TOOLCALLING_WORKSPACE", None)
    command = [sys.executable, "-c", RUN, f"{name}.ipynb"]
    done = subprocess.run(command, cwd=alone, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    task = "helpdesk" if name.startswith("09") else "tool_selection"
    made = (alone / "tutorial/artifacts" / tiny.name / task).glob("*")
    products = {path.name for path in made if path.suffix != ".svg"}
    tuned = {"finetuned", "training", "job"}
    judged = {"baseline.json", *tuned, "core.json", "misses.csv", "hub"}
    expected = {"03": {"baseline.json"}, "04": tuned, "05": tuned, "06": judged,
                "07": {"training"}, "09": {*judged, "helpdesk.json"}}  # fmt: skip
    assert products == expected.get(name[:2], set())
