"""The browser, and addresses for servers."""

import os
import socket

import pytest
from playwright.sync_api import sync_playwright

from series import ROOT  # noqa: F401  (tests beside this folder take it from conftest)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium (scripts/install_chromium installs it), or the one $CHROMIUM names."""
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    assert os.access(path, os.X_OK), (
        "There is no Chromium here. Run scripts/install_chromium, or name one in CHROMIUM."
    )
    with sync_playwright() as playwright:
        # A container's root may not make Chromium's sandbox; the pages are our own.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def free_port():
    """A function that gives a port nobody listens on."""

    def find():
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    return find
