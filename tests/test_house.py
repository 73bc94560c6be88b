"""The package's plan: its map is true, rooms are few, nothing imports in a circle."""

import re

import pytest

import series
import toolcalling

FILES = [f for f in series.PACKAGE.rglob("*.py") if f.name != "__init__.py"]


def needs(file):
    """Files of the package that a file imports, functions' own imports too."""
    room = file.relative_to(series.PACKAGE).parent.parts
    return series.imported(file.read_text(encoding="utf-8"), room) - {file}


def test_the_map_names_what_is_there():
    named = set(re.findall(r"^(\w+/?) {2,}", toolcalling.__doc__, re.M))
    top = {f.stem for f in series.PACKAGE.glob("*.py")} - {"__init__"}
    rooms = {f"{f.parent.name}/" for f in FILES} - {f"{series.PACKAGE.name}/"}
    assert named == top | rooms
    assert len(top) <= 10


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_files_are_short(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 270


def test_nothing_imports_in_a_circle():
    graph = {file: needs(file) for file in FILES}
    while free := [file for file, needed in graph.items() if not needed]:
        for file in free:
            del graph[file]
        graph = {file: needed - set(free) for file, needed in graph.items()}
    assert not graph, f"these import each other: {sorted(f.stem for f in graph)}"


def test_the_ground_floor_imports_nothing_of_ours():
    ground = {f.stem for f in FILES if not needs(f)}
    assert {"calls", "statistics", "charts", "arguments", "colab_kaggle"} <= ground


def test_one_task_belongs_to_no_module():
    """The study's own words about it apart: everything else takes a Task."""
    for file in FILES:
        if file.parent.name != "study":
            text = file.read_text(encoding="utf-8")
            assert "search_google" not in text and "Quillhaven" not in text, file
