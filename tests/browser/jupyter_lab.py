"""A JupyterLab server on a copy of the checkout, and what a reader does in its page."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from urllib.error import URLError

import nbformat

from checkouts import copy_checkout

MINUTE = 60_000  # Playwright counts in milliseconds
# All cells are in the page, seen or not; no questions about news.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false"},
}
# Of the notebook in front: its kernel is there and rests; and if a code cell is given,
# it has run and all it gave is drawn. The page shows no sign of the last of these.
# With orFailed an error in any cell will do: the cells behind it never run.
SETTLED = """([number, orFailed]) => {
    const panel = window.jupyterapp?.shell.currentWidget;
    if (panel?.sessionContext?.session?.kernel?.status !== "idle") return false;
    if (number === null) return true;
    const cells = panel.content.widgets.filter(w => w.model.type === "code");
    const outputs = w => w.model.outputs.toJSON();
    const drawn = w => w.node.querySelectorAll(".jp-OutputArea-output").length;
    if (!cells.every(w => drawn(w) === outputs(w).length)) return false;
    if (orFailed && cells.some(w => outputs(w).some(o => o.output_type === "error")))
        return true;
    const model = cells[number].model;
    return model.executionState === "idle" && model.executionCount !== null;
}"""
# How far every progress bar of the page has been seen, twenty times a second.
WATCH_PROGRESS = """() => {
    window.progressSeen = new Set();
    setInterval(() => {
        for (const bar of document.querySelectorAll(".jp-OutputArea progress"))
            window.progressSeen.add(`training ${bar.value} of ${bar.max}`);
        for (const text of document.querySelectorAll(".jp-OutputArea pre"))
            for (const found of text.textContent.matchAll(/\\d+\\/\\d+ \\[[^\\]]*reply/g))
                window.progressSeen.add(`replies ${found[0].split(" ")[0]}`);
    }, 50);
}"""


class Lab:
    """The server: JupyterLab for a copy of the checkout in folder, outputs cleared.

    environment: for the server and its kernels, beside what keeps them out of the
    user's own Jupyter and IPython folders.
    """

    def __init__(self, folder, port, environment):
        self.folder = folder
        self.address, self.token = f"http://127.0.0.1:{port}", "for-this-test-alone"
        self.record = {}  # name: the committed notebook
        kernels = copy_checkout(folder)
        for path in (folder / "notebooks").glob("*.ipynb"):
            self.record[path.stem] = nbformat.read(path, as_version=4)
            bare = nbformat.read(path, as_version=4)
            for cell in bare.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            nbformat.write(bare, path)
        for name, content in SETTINGS.items():
            path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        own = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data_of_jupyter",
            "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }  # fmt: skip
        self.environment = {
            **os.environ,
            **{name: str(folder / place) for name, place in own.items()},
            "JUPYTER_PATH": str(kernels), **environment,
        }  # fmt: skip
        self.environment.pop("TQDM_DISABLE", None)
        self.port = port

    def __enter__(self):
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder}", "--expose-app-in-browser",
        ]  # fmt: skip
        with (self.folder / "server.log").open("w") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(f"{self.address}/api?token={self.token}", self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()  # takes its kernels along
        self.process.wait(timeout=60)

    def open(self, browser, name):
        """A Notebook: the page with that notebook and a kernel of its own."""
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(2 * MINUTE)
        page.goto(
            f"{self.address}/lab/tree/notebooks/{name}.ipynb?token={self.token}&reset"
        )
        return Notebook(page, self.record[name])


def wait_for(address, process, seconds=60):
    """Return when something answers at the address; AssertionError if it ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"The server ended with {process.returncode}."
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"Nothing answers at {address}.")


class Notebook:
    """What a reader sees and does in one open notebook.

    Code cells are named by a line in them, as the reader finds them.
    """

    def __init__(self, page, record):
        self.page = page
        self.code = [c for c in record.cells if c.cell_type == "code"]
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        self.cells.nth(len(self.code) - 1).wait_for()
        self.settled()
        page.evaluate(WATCH_PROGRESS)

    def settled(self, number=None, or_failed=False, minutes=3):
        """Wait until the kernel rests and, if one is named, the code cell has run."""
        self.page.wait_for_function(
            SETTLED, arg=[number, or_failed], timeout=minutes * MINUTE
        )

    def menu(self, title, item):
        self.page.get_by_role("menuitem", name=title, exact=True).click()
        self.page.get_by_role("menuitem", name=item).first.click()

    def number(self, line):
        """Place among the code cells of the first that has this line."""
        return next(i for i, c in enumerate(self.code) if line in c.source)

    def run_all(self, minutes):
        """Run all cells; returns when the last one has run, or one has failed."""
        self.menu("Run", "Run All Cells")
        self.settled(len(self.code) - 1, or_failed=True, minutes=minutes)

    def run(self, line):
        """Select the cell with that line and run it; returns its outputs."""
        number = self.number(line)
        before = self.counts()[number]
        self.cells.nth(number).locator(".jp-InputPrompt").click()
        self.cells.nth(number).and_(self.page.locator(".jp-mod-active")).wait_for()
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(
            """([n, before]) => document.querySelectorAll(
                ".jp-Notebook .jp-CodeCell .jp-InputPrompt"
            )[n].innerText.trim() !== before""",
            arg=[number, before],
        )
        self.settled(number)
        return self.outputs(number)

    def counts(self):
        """The prompt at each code cell: "[3]:", or "[ ]:" where it has not run."""
        prompts = self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
        return [text.strip() for text in prompts.all_inner_texts()]

    def outputs(self, number):
        """[(kind, text)] below a code cell; kind: "error", "stderr", "stdout", ...

        The text is what the page shows; error and stderr look alike there, so the
        kind is asked of JupyterLab.
        """
        return self.page.evaluate(
            """number => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const code = notebook.widgets.filter(w => w.model.type === "code");
                const shown = [...code[number].node.querySelectorAll(
                    ".jp-OutputArea-output")].map(n => n.innerText);
                return code[number].model.outputs.toJSON().map((output, i) =>
                    [output.name ?? output.output_type, shown[i]]);
            }""",
            number,
        )

    def progress(self):
        """What progress bars have shown so far, in order: "training 7 of 50"."""
        return self.page.evaluate("[...window.progressSeen]")
