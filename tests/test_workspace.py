import json

import nbformat
import pytest

from toolcalling import workspace
from toolcalling.models import ModelChoice

CHOICE = ModelChoice("some/model", "x", "y")


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLCALLING_WORKSPACE", str(tmp_path / "space"))
    return tmp_path / "space"


def test_missing_requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# note\npytest>=1\npytest<2  # too old\nno-such-thing\n")
    assert workspace.missing_requirements(path) == ["pytest<2", "no-such-thing"]
    assert workspace.missing_requirements(path, skip={"pytest"}) == ["no-such-thing"]


def test_this_environment_has_all():
    assert workspace.missing_requirements() == []


def test_a_checkout_says_what_to_run_and_installs_nothing(monkeypatch):
    monkeypatch.setattr(workspace, "missing_requirements", lambda **_: ["trl>=1"])
    monkeypatch.setattr(
        workspace.subprocess, "run", lambda *_: pytest.fail("installed")
    )
    with pytest.raises(RuntimeError, match="trl>=1.*\n.*pip install -r"):
        workspace.prepare()


def test_a_fetched_notebook_installs_what_is_missing(monkeypatch):
    ran = []

    class Done:
        returncode = 0

    def run(command):
        ran.append(command)
        return Done

    monkeypatch.setattr(workspace, "missing_requirements", lambda **_: ["trl>=1"])
    monkeypatch.setattr(workspace.subprocess, "run", run)
    workspace.prepare(fetched=True)
    assert ran[0][-1] == "trl>=1" and "pip" in ran[0]
    versions = iter([{"pytest": "1"}, {"pytest": "2"}])
    monkeypatch.setattr(workspace, "_installed", lambda: next(versions))
    with pytest.raises(RuntimeError, match="restart"):
        workspace.prepare(fetched=True)
    Done.returncode = 1
    monkeypatch.setattr(workspace, "_installed", dict)
    with pytest.raises(RuntimeError, match="network"):
        workspace.prepare(fetched=True)


def test_products_belong_to_a_model_and_its_data(space):
    folder = workspace.folder(CHOICE)
    assert folder.parent == space and folder.name == "some-model"
    path = folder / "baseline.json"
    assert not workspace.is_current(path, CHOICE)
    workspace.save_json(path, {**workspace.stamp(CHOICE), "scores": 1})
    assert workspace.is_current(path, CHOICE)
    assert not workspace.is_current(path, ModelChoice("other", "x", "y"))
    path.write_text('{"base": "some/mo')  # cut short
    assert not workspace.is_current(path, CHOICE)


def test_save_json_keeps_the_old_file_if_it_fails(space, monkeypatch):
    path = space / "x.json"
    workspace.save_json(path, {"a": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workspace.os, "replace", full)
    with pytest.raises(RuntimeError, match="No space left"):
        workspace.save_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in space.iterdir()] == ["x.json"]


def test_shown_paths_name_no_machine(space):
    assert workspace.shown(workspace.ROOT / "artifacts" / "x") == "artifacts/x"
    assert workspace.shown(space / "m" / "x") == "workspace/m/x"
    assert workspace.shown("/home/someone/x") == "x"


def test_require_runs_the_notebook_that_makes_it(space, monkeypatch, capsys):
    ran = []

    def run(path, **_):
        ran.append(path.stem)
        content = workspace.stamp(CHOICE)
        workspace.save_json(workspace.folder(CHOICE) / "baseline.json", content)

    monkeypatch.setattr(workspace, "run_notebook", run)
    workspace.require(CHOICE, "baseline")
    workspace.require(CHOICE, "baseline")
    assert ran == ["03_baseline_evaluation"]
    assert "not there yet" in capsys.readouterr().out
    monkeypatch.setattr(workspace, "run_notebook", lambda *_: None)
    with pytest.raises(RuntimeError, match="left no finetuned"):
        workspace.require(CHOICE, "finetuned")


def test_a_notebook_that_fails_is_named_with_its_error(tmp_path):
    path = tmp_path / "broken.ipynb"
    cells = [nbformat.v4.new_code_cell("print(1)"), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.raises(RuntimeError, match="broken stopped: ZeroDivisionError"):
        workspace.run_notebook(path)


def test_new_kernels_are_watched_where_the_environment_is_the_series_own(
    tmp_path, monkeypatch
):
    kept = []
    monkeypatch.setattr(workspace.cell_order, "keep", lambda: kept.append(1))
    monkeypatch.setattr(workspace, "missing_requirements", lambda **_: [])
    monkeypatch.setattr(workspace, "on_colab", lambda: False)
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    monkeypatch.setattr(workspace.sys, "prefix", str(tmp_path))
    workspace.prepare()
    assert not kept
    monkeypatch.setattr(workspace.sys, "prefix", str(workspace.ROOT / ".venv"))
    workspace.prepare()
    assert len(kept) == 1
    monkeypatch.setattr(workspace.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(workspace, "on_colab", lambda: True)
    workspace.prepare(fetched=True)
    assert len(kept) == 2
