"""What of the notebooks is Colab's and Kaggle's: forms, badges, the recorded check."""

import ast
import json
import re

import pytest
from packaging.requirements import Requirement

import series
from conftest import ROOT
from toolcalling.setup import packages

NAMES = [name for name, *_ in series.SERIES]
RECORD = ROOT / "data" / "results" / "colab.json"

FORM = re.compile(r"^(\w+) = (.+?)  # @param (\{.*\}|\[.*\])( \{.*\})?$")


@pytest.mark.parametrize("name", NAMES)
def test_forms_are_forms_and_switches_are_off(name):
    """Colab draws one from the comment; elsewhere it is a comment."""
    book = series.read(series.NOTEBOOKS / f"{name}.ipynb")
    code = "\n".join(c.source for c in book.cells if c.cell_type == "code")
    forms = [line for line in code.splitlines() if "@param" in line]
    assert any(line.startswith("USE_DRIVE") for line in forms)
    for line in forms:
        form = FORM.match(line)
        assert form, line
        value, kind = ast.literal_eval(form[2]), form[3]
        if kind.startswith("{"):
            kind = re.search(r'type: ?"(boolean|string|integer|number)"', kind)[1]
            known = {"boolean": bool, "string": str, "integer": int, "number": float}
            assert type(value) is known[kind], line
        assert value is not True, line


@pytest.mark.parametrize("name", NAMES)
def test_badges_open_this_notebook(name):
    first = series.read(series.NOTEBOOKS / f"{name}.ipynb").cells[0].source
    found = dict(re.findall(r"\[!\[([^\]]+)\]\([^)]+\)\]\(([^)]+)\)", first))
    places = {alt.partition(":")[0]: link for alt, link in found.items()}
    assert all(f"notebook {series.number(name)}, " in alt for alt in found)
    page = f"github.com/{series.repository()}/blob/main/notebooks/{name}.ipynb"
    assert places == {
        "Open in Colab": "https://colab.research.google.com/"
        + page.replace("github.com", "github"),
        "Open in Kaggle": f"https://kaggle.com/kernels/welcome?src=https://{page}",
    }
    assert f"(https://{page})" in first
    viewer = page.replace("github.com", "https://nbviewer.org/github")
    assert f"({viewer})" in first


@pytest.mark.parametrize("name", NAMES)
def test_colab_is_imported_only_where_it_is(name):
    """Outside of the guarded places no cell needs google.colab or kaggle_secrets."""
    book = series.read(series.NOTEBOOKS / f"{name}.ipynb")
    for cell in book.cells:
        if cell.cell_type == "code":
            assert not re.search(
                r"^(import|from) (google|kaggle)", cell.source, re.M
            ), cell.source
            assert "/content" not in cell.source or "on_colab()" in cell.source


NOT_YET = ("10_use_it", "10b_deploy_it")  # new since that run


def test_every_notebook_ran_on_what_colab_ships():
    """`make test-colab` records it; with packages that meet the requirements still."""
    record = json.loads(RECORD.read_text())
    assert list(record["notebooks"]) == [name for name in NAMES if name not in NOT_YET]
    for run in record["notebooks"].values():
        assert run["restarts"] == 0 and set(run["minutes"]) == {"ships", "newer"}
    for kind, after in record["after"].items():
        kept = {"torch", "torchvision", "ipykernel", "ipython"}
        assert not (kept | ({"pyarrow"} if kind == "ships" else set())) & set(after)
        meets_the_requirements({**record["ships"], **after})


def meets_the_requirements(there):
    there = {name.lower().replace("_", "-"): v for name, v in there.items()}
    for line in packages.REQUIREMENTS.read_text().splitlines():
        wanted = line.partition("#")[0].strip()
        if wanted and not wanted.startswith("jupyterlab"):
            wanted = Requirement(wanted)
            version = there[wanted.name.lower().replace("_", "-")]
            assert wanted.specifier.contains(version), (line, version)
