"""The series in order, the code hash, and the blocks that are generated.

`python scripts/pages/series.py` rewrites every generated block of notebooks and READMEs
from this table and data/results. `make badges REPO=owner/name` first exchanges
the repository's name everywhere.
"""

import ast
import hashlib
import json
import re
import sys
from pathlib import Path

import nbformat

import front_page

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PACKAGE = NOTEBOOKS / "toolcalling"
RESULTS = ROOT / "data" / "results" / "core.json"
BENCH, GPU = RESULTS.with_name("bench.json"), RESULTS.with_name("bench_gpu.json")
STUDY = RESULTS.with_name("study.jsonl")
HELPDESK = RESULTS.with_name("helpdesk.json")

# name, title, what you can do after it
SERIES = (
    ("01_environment_setup", "Environment", "choose and load a model that fits your machine"),
    ("02_dataset", "Dataset", "write tool-calling rows and check them for leaks"),
    ("03_baseline_evaluation", "Baseline", "score a model strictly, with intervals"),
    ("04_finetuning", "Fine-tuning", "fine-tune, pick the epoch on dev, save, reload"),
    ("05_training_curves", "Curves", "read losses, and tell overfitting"),
    ("06_post_training_evaluation", "After", "prove that it got better, and read the misses"),
    ("07_train_faster", "Train faster", "train and evaluate several times faster, and scale"),
    ("08_how_sure_are_we", "How sure", "tell a finding from luck"),
    ("09_your_own_tools", "Your own tools", "train and judge a model for tools of your own"),
)  # fmt: skip
BOOTSTRAP = "Runs anywhere:"  # how the cell that fetches the rest begins
_REPOSITORY = re.compile(r"git clone https://github\.com/([\w.-]+/[\w.-]+)")


def read(path):
    """A notebook as an nbformat 4.5 object."""
    return nbformat.read(path, as_version=4)


def code(name):
    """The sources of a notebook's code cells."""
    cells = read(NOTEBOOKS / f"{name}.ipynb").cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def code_hash(notebook):
    """sha256 over what the outputs come from: cells, helper modules, data.

    The bootstrap cell is left out (it names the repository and installs), and so
    are lines of comment in the helper package. Of the package, what the other
    cells import counts, and what that imports.
    """
    digest = hashlib.sha256()
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    sources = [source for source in sources if BOOTSTRAP not in source[:80]]
    for source in sources:
        digest.update(source.encode() + b"\0")
    text = "\n".join(sources)
    for path in sorted(_helpers(text)):
        digest.update(_without_comments(path.read_text()).encode())
    used = [*NOTEBOOKS.rglob("*.jinja")]
    for folder in ROOT.glob("data/*/"):
        if folder.name == RESULTS.parent.name:  # single files of it, below
            continue
        if folder.name == "tool_selection" or folder.name in text:
            used += [p for p in folder.iterdir() if p.is_file()]
    for word, file in (("bench.json", BENCH), ("toolcalling.study", STUDY)):
        if word in text and file.is_file():
            used.append(file)
    for path in sorted(used):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _helpers(text):
    """Files of the helper package that cells import, and those that these import.

    Not __init__.py, which holds a docstring and nothing else.
    """
    waiting, found = [(re.sub(r"^%.*$", "", text, flags=re.M), ())], set()
    metric = NOTEBOOKS / "metrics" / "tool_call" / "tool_call.py"
    if "metrics/tool_call" in text:
        found.add(metric)
        waiting.append((metric.read_text(), ()))
    while waiting:
        source, room = waiting.pop()
        for path in imported(source, room) - found:
            found.add(path)
            waiting.append((path.read_text(), path.relative_to(PACKAGE).parent.parts))
    return found


def imported(source, room=()):
    """Files of the helper package that a source imports itself.

    room: the folders, below the package, of the file that holds it.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = [part for part in (node.module or "").split(".") if part]
        if node.level:
            parts = [*room[: len(room) - node.level + 1], *parts]
        elif parts[:1] == [PACKAGE.name]:
            parts = parts[1:]
        else:
            continue
        base = PACKAGE.joinpath(*parts)
        files = [base.with_suffix(".py")] if parts else []
        files += [base / f"{alias.name}.py" for alias in node.names]
        found |= {path for path in files if path.is_file()}
    return found


def _without_comments(source):
    """Lines that are more than a comment; the same on every Python version."""
    lines = (line.rstrip() for line in source.splitlines())
    return "\n".join(line for line in lines if line.lstrip()[:1] not in ("", "#"))


def results():
    """The recorded run, or None before the first one."""
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else None


def block(text, name, content):
    """Text with the generated block of that name holding content."""
    start, end = f"<!-- generated: {name} -->", "<!-- end of generated -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.S)
    if not pattern.search(text):
        raise SystemExit(f"no block {start!r} in: {text[:60]!r}")
    return pattern.sub(lambda _: f"{start}\n{content}\n{end}", text)


def repository():
    """owner/name as the README's links give it."""
    return _REPOSITORY.search((ROOT / "README.md").read_text())[1]


