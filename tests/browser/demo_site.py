"""The browser's page of docs/demo as a site of its own, and wllama from npm."""

import mimetypes
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import series

PAGE = series.ROOT / "docs" / "demo" / "index.html"
SITE = "https://series.example/demo/"
CDN = "https://cdn.jsdelivr.net/npm/@wllama/"


def version():
    """Of wllama, as the page pins it."""
    return re.search(r'const VERSION = "([\d.]+)"', PAGE.read_text())[1]


def packages():
    """Folder of wllama's two packages as npm installs them; fetched once."""
    pinned = version()
    kept = Path(tempfile.gettempdir(), f"toolcalling-wllama-{pinned}")
    folder = kept / "node_modules" / "@wllama"
    names = ("wllama", "wllama-compat")
    if not all((folder / name / "package.json").is_file() for name in names):
        assert shutil.which("npm"), "npm fetches wllama for this test. Install Node.js."
        subprocess.run(
            ["npm", "install", "--prefix", kept, "--ignore-scripts", "--no-audit",
             "--no-fund", "--silent", *(f"@wllama/{name}@{pinned}" for name in names)],
            check=True, timeout=300,
        )  # fmt: skip
    return folder


class Site:
    """Playwright's handler for every request: the page and wllama, else nothing.

    asked: the addresses of the requests. changed: {part of an address: bytes, or None
    where it cannot be reached}. headers: that come with the page.
    """

    def __init__(self, folder, headers=None):
        self.folder, self.headers = folder, headers or {}
        self.asked, self.changed = [], {}

    def answer(self, route):
        address = route.request.url
        self.asked.append(address)
        for part, body in self.changed.items():
            if part in address:
                return route.fulfill(body=body) if body else route.abort()
        if address.startswith(CDN):
            name = address.removeprefix(CDN).replace(f"@{version()}/", "/")
            return self._file(route, self.folder / name)
        if address.startswith(f"{SITE}packages/"):
            path = urlsplit(address).path
            return self._file(route, self.folder / path.partition("packages/")[2])
        if address.partition("?")[0] == SITE:
            return self._file(route, PAGE)
        return route.abort()

    def _file(self, route, path):
        kind, _ = mimetypes.guess_type(path)
        headers = {**self.headers, "Access-Control-Allow-Origin": "*"}
        route.fulfill(body=path.read_bytes(), content_type=kind, headers=headers)
