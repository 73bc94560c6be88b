"""TensorBoard on a run's log: its page shows the charts and the sample replies."""

import io
import re
import subprocess
import sys
import time

import pytest
from PIL import Image

from jupyter_lab import MINUTE, wait_for

SCALARS = ["train/loss", "train/learning_rate", "dev/correct", "dev/no_call"]
REPLY = "<start_function_call>call:search_google{query:<escape>VAT<escape>}"


@pytest.fixture(scope="module")
def address(tmp_path_factory, free_port):
    """Of TensorBoard, serving a small log as notebook 04 writes one."""
    from torch.utils.tensorboard import SummaryWriter

    folder = tmp_path_factory.mktemp("training") / "runs"
    with SummaryWriter(str(folder)) as log:
        for step in range(1, 21):
            log.add_scalar("train/loss", 1 / step, step)
            log.add_scalar("train/learning_rate", 5e-5 * (1 - step / 20), step)
        for epoch in (1, 2):
            log.add_scalar("dev/correct", 30 * epoch, 10 * epoch)
            log.add_scalar("dev/no_call", 20 / epoch, 10 * epoch)
            log.add_text("dev/replies", f"    {REPLY}", 10 * epoch)
    port = free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder),
               "--port", str(port), "--load_fast=false"]  # fmt: skip
    with (folder.parent / "server.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    wait_for(f"http://127.0.0.1:{port}", server)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=60)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(MINUTE)
    yield page
    page.close()


@pytest.mark.parametrize("tag", SCALARS)
def test_scalars_are_charts(page, address, tag):
    page.goto(f"{address}/#timeseries")
    name = re.compile(tag.replace("/", r"\s*/"))
    chart = page.locator("card-view").filter(has_text=name).locator("line-chart")
    chart.scroll_into_view_if_needed()
    chart.locator(".x-axis text").first.wait_for()
    end = time.monotonic() + 20
    while darkest(chart.locator("canvas")) > 120:
        assert time.monotonic() < end, "no curve was drawn"
        page.wait_for_timeout(200)


def darkest(chart):
    """The darkest grey, 0 to 255: the curve is dark, the grid behind it light.

    Not at the right, where a marker stands at the last step.
    """
    image = Image.open(io.BytesIO(chart.screenshot())).convert("L")
    return image.crop((0, 0, image.width * 3 // 4, image.height)).getextrema()[0]


def test_sample_replies_are_text_with_their_control_tokens(page, address):
    page.goto(f"{address}/#text")
    replies = page.get_by_text(REPLY)
    replies.first.wait_for()
    assert replies.count() == 2  # one an epoch
    assert page.get_by_text("step 20").is_visible()
