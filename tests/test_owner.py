"""The repository's name in all links: by hand, and by the workflow, once."""

import os
import shutil
import subprocess

import pytest
import yaml

import owner
import series
from conftest import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "set-owner.yml"
NAME = "/".join(("someone", "their-copy"))  # this file does not hold it


@pytest.fixture
def copy(tmp_path):
    """The checkout's files, as another repository's working tree."""
    folder = tmp_path / "repo"
    skip = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("scripts", ".github", "data", "docs", "notebooks", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for file in ROOT.iterdir():
        if file.is_file() and file.name != ".git":
            shutil.copy(file, folder)
    return folder


def naming(folder, text):
    """Files that hold the text."""
    files = [f for f in folder.rglob("*") if f.is_file() and ".git" not in f.parts]
    return {f for f in files if text in f.read_text("utf-8", "ignore")}


def test_rename_changes_every_link_and_keeps_the_hashes(copy, monkeypatch):
    old = owner.repository()
    before = naming(copy, old)
    owner.rename(NAME, copy)
    assert naming(copy, NAME) == before and not naming(copy, old)
    names = {file.name for file in before}
    assert {"README.md", "README.ja.md", "CITATION.cff"} <= names
    assert set((copy / "notebooks").glob("*.ipynb")) <= before
    monkeypatch.setattr(series, "ROOT", copy)
    for name, *_ in series.SERIES:
        renamed = series.read(copy / "notebooks" / f"{name}.ipynb")
        here = series.read(series.NOTEBOOKS / f"{name}.ipynb")
        assert series.code_hash(renamed) == series.code_hash(here)
    book = series.read(copy / "notebooks" / f"{series.SERIES[1][0]}.ipynb")
    first = book.cells[0].source  # what is generated is in step too
    assert series.block(first, "head", series.head(1)) == first
    with pytest.raises(SystemExit):
        owner.rename("not a name", copy)


def test_the_workflow_sets_it_once_in_one_commit(copy, tmp_path):
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow[True] == "push"  # YAML 1.1 reads the key `on` as true
    assert workflow["permissions"] == {"contents": "write"}
    steps = workflow["jobs"]["set-owner"]["steps"]
    assert steps[0] == {"uses": "actions/checkout@v4"}
    env = {**os.environ, "GITHUB_REPOSITORY": NAME, "GIT_CONFIG_GLOBAL": os.devnull}

    def run(command):
        done = subprocess.run(
            ["bash", "-e", "-c", command], cwd=copy, env=env, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    run(f"git init -q --bare -b main '{tmp_path}/remote'; git init -q -b main")
    run("git add --all; git -c user.name=x -c user.email=x@x commit -qm x")
    run(f"git remote add origin '{tmp_path}/remote'; git push -qu origin main")
    template = naming(copy, f"{owner.PLACEHOLDER}/")
    for _ in ("the first push", "any later one"):
        for step in steps[1:]:
            run(step["run"])
    assert run("git rev-list --count origin/main") == "2\n"
    assert run("git status --porcelain") == ""
    if template:
        assert not naming(copy, f"{owner.PLACEHOLDER}/")
        assert owner.repository(copy) == NAME
