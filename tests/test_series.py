"""All notebooks, executed in order on a tiny random model."""

import json
import os
import shutil
import subprocess

import series
from conftest import ROOT
from toolcalling import workspace


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
    made = space / tiny.name / "tool_selection"
    core = json.loads((made / "core.json").read_text())
    recorded = json.loads(series.RESULTS.read_text())
    assert set(core) == set(recorded) - {"run", "before_replies"}
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
    made = executed[0] / tiny.name / "tool_selection"
    own = tmp_path / tiny.name / "tool_selection"
    own.mkdir(parents=True)
    shutil.copy(made / "baseline.json", own)
    monkeypatch.setenv("TOOLCALLING_MODEL", str(tiny))
    monkeypatch.setenv("TOOLCALLING_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("TOOLCALLING_TUNED", str(made / "hub"))
    workspace.run_notebook(series.NOTEBOOKS / "06_post_training_evaluation.ipynb")
    again = json.loads((own / "core.json").read_text())
    assert again == json.loads((made / "core.json").read_text())
    assert not (own / "finetuned").exists()
