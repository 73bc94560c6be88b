"""Front page and docs: languages in step, figures from a record, messages that exist."""

import ast
import re

import pytest
import yaml
from markdown_it import MarkdownIt

import front_page
import series
from conftest import ROOT

# Each page and the same in Japanese; docs/hardware.md is in English only.
SAME = {
    name: name.replace(".md", ".ja.md")
    for name in ("README.md", "docs/settings.md", "docs/troubleshooting.md")
}
DOCS = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))
READMES = ("README.md", "README.ja.md")
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in (*READMES, *DOCS)}
ENGLISH = TEXTS["README.md"]
OTHERS = [".github/CONTRIBUTING.md", ".github/CHANGELOG.md", "data/README.md"]
PAGES = [*TEXTS, *OTHERS]
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def sections(text):
    """What comes before the first ## heading, then each section with its heading."""
    return re.split(r"^(?=## )", text, flags=re.M)


def pairs():
    """(English, Japanese) of each section of each page."""
    for name, other in SAME.items():
        yield from zip(sections(TEXTS[name]), sections(TEXTS[other]), strict=True)


def parsed(text):
    """All tokens, those within a line too."""
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or ()


def headings(text):
    return [t.tag for t in parsed(text) if t.type == "heading_open"]


def links(text):
    """Targets in any order, for a sentence's order is the language's."""
    found = [t.attrs["href"] for t in parsed(text) if t.type == "link_open"]
    found = [target.partition("#")[0] for target in found]
    return sorted(target.replace(".ja.md", ".md") for target in found)


def images(text):
    return [t.attrs["src"] for t in parsed(text) if t.type == "image"]


def code(text):
    return [t.content for t in parsed(text) if t.type == "fence"]


def spans(text):
    return {t.content for t in parsed(text) if t.type == "code_inline"}


def tables(text):
    """Cells of each table, row by row."""
    found = []
    tokens = list(MARKDOWN.parse(text))
    for token, following in zip(tokens, tokens[1:], strict=False):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(following.content)
    return found


def figures(text):
    """Numbers, but for those that are part of a name (T4, 270M, Gemma 3, bfloat16)."""
    text = re.sub(r"\]\([^)]*\)|Gemma 3|\.ipynb", "", text)
    return set(re.findall(r"(?<![A-Za-z\d_.-])\d+(?:[.,]\d+)*(?![A-Za-z\d_])", text))


@pytest.mark.parametrize("what", [headings, links, images, code, spans])
def test_both_languages_have_the_same(what):
    for english, japanese in pairs():
        assert what(english) == what(japanese), english[:60]


def test_both_languages_have_the_same_figures():
    for english, japanese in pairs():
        assert figures(english) <= figures(japanese), english[:60]
        # "two tools" and "once" are written with digits in Japanese.
        assert figures(japanese) - figures(english) <= set("12345"), english[:60]


def test_tables_have_the_same_shape():
    for english, japanese in pairs():
        for one, other in zip(tables(english), tables(japanese), strict=True):
            assert [len(row) for row in one] == [len(row) for row in other]
            assert len({len(row) for row in one}) == 1


def test_each_language_links_to_the_other():
    for name, other in SAME.items():
        for own, target in ((name, other), (other, name)):
            assert f"]({target.rpartition('/')[2]})" in TEXTS[own].splitlines()[2]


def test_every_page_of_docs_is_linked_from_the_front_page():
    assert set(links(ENGLISH)) >= {name.replace(".ja.md", ".md") for name in DOCS}


@pytest.mark.parametrize("name", READMES)
def test_the_first_screen_names_the_model_and_has_one_button(name):
    opening, lesson, figures = sections(TEXTS[name])[:3]
    title, _, _, _, first = opening.splitlines()[:5]
    assert "FunctionGemma" in title and "FunctionGemma" in first
    assert [("colab" in src) for src in images(TEXTS[name])] == [True]
    assert "colab.research.google.com" in opening
    assert "generated: transcript" in lesson and "generated: results" in figures
    assert len(code(TEXTS[name])[0].splitlines()) == 2


def test_the_front_page_is_short():
    assert len(re.findall(r"\S*\w\S*", ENGLISH)) < 1300


