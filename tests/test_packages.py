"""What is installed, what is left alone, and when a restart is asked for."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from toolcalling.setup import bootstrap, packages


def test_missing_requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# note\npytest>=1\npytest<2  # too old\nno-such-thing\n")
    assert packages.missing_requirements(path) == ["pytest<2", "no-such-thing"]
    assert packages.missing_requirements(path, skip={"pytest"}) == ["no-such-thing"]


def test_what_is_for_another_system_is_not_missing(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("no-such-thing; sys_platform == 'amiga'\n")
    assert packages.missing_requirements(path) == []


def test_this_environment_has_all():
    assert packages.missing_requirements() == []


@pytest.fixture
def pip(monkeypatch):
    """A fetched checkout without trl, with an old pytest; pip that does as told."""
    pip = SimpleNamespace(ran=[], kept=[], conflicting=None)
    pip.done = SimpleNamespace(returncode=0, stderr="")
    pip.conflict = SimpleNamespace(returncode=1, stderr="ERROR: ResolutionImpossible:")
    pip.missing = ["trl>=1"]
    pip.before = pip.after = {"torch": "2.11.0+cu128", "pytest": "1"}

    def run(command, **_):
        at = command.index("-c")
        pip.kept.append(Path(command[at + 1]).read_text().split())
        pip.ran.append(command[:at] + command[at + 2 :])
        done = pip.conflict if pip.kept[-1] == pip.conflicting else pip.done
        if not done.returncode:
            pip.missing = []
        return done

    monkeypatch.setattr(packages, "_not_met", lambda *_: pip.missing)
    monkeypatch.setattr(
        packages, "_installed", lambda: pip.after if pip.ran else pip.before
    )
    monkeypatch.setattr(packages.subprocess, "run", run)
    monkeypatch.setattr(packages, "_replaced", set())
    monkeypatch.setattr(bootstrap, "FETCHED", packages.REQUIREMENTS.parent.name)
    monkeypatch.setattr(bootstrap.colab_kaggle, "take_token", lambda: None)
    return pip


def test_a_checkout_says_what_to_run_and_installs_nothing(pip, monkeypatch):
    monkeypatch.setattr(bootstrap, "FETCHED", "another folder")
    with pytest.raises(RuntimeError, match="trl>=1.*\n.*pip install -r"):
        bootstrap.prepare()
    assert not pip.ran


def test_it_installs_what_is_missing_beside_torch_and_what_is_loaded(pip, capsys):
    bootstrap.prepare()
    assert pip.ran[0][-1] == "trl>=1"
    assert pip.ran[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert pip.kept == [["pytest==1", "torch==2.11.0+cu128"]]
    assert capsys.readouterr().out == "Installing: trl\n"
    bootstrap.prepare()
    assert len(pip.ran) == 1 and capsys.readouterr().out == ""


def test_a_notebook_installs_more_for_itself(pip):
    packages.install("pytest", "another>=2")
    assert pip.ran[0][-1] == "trl>=1" and "torch==2.11.0+cu128" in pip.kept[0]
    assert pip.missing == [] and packages.install("pytest") is None
    assert len(pip.ran) == 1


def test_torch_is_not_pinned_where_it_is_not_there(pip):
    pip.before = pip.after = {}
    pip.missing = ["torch>=2.6"]
    bootstrap.prepare()
    assert pip.kept == [[]] and pip.ran[0][-1] == "torch>=2.6"


def test_a_restart_is_asked_for_where_nothing_fits_beside_a_loaded_one(
    pip, monkeypatch
):
    pip.conflicting = ["pytest==1", "torch==2.11.0+cu128"]
    pip.after = {**pip.before, "pytest": "2", "trl": "1"}
    with pytest.raises(RuntimeError) as asked:
        bootstrap.prepare()
    assert pip.kept == [pip.conflicting, ["torch==2.11.0+cu128"]]
    sentence = str(asked.value)
    assert "old pytest: restart it" in sentence
    assert sentence.count(". ") == 0 and sentence.endswith(".")
    # Run again without a restart: asked again.
    with pytest.raises(RuntimeError, match="old pytest"):
        bootstrap.prepare()
    assert len(pip.ran) == 2
    # A restart: a new process, nothing missing, nothing asked.
    monkeypatch.setattr(packages, "_replaced", set())
    bootstrap.prepare()


def test_a_package_replaced_but_not_loaded_needs_no_restart(pip, monkeypatch):
    """Though it shares a namespace, as `google`, with one that is loaded."""
    monkeypatch.delitem(sys.modules, "ruff", raising=False)
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    pip.before = {"ruff": "0.1", "protobuf": "1"}
    pip.after = {"ruff": "0.2", "protobuf": "2"}
    for name in [n for n in sys.modules if n.startswith("google.")]:
        monkeypatch.delitem(sys.modules, name)
    bootstrap.prepare()
    assert pip.kept == [[]]


def test_pip_that_fails_says_why_and_may_be_run_again(pip):
    pip.done = SimpleNamespace(
        returncode=1, stderr="WARNING: x\nERROR: No matching distribution\n"
    )
    with pytest.raises(RuntimeError, match=r"ERROR: No matching .*Check the connec"):
        bootstrap.prepare()
    assert len(pip.ran) == 1  # without a network it would fail again, and late
    pip.done = SimpleNamespace(returncode=0, stderr="")
    bootstrap.prepare()  # the cell again
    assert len(pip.ran) == 2


def test_what_is_checked_needs_the_standard_library_only():
    """So that it can say what is missing; packaging comes with every notebook."""
    code = (
        "import sys; sys.path.insert(0, 'notebooks')\n"
        "known = set(sys.modules)\n"
        "from toolcalling.setup import bootstrap\n"
        "new = {m.split('.')[0] for m in set(sys.modules) - known}\n"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    root = packages.REQUIREMENTS.parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True
    )
    assert done.stdout.strip() == "['toolcalling']", done.stderr
