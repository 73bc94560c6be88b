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
import owner

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PACKAGE = NOTEBOOKS / "toolcalling"
RESULTS = ROOT / "data" / "results" / "core.json"
BENCH, GPU = RESULTS.with_name("bench.json"), RESULTS.with_name("gpu.json")
STUDY = RESULTS.with_name("study.jsonl")
HELPDESK = RESULTS.with_name("helpdesk.json")
EXAM = RESULTS.with_name("exam.json")
USE, DEPLOY = RESULTS.with_name("use.json"), RESULTS.with_name("deploy.json")
OTHER_TASKS = {"helpdesk": HELPDESK, "helpdesk_answers": USE}

# name, title, what you can do after it
SERIES = (
    ("01_environment_setup", "Environment", "choose and load a model that fits your machine"),
    ("02_dataset", "Dataset", "write tool-calling rows and check them for leaks"),
    ("03_baseline_evaluation", "Baseline", "score a model strictly, with intervals"),
    ("04_finetuning", "Fine-tuning", "fine-tune, pick the epoch on dev, save, reload"),
    ("05_training_curves", "Curves", "read losses, and recognise overfitting"),
    ("06_post_training_evaluation", "After", "tell whether it got better, and read the misses"),
    ("07_train_faster", "Train faster", "train and evaluate several times faster, and scale"),
    ("08_how_sure_are_we", "How sure", "tell a finding from luck"),
    ("08b_beyond_the_test", "Beyond the test", "tell what a test score does not cover"),
    ("09_your_own_tools", "Your own tools", "train and judge a model for tools of your own"),
    ("10_use_it", "Use it", "run the calls safely, and answer from the results"),
    ("10b_deploy_it", "Deploy it", "export, serve, test again, watch for drift"),
)  # fmt: skip
BOOTSTRAP = "# @title Run this first"  # so begins the cell that fetches the rest


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
    tasks = {path.parent.name for path in ROOT.glob("data/*/task.toml")}
    # The built-in task is the one that a notebook takes where it names none.
    unnamed = () if any(name in text for name in tasks) else ("tool_selection",)
    for folder in ROOT.glob("data/*/"):
        if folder.name == RESULTS.parent.name:  # single files of it, below
            continue
        if folder.name in text or folder.name in unnamed:
            used += [p for p in folder.iterdir() if p.is_file()]
    read = (
        ("bench.json", BENCH),
        ("deploy.json", DEPLOY),
        ("exam.json", EXAM),
        ("toolcalling.study", STUDY),
    )
    for word, file in read:
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
    return owner.repository(ROOT)


def number(name):
    """A notebook's number as its links give it: 8, 8b."""
    return name.partition("_")[0].lstrip("0")


def navigation(index):
    """Links to the notebooks before and after."""
    parts = []
    if index:
        name, title, _ = SERIES[index - 1]
        parts.append(f"← [{number(name)} · {title}]({name}.ipynb)")
    parts.append("[Contents](../README.md)")
    if index + 1 < len(SERIES):
        name, title, _ = SERIES[index + 1]
        parts.append(f"[{number(name)} · {title}]({name}.ipynb) →")
    return " | ".join(parts)


def places(index):
    """Where else a notebook opens: [(place, image, link)]."""
    name, title, _ = SERIES[index]
    page = f"github.com/{repository()}/blob/main/notebooks/{name}.ipynb"
    colab = page.replace("github.com", "https://colab.research.google.com/github")
    return [
        ("Open in Colab", "https://colab.research.google.com/assets/colab-badge.svg", colab),
        ("Open in Kaggle", "https://kaggle.com/static/images/open-in-kaggle.svg",
         f"https://kaggle.com/kernels/welcome?src=https://{page}"),
    ]  # fmt: skip


def head(index):
    """Badges, time and machine, navigation: behind each notebook's first sentence."""
    name, title, _ = SERIES[index]
    page = f"{repository()}/blob/main/notebooks/{name}.ipynb"
    opens = " ".join(
        f"[![{place}: notebook {number(name)}, {title}]({image})]({link})"
        for place, image, link in places(index)
    )
    lines = [
        f"{opens} · or read it on [GitHub](https://github.com/{page}) or "
        f"[nbviewer](https://nbviewer.org/github/{page})",
        "",
    ]
    if run := (results() or {}).get("run"):
        told = f"{_machine(run)}{_on_gpu(name)} · {_needs(name)}"
        lines += [f"**{minutes(run, name)}** {told}", ""]
    if not index:
        lines += [
            "For the whole series: Git, Python 3.11 or later, and about 2 GB of packages "
            "(Colab has most of them). By using the models you accept the "
            "[Gemma Terms of Use](https://ai.google.dev/gemma/terms).",
            "",
        ]
    return "\n".join([*lines, navigation(index)])


def _machine(run):
    """The recorded machine, as short as it can be."""
    cpu = re.search(r"(\d+) cores.*CPU only", run["machine"])
    return f"on {cpu[1]} CPU cores" if cpu else f"on {run['machine']}"


def _on_gpu(name):
    """What the notebook took on the recorded card, of those that were run there."""
    recorded = json.loads(GPU.read_text()) if GPU.is_file() else {}
    seconds = recorded.get("notebooks", {}).get(name)
    if seconds is None:
        return " · no GPU needed"
    card = re.search(r"[A-Z]+\d+\w*", recorded["run"]["gpu"])[0]
    took = f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.1f} minutes"
    return f", {took} on an {card} · no GPU needed"


def _needs(name):
    if any("workspace.require" in source for source in code(name)):
        return "opened alone, it first runs the notebooks that it needs"
    return "nothing from other notebooks"


def minutes(run, name):
    """Recorded minutes in words."""
    return front_page.duration(run["minutes"].get(name)).capitalize()


def notebook_rows():
    """What the READMEs' list says of each notebook."""
    return [
        {"name": name, "title": title, "gain": gain, "colab": places(index)[0][2]}
        for index, (name, title, gain) in enumerate(SERIES)
    ]


def json_lines(path):
    """The objects of a file with one a line, none where it is not there."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def runs():
    """The study's runs of the recorded recipe, one a seed."""
    if str(NOTEBOOKS) not in sys.path:
        sys.path.append(str(NOTEBOOKS))
    from toolcalling.study.results import read as records_of

    base = (results() or {}).get("base")
    return [
        run
        for run in records_of(STUDY).values()
        if (run["kind"], run["rows"], run["split"]) == ("ours", 1200, None)
        and run["base"] == base
    ]


def pages(words):
    """{name: content} of every block that a README or a page of docs may hold."""
    bench, gpu, helpdesk = (
        json.loads(path.read_text()) if path.is_file() else None
        for path in (BENCH, GPU, HELPDESK)
    )
    rows = {
        part: json_lines(ROOT / "data" / "tool_selection" / f"{part}.jsonl")
        for part in ("train", "test")
    }
    unseen = json_lines(ROOT / "data" / "unseen_tools" / "prompts.jsonl")
    return front_page.blocks(
        words, results(), bench, gpu, helpdesk, notebook_rows(), runs(), rows, unseen
    )  # fmt: skip


def fill(text, words):
    """A page's text with its generated blocks written anew."""
    made = pages(words)
    for name in re.findall(r"<!-- generated: (\w+) -->", text):
        text = block(text, name, made[name])
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
        owner.rename(sys.argv[2])
    write()
