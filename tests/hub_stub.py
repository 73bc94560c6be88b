"""Servers on this machine that play the Hub, or something in its way."""

import json
import os
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import close_session, constants

from toolcalling import models

PUBLIC = "unsloth/functiongemma-270m-it"
SECRET = "hf_abcDEF123"
COMMIT = "0" * 39 + "1"


def hang_up(connection, answer):
    """Send it and close. What still comes is read first: else the close is a reset,
    and whether the answer or the reset is seen is a matter of luck."""
    connection.settimeout(2)
    try:
        connection.recv(65536)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    except OSError:  # the client was first, or says nothing for long
        pass
    connection.close()


@contextmanager
def server(answer):
    """Address of a server that sends these bytes to each request and hangs up.

    b"": it hangs up without a word. None: it never answers.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    held = []

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            held.append(connection)
            if answer is not None:
                hang_up(connection, answer)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield "http://{}:{}".format(*listening.getsockname())
    finally:
        for each in (listening, *held):
            each.close()


def http(status, body=b"<html>Sign in</html>", kind="text/html", **headers):
    """An HTTP answer as bytes."""
    headers = {"Content-Type": kind, "Content-Length": len(body),
               "Connection": "close", **headers}  # fmt: skip
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def hub(repo, folder, refuse=None):
    """Address of a Hub that has one public model, the folder's files.

    refuse: (status, X-Error-Code) of every answer about access.
    """

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = self.path.partition("?")[0]
            file = folder / path.rpartition("/")[2]
            if path.startswith("/api/") and refuse:
                self.say(refuse[0], b"{}", X_Error_Code=refuse[1])
            elif path == f"/api/models/{repo}/auth-check":
                self.say(200, b"OK")
            elif path == f"/api/models/{repo}":
                self.say(200, json.dumps({"id": repo, "siblings": []}).encode())
            elif path == f"/{repo}/resolve/main/{file.name}" and file.is_file():
                content = file.read_bytes()
                self.say(200, content, X_Repo_Commit=COMMIT, ETag=f'"{file.name}"')
            else:
                self.say(404, b"{}", X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)

        do_HEAD = do_GET

        def say(self, status, content, **headers):
            self.send_response(status)
            headers["Content-Length"] = len(content)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=running.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield "http://{}:{}".format(*running.server_address)
    finally:
        running.shutdown()
        running.server_close()


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """No proxies, no choice, a token; HTTP clients made anew."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("TOOLCALLING_MODEL", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", SECRET)
    close_session()
    yield
    close_session()


def at(monkeypatch, endpoint, proxy=None):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)


def refused_and_fallen_back(capsys):
    """The reason: without a choice it is printed, with one it is raised."""
    assert models.choose_model().source == models.EMBEDDED
    printed = capsys.readouterr().out
    with pytest.raises(RuntimeError, match="was chosen but can't be had: ") as caught:
        models.choose_model(PUBLIC)
    reason = str(caught.value).partition("can't be had: ")[2]
    # Asked twice, a broken connection may break in two ways: what it begins with counts.
    assert f"FunctionGemma: {reason.partition('(')[0].partition('.')[0]}" in printed
    assert SECRET not in printed + str(caught.value)
    return reason
