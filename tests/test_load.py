"""The load test: what it measures, against a server that answers when it is told to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import load

SLOW = 0.2
QUESTION = {"prompt": [{"role": "user", "content": "Hi"}], "tools": []}
REPLY = {
    "id": "1", "object": "chat.completion", "created": 0, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "Hi"}}],
}  # fmt: skip


@pytest.fixture
def server():
    """(address, what came in, how many at once at the most); one reply at a time."""
    pytest.importorskip("openai")
    seen, open_now, most, turn = [], [], [0], threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(size))
            open_now.append(1)
            most[0] = max(most[0], len(open_now))
            with turn:
                time.sleep(SLOW)
            open_now.pop()
            seen.append(body)
            broken = body["model"] == "broken"
            self.send_response(500 if broken else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(REPLY).encode())

        def log_message(self, *arguments):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    http = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/v1", seen, most
    http.shutdown()
    http.server_close()


def test_clients_ask_at_once_and_wait_for_each_other(server):
    address, seen, most = server
    one = load.measure(address, "m", [QUESTION], 1, 4)
    assert most == [1] and len(seen) == 4
    four = load.measure(address, "m", [QUESTION], 4, 8)
    assert 2 <= most[0] <= 4 and len(seen) == 12
    # The server takes one at a time: a queue of four waits, and nobody gains.
    assert one["p50_ms"] >= 1000 * SLOW and four["p95_ms"] >= 2 * 1000 * SLOW
    for step in (one, four):
        assert step["p50_ms"] <= step["p95_ms"]
        assert 0 < step["replies_a_second"] <= 1 / SLOW
    assert (four["clients"], four["n"]) == (4, 8)
    assert seen[0]["messages"] == QUESTION["prompt"] and seen[0]["temperature"] == 0


def test_every_step_asks_at_least_one_question_a_client(server):
    address, seen, _ = server
    steps = load.load(address, "m", [QUESTION], 2)
    assert [(s["clients"], s["n"]) for s in steps] == [(1, 2), (4, 4), (16, 16)]
    assert len(seen) == 1 + 2 + 4 + 16  # one that warms up


def test_a_question_without_an_answer_is_told(server):
    with pytest.raises(RuntimeError, match="With 2 clients a question was not"):
        load.measure(server[0], "broken", [QUESTION], 2, 4)


def test_no_server_there():
    pytest.importorskip("openai")
    with pytest.raises(RuntimeError, match="not answered"):
        load.measure("http://127.0.0.1:9/v1", "m", [QUESTION], 1, 1)


def test_the_block_of_a_served_model(taught, capsys, monkeypatch):
    pytest.importorskip("fastapi")
    pytest.importorskip("openai")
    monkeypatch.setattr(load, "TOKENS", 8)
    load.main(["serve", str(taught), "--n", "2"])
    block = json.loads(capsys.readouterr().out)
    assert [step["clients"] for step in block["steps"]] == [1, 4, 16]
    assert block["peak_mb"] > 100 and block["server"] == "serve"
