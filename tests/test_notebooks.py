"""Static checks of every committed notebook."""

import ast
import json
import re
import shutil
import statistics

import nbformat
import pytest

import series
from conftest import ROOT

NAMES = [name for name, *_ in series.SERIES]
BOOKS = {name: series.read(series.NOTEBOOKS / f"{name}.ipynb") for name in NAMES}


def code(book):
    return [c for c in book.cells if c.cell_type == "code"]


def prose(book):
    return [c.source for c in book.cells if c.cell_type == "markdown"]


def test_the_folder_holds_the_series():
    assert sorted(p.stem for p in series.NOTEBOOKS.glob("*.ipynb")) == NAMES


@pytest.fixture(params=NAMES)
def book(request):
    return BOOKS[request.param]


@pytest.fixture(params=NAMES)
def file(request):
    return series.NOTEBOOKS / f"{request.param}.ipynb"


def test_format(book, file):
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    nbformat.validate(book)
    assert "widgets" not in book.metadata
    assert file.stat().st_size < 500_000


def test_one_clean_run(book):
    assert [c.execution_count for c in code(book)] == list(
        range(1, len(code(book)) + 1)
    )
    for cell in code(book):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output
            assert "application/vnd.jupyter.widget-view+json" not in output.get(
                "data", {}
            )


def test_outputs_belong_to_this_code(book):
    assert book.metadata["toolcalling"]["code_sha256"] == series.code_hash(book), (
        "cells, helper package or data changed since the recorded run: make docs"
    )


def test_the_package_file_holds_a_docstring_only():
    """The hash leaves it out."""
    tree = ast.parse((series.PACKAGE / "__init__.py").read_text())
    assert [type(node) for node in tree.body] == [ast.Expr]


def test_the_hash_knows_what_a_notebook_imports():
    used = {
        name: {
            path.stem for path in series._helpers("\n".join(c.source for c in code(b)))
        }
        for name, b in BOOKS.items()
    }
    assert {"workspace", "models", "embedded_model"} <= used["01_environment_setup"]
    assert "shared_prefix" not in used["01_environment_setup"]
    assert {"shared_prefix", "evaluation", "generation"} <= used["04_finetuning"]
    assert "tool_call" in used["06_post_training_evaluation"]


def test_outputs_show_nothing_of_a_machine(book):
    text = json.dumps([c.outputs for c in code(book)])
    assert not re.search(
        r"/(root|home|Users|tmp|work|content|mnt)/|hf_[A-Za-z]{8}", text
    )


def test_cells_parse_and_fit_the_page(book):
    for cell in code(book):
        source = "\n".join(
            line for line in cell.source.splitlines() if not line.startswith("%")
        )
        ast.parse(source)
        width = 100 if series.BOOTSTRAP in source else 79
        assert max(map(len, source.splitlines()), default=0) <= width, source
        assert len(source.splitlines()) <= 30, source


def test_a_hash_covers_the_rows_of_the_tasks_that_a_notebook_takes(
    monkeypatch, tmp_path
):
    def hashes():
        return {
            name: series.code_hash(BOOKS[name])
            for name in ("04_finetuning", "10_use_it")
        }

    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setattr(series, "ROOT", tmp_path)
    before = hashes()
    for task, stale in (("tool_selection", "04_finetuning"), ("helpdesk", "10_use_it")):
        with (tmp_path / "data" / task / "train.jsonl").open("a") as file:
            file.write("\n")
        after = hashes()
        assert [name for name in after if after[name] != before[name]] == [stale]
        before = after


@pytest.mark.parametrize("name", NAMES[:6])
def test_small_steps(name):
    lengths = [len(cell.source.splitlines()) for cell in code(BOOKS[name])]
    assert 20 <= len(BOOKS[name].cells) <= 60
    assert statistics.median(lengths) <= 7 and max(lengths) <= 21


def test_every_import_is_used(book):
    source = "\n".join(c.source for c in code(book) if series.BOOTSTRAP not in c.source)
    tree = ast.parse(re.sub(r"^%.*$", "", source, flags=re.M))
    names = {
        (a.asname or a.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for a in node.names
    }
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert names <= used, names - used


def test_opening_and_closing(book):
    first, last = prose(book)[0], prose(book)[-1]
    headings = re.findall(r"^# .+", "\n".join(prose(book)), re.M)
    assert len(headings) == 1 and first.startswith("# ")
    for part in ("**You will learn**", "Open in Colab", "CPU cores"):
        assert part in first
    assert "## What was done" in last


def test_navigation_and_head_are_in_step():
    for index, name in enumerate(NAMES):
        first, last = prose(BOOKS[name])[0], prose(BOOKS[name])[-1]
        assert series.block(first, "head", series.head(index)) == first
        assert series.block(last, "navigation", series.navigation(index)) == last


def test_the_first_code_cell_is_the_same_everywhere():
    cells = {code(book)[0].source for book in BOOKS.values()}
    assert len(cells) == 1
    assert series.BOOTSTRAP in cells.pop()
    assert (
        f"https://github.com/{series.repository()}" in code(BOOKS[NAMES[0]])[0].source
    )


def test_images_and_links(book):
    for text in prose(book):
        for alt, target in re.findall(r"!\[(.*?)\]\((.*?)\)", text):
            assert alt and (
                target.startswith("https://") or (series.NOTEBOOKS / target).is_file()
            )
        for target in re.findall(r"(?<!!)\[[^\]!]+\]\(([^)#\s]+)\)", text):
            assert (
                target.startswith("https://") or (series.NOTEBOOKS / target).exists()
            ), target


def test_prose_types_no_result(book):
    for text in prose(book):
        body = re.sub(r"<!-- generated.*?end of generated -->", "", text, flags=re.S)
        assert not re.search(
            r"\d+(\.\d+)?\s?% (of|correct|accura)|\d+/\d+ correct", body
        ), text


def test_cell_ids_are_unique(book):
    ids = [c.id for c in book.cells]
    assert len(set(ids)) == len(ids)


def test_recorded_results():
    core = json.loads(series.RESULTS.read_text())
    for name in ("before", "after", "tfidf"):
        score = core[name]
        assert {"n", "correct", "strict", "wilson", "outcomes", "slices"} <= set(score)
        assert score["n"] == 300 == sum(score["outcomes"].values())
        assert score["strict"] == score["correct"] / 300
        assert score["wilson"][0] < score["strict"] < score["wilson"][1]
        assert sum(s["correct"] for s in score["slices"].values()) == score["correct"]


def test_recorded_replies_give_the_recorded_score(task):
    from toolcalling import evaluation

    core = json.loads(series.RESULTS.read_text())
    assert core["data"] == task.hash
    rows = task.rows["test"]
    judged = evaluation.judge_rows(core["replies"], rows, task)
    assert evaluation.score(rows, judged) == core["after"]
    assert evaluation.confusion(rows, judged, task.tools) == core["confusion"]


def test_constraints_pin_every_requirement():
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text().split()
    pins = {canonicalize_name(n): v for n, v in (line.split("==") for line in lines)}
    for file in (
        "requirements.txt", "tests/requirements.txt", "tests/browser/requirements.txt"
    ):  # fmt: skip
        for line in (ROOT / file).read_text().splitlines():
            line = line.partition("#")[0].strip()
            if line:
                wanted = Requirement(line)
                assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)])
