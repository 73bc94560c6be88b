"""The cell every notebook begins with, run as a reader runs it."""

import os
import subprocess
import sys

import pytest

import series

BOOK = series.read(series.NOTEBOOKS / f"{series.SERIES[0][0]}.ipynb")
CELL = next(c.source for c in BOOK.cells if c.cell_type == "code")
PREPARE = """
import os
def prepare(drive=False):
    print("prepare", os.path.basename(os.path.dirname(os.getcwd())), drive)
"""


def git(*command, cwd):
    name = ["-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run(["git", *name, *command], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository whose bootstrap says where and how it was called."""
    folder = tmp_path_factory.mktemp("x") / "repository"
    folder.mkdir()
    git("init", "-q", cwd=folder)
    room = folder / "notebooks" / "toolcalling" / "setup"
    room.mkdir(parents=True)
    (room / "bootstrap.py").write_text(PREPARE)
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "x", cwd=folder)
    return folder


def run(code, cwd, **env):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env={**os.environ, **env},
        capture_output=True, text=True,
    )  # fmt: skip


def test_it_is_short_and_folded():
    title, *rest = CELL.splitlines()
    assert title.startswith("# @title ") and len(rest) <= 8
    for name, *_ in series.SERIES:
        book = series.read(series.NOTEBOOKS / f"{name}.ipynb")
        first = next(c for c in book.cells if c.cell_type == "code")
        assert first.metadata == {
            "cellView": "form", "jupyter": {"source_hidden": True},
        }  # fmt: skip


def test_alone_it_fetches_once_and_knows_itself_when_run_again(repository, tmp_path):
    twice = f"exec({CELL!r}); exec({CELL!r})"
    for _ in ("cold", "after a restart"):
        done = run(twice, tmp_path, TOOLCALLING_REPO=str(repository))
        assert done.stdout.split("\n")[:2] == [
            "prepare tutorial False", "prepare tutorial False",
        ], done.stderr  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["tutorial"]


def test_in_a_checkout_it_fetches_nothing(repository):
    done = run(CELL, repository / "notebooks", TOOLCALLING_REPO="nowhere")
    assert done.stdout == "prepare repository False\n", done.stderr


def test_without_a_network_it_says_what_to_switch_on(tmp_path):
    done = run(CELL, tmp_path, TOOLCALLING_REPO=str(tmp_path / "nowhere"))
    assert "does not exist" in done.stderr  # git's own words
    last = done.stderr.splitlines()[-1]
    assert "git says why above" in last and "switch Internet on" in last


def test_the_drive_form_is_handed_on(repository):
    on = CELL.replace("USE_DRIVE = False", "USE_DRIVE = True")
    assert run(on, repository / "notebooks").stdout == "prepare repository True\n"
