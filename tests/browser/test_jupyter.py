"""Notebooks stepped through in JupyterLab, in order and out of it."""

import re

import pytest

from jupyter_lab import Lab


@pytest.fixture(scope="module")
def lab(tiny, tmp_path_factory, free_port):
    folder = tmp_path_factory.mktemp("checkout")
    environment = {
        "TOOLCALLING_MODEL": str(tiny), "TOOLCALLING_EPOCHS": "1",
        "TOOLCALLING_WORKSPACE": str(folder / "artifacts"),
        "OMP_NUM_THREADS": "1",  # a second thread costs a model this small more
    }  # fmt: skip
    with Lab(folder, free_port(), environment) as lab:
        yield lab


@pytest.fixture
def notebook(request, lab, browser):
    notebook = lab.open(browser, request.param)
    yield notebook
    notebook.page.close()


def errors(outputs):
    return [text for kind, text in outputs if kind == "error"]


@pytest.mark.parametrize(
    "notebook, minutes",
    [("01_environment_setup", 5), ("02_dataset", 5), ("04_finetuning", 9)],
    indirect=["notebook"],
)
def test_all_cells_run_and_show_what_the_record_shows(notebook, minutes, request):
    notebook.run_all(minutes)
    for number, cell in enumerate(notebook.code):
        outputs = notebook.outputs(number)
        assert not errors(outputs)
        kinds = {kind for kind, _ in outputs}
        assert {o.get("name", o.output_type) for o in cell.outputs} <= kinds
        assert only_bars(text for kind, text in outputs if kind == "stderr")
    # The first cell is folded: its prompt is not shown.
    assert notebook.counts()[1:] == [
        f"[{i + 1}]:" for i in range(1, len(notebook.code))
    ]
    if "04" in request.node.name:
        moved_on(notebook.progress())


def only_bars(texts):
    """Is what was written to stderr, where it is shown in red, progress alone?"""
    lines = "\n".join(texts).splitlines()
    return all(re.search(r"\d+%\|.*\d+/\d+", line) for line in lines if line.strip())


def moved_on(seen):
    """Training and the dev replies after it each had a bar that a reader saw move."""
    training = [s for s in seen if s.startswith("training") and s.endswith("of 50")]
    replies = [s for s in seen if s.startswith("replies") and s.endswith("/80")]
    assert len(training) > 5 and training[-1] == "training 50 of 50"
    assert len(replies) > 3 and replies[-1] == "replies 80/80"
