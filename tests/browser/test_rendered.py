"""Notebooks and READMEs as GitHub draws them, on a desktop and on a phone."""

import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest

import github_page
import series

PAGES = sorted(
    [f"notebooks/{name}.ipynb" for name, *_ in series.SERIES]
    + [
        p.relative_to(series.ROOT).as_posix()
        for pattern in ("*.md", "docs/*.md")
        for p in series.ROOT.glob(pattern)
    ]
    + ["data/README.md"]
)
VAGUE = re.compile(
    r"(click )?here|link|this|this (link|page)|(read |learn )?more|details|https?:.*|",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def site():
    return github_page.Site(series.ROOT)


@pytest.fixture(scope="module", params=list(github_page.WIDTHS))
def width(request):
    return request.param


@pytest.fixture(scope="module", params=PAGES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def page(browser, site, width, name):
    """The page, loaded with all its images; its screenshot is in artifacts/."""
    github_page.html(series.ROOT / name)  # kept; an error shows here
    size = {"width": github_page.WIDTHS[width], "height": 900}
    site.missing.clear()
    page = browser.new_page(viewport=size)
    page.route("**/*", site.answer)
    page.goto(github_page.BASE + name, wait_until="load")
    folder = series.ROOT / "artifacts" / "screenshots"
    page.screenshot(
        path=folder / f"{name.replace('/', '-').rpartition('.')[0]}-{width}.png",
        full_page=True,
    )
    yield page
    page.close()


def too_wide(page, selector):
    """Text of the elements whose content is wider than they are, by how much."""
    return page.eval_on_selector_all(
        selector,
        """nodes => nodes.filter(n => n.scrollWidth > n.clientWidth + 1)
            .map(n => `${n.scrollWidth - n.clientWidth} px: ${n.innerText.slice(0, 80)}`)
        """,
    )


def test_the_page_never_scrolls_sideways(page):
    assert not too_wide(page, "html")


def test_code_needs_no_scrolling_on_a_desktop(page, width):
    if width == "desktop":
        assert not too_wide(page, ".input_area pre, .text_cell pre")
    blocks = page.eval_on_selector_all(
        ".input_area pre, .text_cell pre", "nodes => nodes.map(n => n.textContent)"
    )
    # The first cell, folded in Colab and Jupyter, is short rather than narrow.
    lines = "\n".join(b for b in blocks if series.BOOTSTRAP not in b).splitlines()
    assert [line for line in lines if len(line) > 79] == []


def test_tables_fit_a_desktop(page, width):
    if width == "desktop":
        assert not too_wide(page, ".text_cell table, .output_html")


def test_the_front_page_fits_a_phone(page, width, name):
    if width != "phone" or not name.startswith("README"):
        pytest.skip("the front page on a phone")
    assert not too_wide(page, ".text_cell table")
    button = page.locator("a[href*='colab'] img").first.bounding_box()
    assert button["y"] + button["height"] < 800
    # A column of one character a line is 6 lines high for a word of 6.
    assert not page.eval_on_selector_all(
        "td, th", "nodes => nodes.filter(n => n.clientWidth < 50).map(n => n.innerText)"
    )


def test_images_are_there_and_described(page, site):
    images = page.eval_on_selector_all(
        "img",
        """nodes => nodes.map(n => ({source: n.getAttribute("src").slice(0, 80),
            width: n.naturalWidth, alt: n.alt, output: !!n.closest(".output")}))""",
    )
    assert site.missing == []
    assert [image for image in images if not image["width"]] == []
    # A sentence, in any language. An output's image can carry none on GitHub.
    assert [i for i in images if not i["output"] and len(i["alt"]) < 20] == []


def test_headings_are_an_outline(page):
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4, h5, h6", "nodes => nodes.map(n => Number(n.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    for above, below in zip(levels, levels[1:]):
        assert below <= above + 1, levels


SCREEN = 900  # px: what a desktop shows at once


def test_a_notebook_is_a_few_screens_long(page, width, name):
    """At most 10 for a lesson, 14 for what goes beyond; an output on the first one."""
    if width != "desktop" or not name.endswith(".ipynb"):
        pytest.skip("notebooks on a desktop")
    long = re.search(r"notebooks/(0[789]|10)", name)
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= (14 if long else 10) * SCREEN, f"{height / SCREEN:.1f} screens"
    output = page.locator(".output_area").first.bounding_box()
    assert output["y"] <= SCREEN, f"first output at {output['y']:.0f} px"


def links(page):
    """[(text or description of its image, target)]"""
    return page.eval_on_selector_all(
        "a[href]",
        """nodes => nodes.map(n => [(n.innerText.trim()
            || n.querySelector("img")?.alt || "").trim(), n.getAttribute("href")])""",
    )


def test_links_say_where_they_lead(page):
    assert [(t, to) for t, to in links(page) if VAGUE.fullmatch(t)] == []


def test_links_within_the_repository_lead_somewhere(page, name, site):
    broken = []
    for _, target in links(page):
        url = urlsplit(urljoin(github_page.BASE + name, target))
        if not url.geturl().startswith(github_page.BASE):
            continue
        file = unquote(url.path).strip("/")
        found = file in site.files or any(f.startswith(f"{file}/") for f in site.files)
        if not found or (
            url.fragment
            and unquote(url.fragment) not in github_page.anchors(series.ROOT / file)
        ):
            broken.append(target)
    assert broken == []
