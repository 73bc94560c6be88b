"""All notebooks, executed in order on a tiny random model."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import series
from conftest import ROOT
from toolcalling import workspace


@pytest.fixture(scope="module")
def executed(tiny, tmp_path_factory):
    """The workspace after `execute.py run` on the tiny model."""
    space = tmp_path_factory.mktemp("space")
    env = {**os.environ, "TOOLCALLING_MODEL": str(tiny),
           "TOOLCALLING_WORKSPACE": str(space), "TOOLCALLING_EPOCHS": "1"}  # fmt: skip
    command = [sys.executable, str(ROOT / "scripts" / "record.py"), "run"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return space, done.stdout


def test_every_notebook_ran_and_left_its_copies(executed):
    space, printed = executed
    for name, *_ in series.SERIES:
        assert f"{name}  done in" in printed
        book = series.read(space / "executed" / f"{name}.ipynb")
        outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
        assert outputs and not [o for o in outputs if o.get("name") == "stderr"]
        assert (space / "executed" / f"{name}.html").stat().st_size > 10_000
    assert "after" in printed.splitlines()[-3]


def test_results_have_the_recorded_shape(executed, tiny):
    space, _ = executed
    core = json.loads((space / tiny.name / "core.json").read_text())
    recorded = json.loads(series.RESULTS.read_text())
    assert set(core) == set(recorded) - {"run"}
    assert core["base"] == tiny.name
    assert core["after"]["n"] == 300
    assert len(core["training"]["dev_by_epoch"]) == 1


def test_the_committed_notebooks_are_untouched(executed):
    status = subprocess.run(
        ["git", "status", "--porcelain", "notebooks", "data"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if status.returncode == 0 and "CI" in os.environ:
        assert status.stdout == ""


def test_notebook_06_judges_the_folder_as_it_would_be_pushed(
    executed, tiny, tmp_path, monkeypatch
):
    """In a workspace that has no fine-tuned model of its own."""
    made = executed[0] / tiny.name
    (tmp_path / tiny.name).mkdir()
    shutil.copy(made / "baseline.json", tmp_path / tiny.name)
    monkeypatch.setenv("TOOLCALLING_MODEL", str(tiny))
    monkeypatch.setenv("TOOLCALLING_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("TOOLCALLING_TUNED", str(made / "hub"))
    workspace.run_notebook(series.NOTEBOOKS / "06_post_training_evaluation.ipynb")
    again = json.loads((tmp_path / tiny.name / "core.json").read_text())
    assert again == json.loads((made / "core.json").read_text())
    assert not (tmp_path / tiny.name / "finetuned").exists()
