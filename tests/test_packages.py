"""What is installed, what is left alone, and when a restart is asked for."""

import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from toolcalling.setup import bootstrap, packages


def test_missing_requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# note\npytest>=1\npytest<2  # too old\nno-such-thing\n")
    assert packages.missing_requirements(path) == ["pytest<2", "no-such-thing"]
    assert packages.missing_requirements(path, skip={"pytest"}) == ["no-such-thing"]


def test_this_environment_has_all():
    assert packages.missing_requirements() == []


@pytest.fixture
def pip(monkeypatch):
    """An environment without trl and with an old pytest; pip that does as told."""
    pip = SimpleNamespace(ran=[], done=SimpleNamespace(returncode=0, stderr=""))
    pip.missing = ["trl>=1"]
    pip.before = pip.after = {"torch": "2.11.0+cu128", "pytest": "1"}

    def run(command, **_):
        pip.ran.append(command)
        if not pip.done.returncode:
            pip.missing = []
        return pip.done

    monkeypatch.setattr(packages, "missing_requirements", lambda **_: pip.missing)
    monkeypatch.setattr(
        packages, "_installed", lambda: pip.after if pip.ran else pip.before
    )
    monkeypatch.setattr(packages.subprocess, "run", run)
    monkeypatch.setattr(packages, "_replaced", set())
    monkeypatch.setattr(bootstrap, "_fetched", False)
    monkeypatch.setattr(bootstrap.colab_kaggle, "take_token", lambda: None)
    return pip


def test_a_checkout_says_what_to_run_and_installs_nothing(pip):
    with pytest.raises(RuntimeError, match="trl>=1.*\n.*pip install -r"):
        bootstrap.prepare()
    assert not pip.ran


def test_a_fetched_notebook_installs_what_is_missing_and_keeps_torch(pip, capsys):
    bootstrap.prepare(fetched=True)
    assert pip.ran[0][-2:] == ["torch==2.11.0+cu128", "trl>=1"]
    assert pip.ran[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert capsys.readouterr().out == "Installing: trl>=1\n"
    bootstrap.prepare(fetched=True)
    assert len(pip.ran) == 1 and capsys.readouterr().out == ""


def test_torch_is_not_pinned_where_it_is_not_there(pip):
    pip.before = pip.after = {}
    pip.missing = ["torch>=2.6"]
    bootstrap.prepare(fetched=True)
    assert pip.ran[0][-1] == "torch>=2.6"


def test_a_restart_is_asked_for_where_a_loaded_package_was_replaced(pip, monkeypatch):
    pip.after = {**pip.before, "pytest": "2", "trl": "1"}
    with pytest.raises(RuntimeError) as asked:
        bootstrap.prepare(fetched=True)
    sentence = str(asked.value)
    assert "old pytest: restart it" in sentence
    assert sentence.count(". ") == 0 and sentence.endswith(".")
    # Run again without a restart, the cell stands in the checkout: asked again.
    with pytest.raises(RuntimeError, match="old pytest"):
        bootstrap.prepare(fetched=False)
    assert len(pip.ran) == 1
    # A restart: a new process, nothing missing, nothing asked.
    monkeypatch.setattr(packages, "_replaced", set())
    bootstrap.prepare(fetched=True)


def test_a_package_replaced_but_not_loaded_needs_no_restart(pip, monkeypatch):
    """Though it shares a namespace, as `google`, with one that is loaded."""
    monkeypatch.delitem(sys.modules, "ruff", raising=False)
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    pip.before = {"ruff": "0.1", "protobuf": "1"}
    pip.after = {"ruff": "0.2", "protobuf": "2"}
    for name in [n for n in sys.modules if n.startswith("google.")]:
        monkeypatch.delitem(sys.modules, name)
    bootstrap.prepare(fetched=True)


def test_pip_that_fails_says_why_and_may_be_run_again(pip):
    pip.done = SimpleNamespace(
        returncode=1, stderr="WARNING: x\nERROR: No matching distribution\n"
    )
    with pytest.raises(RuntimeError, match=r"ERROR: No matching .*Check the connec"):
        bootstrap.prepare(fetched=True)
    pip.done = SimpleNamespace(returncode=0, stderr="")
    bootstrap.prepare(fetched=False)  # the cell again, now inside the checkout
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