@pytest.mark.parametrize("page", PAGES)
def test_links_and_images(page):
    path = ROOT / page
    text = path.read_text("utf-8")
    assert headings(text).count("h1") == 1
    for token in parsed(text):
        target = token.attrs.get("href") or token.attrs.get("src")
        if target:
            target = target.partition("#")[0]
            found = target.startswith("https://") or (path.parent / target).exists()
            assert found, target
        if token.type == "image":
            assert len(token.content) > 20, "an alt text says what the image shows"
        if token.type == "text":  # Japanese emphasis is easily left unrendered
            assert "**" not in token.content and "](" not in token.content


@pytest.mark.parametrize("name", front_page.LANGUAGES)
def test_generated_blocks_are_in_step(name):
    assert series.fill(TEXTS[name], front_page.LANGUAGES[name]) == TEXTS[name]


def test_every_block_is_on_a_page():
    used = {
        name
        for page in front_page.LANGUAGES
        for name in re.findall("<!-- generated: (.*?) -->", TEXTS[page])
    }
    assert used == series.pages(front_page.ENGLISH).keys()


# Numbers that prose may hold, and why.
ALLOWED = {
    "95": "the level of every interval",
    "3.11": "the oldest Python that the Makefile takes",
    "2": "GB of packages, roughly; in Japanese two tools; rows of a pair",
    "1": "in Japanese the articles", "3": "rows of a triple; steps to FunctionGemma",
    "4": "bits of the packaged weights", "8": "GB of packages, cache and one training"
}  # fmt: skip


@pytest.mark.parametrize("name", READMES)
def test_prose_types_no_figure(name, task):
    rows = {f"{len(part):,}" for part in task.rows.values()}
    prose = re.sub(
        r"<!-- generated.*?end of generated -->", "", TEXTS[name], flags=re.S
    )
    prose = re.sub(r"```.*?```|`[^`]*`|^\d\. ", "", prose, flags=re.S | re.M)
    prose = re.sub(
        r"(?:notebooks? |ノートブック)\d\d(?:(?: to |〜)\d\d)?", "", prose, flags=re.I
    )
    assert figures(prose) <= ALLOWED.keys() | rows
    assert "(3, 11)" in (ROOT / "Makefile").read_text()


def strings(source):
    """Texts of a Python source, what is filled in as a \\0."""
    tree = ast.parse(re.sub(r"^%.*$", "", source, flags=re.M))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", None) for part in node.values)
            yield "".join(part if isinstance(part, str) else "\0" for part in parts)


def sources():
    """Every text that a reader may see as a message."""
    for path in series.PACKAGE.rglob("*.py"):
        yield from strings(path.read_text("utf-8"))
    for name, *_ in series.SERIES:
        for cell in series.read(series.NOTEBOOKS / f"{name}.ipynb").cells:
            if cell.cell_type == "code":
                yield from strings(cell.source)
    yield (ROOT / "Makefile").read_text("utf-8")


def messages(text):
    """The quoted messages of the table of troubles."""
    return [row[0][1:-1] for row in tables(text)[0][1:] if row[0].startswith("`")]


def test_the_messages_exist():
    english, japanese = (
        messages(TEXTS[f"docs/troubleshooting{end}.md"]) for end in ("", ".ja")
    )
    assert english == japanese and len(english) > 15
    known = list(sources())
    for message in english:
        pattern = re.compile(".+".join(map(re.escape, message.split("…"))), re.S)
        assert any(map(pattern.search, known)), f"no code says: {message}"


def test_the_variables_exist():
    text = "\n".join(sources())
    named = set(re.findall(r"TOOLCALLING_\w+", "".join(TEXTS.values())))
    assert named and all(variable in text for variable in named)


def test_the_citation():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    # Required by the Citation File Format 1.2.0.
    assert {"authors", "cff-version", "message", "title"} <= cited.keys()
    assert cited["cff-version"] == "1.2.0" and cited["type"] in ("software", "dataset")
    assert cited["message"] and cited["title"] == ENGLISH.splitlines()[0][2:]
    assert cited["authors"] and all(author["name"] for author in cited["authors"])
    assert cited["license"] == "Apache-2.0"
    assert cited["repository-code"] == f"https://github.com/{series.repository()}"
    assert f"## {cited['version']}" in (ROOT / ".github/CHANGELOG.md").read_text(
        "utf-8"
    )


def test_commands_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        for command in spans((ROOT / page).read_text("utf-8")):
            for target in re.findall(r"^make ([a-z-]+)", command):
                assert target in targets, command
