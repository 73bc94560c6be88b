"""A notebook or Markdown file as a page like GitHub's: static HTML, column and tables.

The style sheet is our own; it takes over what decides whether a page fits: the width
of the column, code that scrolls in its block, tables that scroll in theirs, printed
text that wraps.
"""

import functools
import mimetypes
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

BASE = "https://series.example/"
WIDTHS = {"desktop": 1280, "phone": 390}
LIVE = ("script", "style", "link", "iframe", "object", "embed", "form", "input")
WIDGETS = "application/vnd.jupyter.widget-view+json"
# In place of badges and the like, which are elsewhere on the web.
REMOTE_IMAGE = """<svg xmlns="http://www.w3.org/2000/svg" width="117" height="20">
<rect width="117" height="20" fill="#bbb"/></svg>"""

STYLE = """
* { box-sizing: border-box; }
body { margin: 0; color: #1f2328; background: #fff;
       font: 16px/1.5 "Liberation Sans", Arial, sans-serif; overflow-wrap: anywhere; }
main { max-width: 1012px; margin: 0 auto; padding: 32px; }
img { max-width: 100%; }
pre, code { font: 13.6px/1.45 "Liberation Mono", monospace; }
code { background: #eff1f3; border-radius: 6px; padding: .2em .4em; }
pre { margin: 0 0 16px; padding: 16px; overflow-x: auto; background: #f6f8fa; }
pre code { padding: 0; background: none; }
.prompt { color: #59636e; font: 12px monospace; width: 90px; padding: 16px 8px 0 0;
          text-align: right; flex: none; }
.cell, .input, .output_area { display: flex; }
.cell { flex-direction: column; }
.inner_cell, .output_subarea { flex: 1; min-width: 0; }
.text_cell > .prompt { display: none; }
.code_cell { margin-bottom: 16px; }
.output_area pre { background: none; white-space: pre-wrap; }
.output_html { overflow-x: auto; }
.output_html, .output_png { padding: 8px 16px; }
table { border-collapse: collapse; margin-bottom: 16px; overflow-wrap: normal; }
.text_cell table { display: block; width: max-content; max-width: 100%;
                   overflow-x: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; }
.dataframe th, .dataframe td { padding: 4px 8px; font-size: 12px; text-align: right; }
blockquote { margin: 0; padding: 0 1em; border-left: 4px solid #d1d9e0; }
h1, h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; line-height: 1.25; }
@media (max-width: 600px) { main { padding: 16px; } .prompt { display: none; } }
"""


@functools.cache
def html(path):
    """The page of a notebook or Markdown file, without anything that runs."""
    if path.suffix == ".md":
        cell = nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"))
        book = nbformat.v4.new_notebook(cells=[cell])
    else:
        book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGETS, None)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(book)
    soup = BeautifulSoup(body, "html.parser")
    for node in soup.find_all([*LIVE, "a"]):
        if node.name in LIVE or "anchor-link" in node.get("class", ()):
            node.decompose()
    for node in soup.find_all(True):
        node.attrs = {
            name: value
            for name, value in node.attrs.items()
            if not name.startswith("on") and name != "style"
        }
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{path.name}</title><style>{STYLE}</style><main>{soup}</main>"
    )


def anchors(path):
    """What `#...` may say behind a link to this file, as GitHub names headings."""
    soup = BeautifulSoup(html(path), "html.parser")
    headings = soup.find_all(re.compile("^h[1-6]$"))
    if path.suffix == ".ipynb":
        return {unquote(heading["id"]) for heading in headings}
    texts = [heading.get_text().strip().lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def repository_files(root):
    """Paths below root, as GitHub would have them: nothing that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if listed.returncode:  # an unpacked archive
        return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    return {name for name in listed.stdout.splitlines() if (root / name).is_file()}


class Site:
    """The repository's files at BASE, notebooks and Markdown as pages.

    missing: files that a page asked for in vain.
    """

    def __init__(self, root):
        self.root, self.files, self.missing = root, repository_files(root), []

    def answer(self, route):
        """Playwright's handler for every request of a page."""
        url = urlsplit(route.request.url)
        name = unquote(url.path).lstrip("/")
        if not route.request.url.startswith(BASE):
            route.fulfill(body=REMOTE_IMAGE, content_type="image/svg+xml")
        elif name not in self.files:
            self.missing.append(name)
            route.fulfill(status=404)
        elif Path(name).suffix in (".md", ".ipynb"):
            route.fulfill(body=html(self.root / name), content_type="text/html")
        else:
            kind, _ = mimetypes.guess_type(name)
            route.fulfill(body=(self.root / name).read_bytes(), content_type=kind)
