import json
import sys
from types import SimpleNamespace

import nbformat
import pytest

from toolcalling import workspace
from toolcalling.models import ModelChoice

CHOICE = ModelChoice("some/model", "x", "y")
TASK = SimpleNamespace(name="mine", hash="abc", folder=workspace.ROOT / "data" / "mine")


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLCALLING_WORKSPACE", str(tmp_path / "space"))
    return tmp_path / "space"


def test_products_belong_to_a_model_and_its_data(space):
    folder = workspace.folder(CHOICE, TASK)
    assert folder == space / "some-model" / "mine"
    path = folder / "baseline.json"
    assert not workspace.is_current(path, CHOICE, TASK)
    workspace.save_json(path, {**workspace.stamp(CHOICE, TASK), "scores": 1})
    assert workspace.is_current(path, CHOICE, TASK)
    assert not workspace.is_current(path, ModelChoice("other", "x", "y"), TASK)
    for change in ({"hash": "other rows"}, {"name": "other task"}):
        other = SimpleNamespace(**{**vars(TASK), **change})
        assert not workspace.is_current(path, CHOICE, other)
    path.write_text('{"base": "some/mo')  # cut short
    assert not workspace.is_current(path, CHOICE, TASK)


def test_two_folders_of_one_name_keep_apart(space):
    mine, theirs = (
        SimpleNamespace(**{**vars(TASK), "folder": space / place / "mine"})
        for place in ("a", "b")
    )
    assert len({workspace.folder(CHOICE, t) for t in (TASK, mine, theirs)}) == 3


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


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyError("x")])
def test_a_folder_is_written_whole_or_not_at_all(space, error):
    with workspace.whole_folder(space / "x") as beside:
        (beside / "a").write_text("old")
    raised = RuntimeError if isinstance(error, OSError) else type(error)
    with pytest.raises(raised), workspace.whole_folder(space / "x") as beside:
        (beside / "a").write_text("new")
        raise error
    assert (space / "x" / "a").read_text() == "old"
    assert [p.name for p in space.iterdir()] == ["x"]


def test_shown_paths_name_no_machine(space):
    assert workspace.shown(workspace.ROOT / "artifacts" / "x") == "artifacts/x"
    assert workspace.shown(space / "m" / "x") == "workspace/m/x"
    assert workspace.shown("/home/someone/x") == "x"


def test_require_runs_the_notebook_that_makes_it(space, monkeypatch, capsys):
    ran = []

    def run(path, model, task):
        ran.append((path.stem, model, task))
        content = workspace.stamp(CHOICE, TASK)
        workspace.save_json(workspace.folder(CHOICE, TASK) / "baseline.json", content)

    monkeypatch.setattr(workspace, "run_notebook", run)
    workspace.require(CHOICE, TASK, "baseline")
    workspace.require(CHOICE, TASK, "baseline")
    assert ran == [("03_baseline_evaluation", CHOICE.source, TASK.folder)]
    assert "not there yet" in capsys.readouterr().out
    monkeypatch.setattr(workspace, "run_notebook", lambda *_, **__: None)
    with pytest.raises(RuntimeError, match="left no finetuned"):
        workspace.require(CHOICE, TASK, "finetuned")


def test_a_notebook_that_fails_is_named_with_its_error(tmp_path):
    path = tmp_path / "broken.ipynb"
    cells = [nbformat.v4.new_code_cell("print(1)"), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.raises(RuntimeError, match="broken stopped: ZeroDivisionError"):
        workspace.run_notebook(path)


def test_a_notebook_runs_in_this_python_with_the_model_and_task_it_is_told(
    tmp_path, monkeypatch
):
    other = tmp_path / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["no-such-python"], "display_name": "x", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("TOOLCALLING_MODEL", "another")
    monkeypatch.setenv("TOOLCALLING_TASK", "helpdesk")
    code = (
        "import os, sys; print(sys.executable, os.environ['TOOLCALLING_MODEL'], "
        "os.environ['TOOLCALLING_TASK'])"
    )
    path = tmp_path / "one.ipynb"
    cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    for told, seen in (
        (("some/model", "mine"), ["some/model", "mine"]),
        ((), ["another", "helpdesk"]),
    ):
        book = workspace.run_notebook(path, *told)
        assert book.cells[0].outputs[0].text.split() == [sys.executable, *seen]