def rename(new):
    """Exchange the repository's name in every file that gives it."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", new):
        raise SystemExit(f"REPO must be owner/name, not {new!r}.")
    old = repository()
    for pattern in ("*.md", "*.cff", ".github/*.md", "notebooks/*.ipynb"):
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(old, new), encoding="utf-8")


def navigation(index):
    """Links to the notebooks before and after."""
    parts = []
    if index:
        name, title, _ = SERIES[index - 1]
        parts.append(f"← [{index} · {title}]({name}.ipynb)")
    parts.append("[Contents](../README.md)")
    if index + 1 < len(SERIES):
        name, title, _ = SERIES[index + 1]
        parts.append(f"[{index + 2} · {title}]({name}.ipynb) →")
    return " | ".join(parts)


def badges(index, github=True):
    """Where else a notebook opens; the alt texts say which notebook, and where."""
    name, title, _ = SERIES[index]
    page = f"github.com/{repository()}/blob/main/notebooks/{name}.ipynb"
    colab = page.replace("github.com", "https://colab.research.google.com/github")
    places = [
        ("Open in Colab", "https://colab.research.google.com/assets/colab-badge.svg", colab),
        ("Open in Kaggle", "https://kaggle.com/static/images/open-in-kaggle.svg",
         f"https://kaggle.com/kernels/welcome?src=https://{page}"),
        ("View on GitHub", "https://img.shields.io/badge/view_on-GitHub-24292f?logo=github",
         f"https://{page}"),
    ]  # fmt: skip
    return " ".join(
        f"[![{place}: notebook {index + 1}, {title}]({image})]({link})"
        for place, image, link in places[: 3 if github else 2]
    )


def head(index):
    """Badges, what one needs, navigation: behind each notebook's first sentence."""
    name, repo, run = SERIES[index][0], repository(), (results() or {}).get("run")
    viewer = f"https://nbviewer.org/github/{repo}/blob/main/notebooks/{name}.ipynb"
    lines = [
        f"{badges(index)} [View on nbviewer]({viewer})",
        "",
        "**You need**",
        "",
    ]
    if run:
        lines.append(
            f"- {minutes(run, name)} on the recorded machine: {run['machine']}."
        )
        lines.append(
            "- Alone from cold it first runs what it needs of the notebooks before it."
            if any("workspace.require" in source for source in code(name))
            else "- Nothing from other notebooks."
        )
    lines += [
        "- Git and Python 3.11 or later; the packages, about 2 GB with a CPU build of torch, "
        "0.24 GB of them the embedded weights; on Colab torch is there already.",
        "- To accept: the [Gemma Terms of Use](https://ai.google.dev/gemma/terms). For "
        "FunctionGemma also its licence on Hugging Face and a token; without, the embedded "
        "Gemma 3 270M is used.",
        "",
        navigation(index),
    ]
    return "\n".join(lines)


def minutes(run, name):
    """Recorded minutes in words."""
    return front_page.duration(run["minutes"].get(name)).capitalize()


def notebook_rows():
    """What the READMEs' table says of each notebook."""
    rows = []
    for index, (name, title, gain) in enumerate(SERIES):
        rows.append(
            {
                "name": name, "title": title, "gain": gain,
                "gpu": any("hardware.detect()" in source for source in code(name)),
                "badges": badges(index, github=False),
            }
        )  # fmt: skip
    return rows


def seeds():
    """Strict accuracy of each run of the recorded recipe in the study."""
    lines = STUDY.read_text(encoding="utf-8").splitlines() if STUDY.is_file() else []
    base = (results() or {}).get("base")
    return [
        run["outcomes"].count("correct") / len(run["outcomes"])
        for run in map(json.loads, lines)
        if (run["kind"], run["rows"], run["split"]) == ("ours", 400, None)
        and run["base"] == base
    ]


def fill(text, words):
    """A README's text with its generated blocks written anew."""
    bench, gpu = (
        json.loads(path.read_text()) if path.is_file() else None
        for path in (BENCH, GPU)
    )
    made = front_page.blocks(words, results(), bench, gpu, notebook_rows(), seeds())
    for name, content in made.items():
        text = block(text, name, content)
    return text


def write():
    """Rewrite every generated block."""
    for index, (name, *_) in enumerate(SERIES):
        path = NOTEBOOKS / f"{name}.ipynb"
        notebook = read(path)
        first, last = notebook.cells[0], notebook.cells[-1]
        first.source = block(first.source, "head", head(index))
        last.source = block(last.source, "navigation", navigation(index))
        nbformat.write(notebook, path)
    for file, words in front_page.LANGUAGES.items():
        readme = ROOT / file
        text = fill(readme.read_text(encoding="utf-8"), words)
        readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["rename"]:
        rename(sys.argv[2])
    write()
