"""A saved model behind `transformers serve`: started, asked whether it is well, stopped.

Any OpenAI client can then talk to it on this machine.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
# Its input ends when this program does, even if killed: then the server ends too.
_START = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from transformers.cli.transformers import main
main()
"""
NEEDED = "fastapi uvicorn openai"  # what transformers[serving] adds to this series' own


@dataclass(frozen=True)
class Server:
    """base_url and model: as openai.OpenAI and its requests take them."""

    base_url: str
    model: str
    _log: object

    def log(self):
        """What the server has printed so far."""
        self._log.flush()
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")


@contextmanager
def serving(folder, port=0, wait=180, device="auto"):
    """Yields a Server of the model in folder once it is well; stops it afterwards.

    port: 0 for any free one. wait: seconds until it must be well. device: as
    `transformers serve` takes it. RuntimeError where packages are missing, the port
    is taken, or the server does not come up.
    """
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        raise RuntimeError(
            f"`transformers serve` needs more packages. Run: pip install {NEEDED}"
        )
    folder, port = Path(folder).resolve(), _free(port)
    if not (folder / "config.json").is_file():
        raise RuntimeError(
            f"There is no model in {folder.name!r}. Name a folder that notebook 04 or "
            "models.save_model wrote."
        )
    command = [sys.executable, "-c", _START, "serve", str(folder), "--host", HOST,
               "--port", str(port), "--device", device]  # fmt: skip
    # A folder needs no Hub; without it nothing waits for a network.
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with tempfile.NamedTemporaryFile(prefix="serve-", suffix=".log") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
            env=env,
        )  # fmt: skip
        server = Server(f"http://{HOST}:{port}/v1", str(folder), log)
        try:
            _until_well(process, port, time.monotonic() + wait, server)
            yield server
        finally:
            _stop(process)


def _stop(process, patience=10):
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free(port):
    """The port, or a free one for 0; RuntimeError where somebody listens there."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise RuntimeError(
                f"Port {port} cannot be had ({error.strerror}). Choose another, or 0 "
                "for any free one."
            ) from error
        return trial.getsockname()[1]


def _until_well(process, port, until, server):
    while process.poll() is None and time.monotonic() < until:
        if is_well(port):
            return
        time.sleep(0.2)
    said = server.log().strip().splitlines() or ["nothing"]
    raise RuntimeError(f"The server did not come up. It said last: {said[-1]}")


def is_well(port):
    """Does a server on this machine answer its health check?"""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False
