"""Latency and load of a served model: p50, p95, replies a second, the server's memory.

load.py serve FOLDER      a saved model, or its export, behind `transformers serve`
load.py ask URL MODEL     a server that runs already; URL ends in /v1

Clients on this machine ask the test questions of a task (--task), each its next one as
soon as it has an answer. The figures are printed as JSON. They hold for this machine
and for what else runs on it.
"""

import argparse
import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "notebooks")]

CLIENTS = (1, 4, 16)
TOKENS = 160  # of a reply, at the most


def measure(base_url, model, conversations, clients, n):
    """Ask n questions by so many clients at once.

    conversations: [{"prompt", "tools"}], begun anew where n is larger. Returns
    {"clients", "n", "p50_ms", "p95_ms", "replies_a_second"}; the 95th percentile is
    one of the times taken, of fewer than 20 the longest. RuntimeError where a question
    is not answered.
    """
    import numpy as np
    import openai

    def ask(conversation):
        start = time.perf_counter()
        client.chat.completions.create(
            model=model, messages=conversation["prompt"], tools=conversation["tools"],
            temperature=0, max_tokens=TOKENS,
        )  # fmt: skip
        return 1000 * (time.perf_counter() - start)

    questions = islice(cycle(conversations), n)
    client = openai.OpenAI(base_url=base_url, api_key="-", max_retries=0)
    start = time.perf_counter()
    try:
        with client, ThreadPoolExecutor(clients) as pool:
            times = list(pool.map(ask, questions))
    except openai.OpenAIError as error:
        raise RuntimeError(
            f"With {clients} clients a question was not answered: {error}"
        ) from error
    taken = time.perf_counter() - start
    return {
        "clients": clients, "n": n,
        "p50_ms": round(float(np.median(times))),
        "p95_ms": round(float(np.quantile(times, 0.95, method="higher"))),
        "replies_a_second": round(n / taken, 3),
    }  # fmt: skip


def load(base_url, model, conversations, n):
    """A measure for each of CLIENTS, after one question that is not counted.

    n: questions for one of them, raised to the number of clients where that is more.
    """
    measure(base_url, model, conversations, 1, 1)
    return [measure(base_url, model, conversations, c, max(c, n)) for c in CLIENTS]


def served(folder, conversations, n, **options):
    """load of `transformers serve` on a folder, and the server's peak memory in MB.

    options: of share.serve.serving.
    """
    from toolcalling.share.serve import serving

    with serving(folder, **options) as server:
        steps = load(server.base_url, server.model, conversations, n)
    return {"steps": steps, "peak_mb": peak_of_children()}


def peak_of_children():
    """Peak resident memory of the largest process that we started and ended, in MB."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024))


def main(arguments):
    """The figures, printed as one JSON block."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("server", choices=("serve", "ask"))
    parser.add_argument("what", help="a folder or an address")
    parser.add_argument("model", nargs="?", default="model", help="its name, for ask")
    parser.add_argument("--task", default="helpdesk")
    parser.add_argument("--n", type=int, default=32, help="questions, for each step")
    given = parser.parse_args(arguments)

    from toolcalling import hardware, tasks

    asked = tasks.load_task(given.task, log=lambda note: None).conversations("test")
    try:
        if given.server == "ask":
            found = {"steps": load(given.what, given.model, asked, given.n)}
        else:
            found = served(given.what, asked, given.n)
    except RuntimeError as error:
        sys.exit(str(error))
    machine = {"machine": str(hardware.detect()), "busy": os.getloadavg()[0]}
    print(json.dumps({"server": given.server, **found, **machine}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
