"""Cells run out of order: what a cell needs, and what the reader is told."""

import builtins

import nbformat
import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

import series
from checkouts import copy_checkout
from toolcalling import cell_order

CELLS = [
    ("Set up", "from toolcalling import workspace\nimport os"),
    ("Rows", "import json\nrows = json.loads('[1, 2]')"),
    ("Rows", "total = 0\nfor row in rows:\n    total += row"),
    ("Mean", "mean = total / len(rows)"),
    ("Mean", "print(mean)"),
]


@pytest.mark.parametrize(
    "source, needs, makes",
    [
        ("a = b", {"b"}, {"a"}),
        ("a = 1\nprint(a)", set(), {"a"}),
        ("a = a + 1", {"a"}, {"a"}),
        ("a += 1", {"a"}, {"a"}),
        ("a, *b = c", {"c"}, {"a", "b"}),
        ("a.b = c[0]", {"a", "c"}, set()),
        ("for x in xs:\n    y = x", {"xs"}, {"x", "y"}),
        ("[x + k for x in xs if x]", {"k", "xs"}, set()),
        ("f = lambda x: x + k", {"k"}, {"f"}),
        ("def f(x=d):\n    y = x\n    return y + k", {"d", "k"}, {"f"}),
        ("def f():\n    return k\n\nk = 1", set(), {"f", "k"}),
        ("def f():\n    import os\n    os.getcwd()", set(), {"f"}),
        ("@d\nclass A(B):\n    x = k", {"d", "B", "k"}, {"A"}),
        ("import a.b\nfrom c import d as e", set(), {"a", "e"}),
        ("with o() as f:\n    f.read()", {"o"}, {"f"}),
        ("try:\n    f()\nexcept E as e:\n    print(e)", {"f", "E"}, {"e"}),
        ("if c:\n    a = 1", {"a", "c"}, {"a"}),  # c may be false
        ("if (n := f()) > 1:\n    pass", {"f", "n"}, {"n"}),
        ("%matplotlib inline\n!ls\nprint(a)", {"a"}, set()),
        ("from toolcalling.models import m", {"toolcalling"}, {"m"}),
        ("not python (", set(), set()),
    ],
)
def test_needs_and_makes(source, needs, makes):
    found, made = cell_order.needs_and_makes(source)
    assert (found, set(made)) == (needs, makes)


@pytest.mark.parametrize("name", [name for name, *_ in series.SERIES])
def test_every_cell_needs_only_what_cells_above_it_make(name):
    known = {cell_order.PACKAGE, "get_ipython", "display", *dir(builtins)}
    for _, source in cell_order.read_cells(series.NOTEBOOKS / f"{name}.ipynb"):
        needs, makes = cell_order.needs_and_makes(source)
        only_here = set(makes)  # made and used in a branch
        assert needs - known <= only_here, source
        known |= set(makes)


def test_the_hint_names_the_cells_in_order():
    assert cell_order.hint(
        CELLS, CELLS[4][1], "mean", {"toolcalling"}
    ).splitlines() == [
        "`mean` is made in a cell further up. Run first, in this order "
        "(heading | line in the cell):",
        "  Rows | rows = json.loads('[1, 2]')",
        "  Rows | total = 0",
        "  Mean | mean = total / len(rows)",
        "Or all of them: menu Run, Run All Above Selected Cell "
        "(on Colab and Kaggle: Run before).",
    ]


def test_what_is_there_need_not_run_again():
    text = cell_order.hint(CELLS, CELLS[4][1], "mean", {"toolcalling", "rows", "total"})
    assert text.splitlines()[1:-1] == ["  Mean | mean = total / len(rows)"]


def test_an_edited_cell_is_known_again():
    text = cell_order.hint(CELLS, "mean = sum(rows) / len(rows)", "rows", set())
    assert text.splitlines()[1:-1] == ["  Rows | rows = json.loads('[1, 2]')"]


def test_the_package_itself_comes_from_the_first_cell():
    cells = [*CELLS, ("Model", "from toolcalling import models")]
    text = cell_order.hint(cells, cells[-1][1], "toolcalling", set())
    assert text.splitlines()[1] == "  Set up | from toolcalling import workspace"


def test_no_hint_for_a_name_that_no_cell_above_makes():
    assert cell_order.hint(CELLS, "print(maen)", "maen", set()) is None
    assert cell_order.hint(CELLS, CELLS[2][1], "mean", set()) is None


def test_the_notebook_is_found_by_its_cells_or_by_its_name(tmp_path, monkeypatch):
    path = series.NOTEBOOKS / "02_dataset.ipynb"
    cells = cell_order.read_cells(path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert cell_order.find_notebook([cells[0][1], cells[5][1]]) == cells
    assert cell_order.find_notebook([cells[0][1]]) is None  # all begin with it
    assert cell_order.find_notebook(["print(1)"]) is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert cell_order.find_notebook(["print(1)"]) == cells
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{"cells": [')
    assert cell_order.read_cells(broken) == []


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """(02 in a copy of the checkout, client whose kernel runs in that copy's .venv)"""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    kernels = str(copy_checkout(tmp_path) / "kernels")
    book = series.read(tmp_path / "notebooks" / "02_dataset.ipynb")
    client = NotebookClient(
        book, allow_errors=True, timeout=120,
        resources={"metadata": {"path": str(tmp_path / "notebooks")}},
        km=KernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[kernels])),
    )  # fmt: skip
    return book, client


def run(book, client, line):
    """(error or None, printed text) of the first cell that has this line."""
    for number, cell in enumerate(book.cells):
        if cell.cell_type == "code" and line in cell.source:
            client.execute_cell(cell, number)
            errors = [o.evalue for o in cell.outputs if o.output_type == "error"]
            return (
                errors[0] if errors else None,
                "".join(o.text for o in cell.outputs if o.output_type == "stream"),
            )
    raise AssertionError(f"no cell has {line!r}")


def test_following_the_message_mends_it_in_a_restarted_kernel(notebook):
    book, client = notebook
    wanted = "{split: len(part)"
    with client.setup_kernel():
        assert run(book, client, "Runs anywhere")[0] is None
    with client.setup_kernel():  # restarted: nothing was run
        error, text = run(book, client, 'json.dumps(rows["train"][0]')
        assert error == "name 'rows' is not defined"
        named = [line.split(" | ")[1] for line in text.splitlines()[1:-1]]
        assert "rows = conversations.load_splits()" in named
        for line in [*named, 'json.dumps(rows["train"][0]', wanted, wanted]:
            assert run(book, client, line)[0] is None, line
        client.nb.cells.append(nbformat.v4.new_code_cell("print(rosw)"))
        assert run(book, client, "rosw") == ("name 'rosw' is not defined", "")
