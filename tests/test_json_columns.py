"""Rows come out of a Dataset as they went in, also where datasets has no Json."""

import subprocess
import sys

import pytest

from conftest import ROOT

ROWS = """
import sys
sys.path.insert(0, "notebooks")
import datasets
if {without}:
    del datasets.Json
from toolcalling import tasks
from toolcalling.rows.json_columns import Json

def row(calls, tools=()):
    calls = [{{"type": "function", "function": {{"name": n, "arguments": a}}}}
             for n, a in calls]
    return {{"prompt": [{{"role": "user", "content": "x"}}],
            "completion": [{{"role": "assistant", "tool_calls": calls}}],
            "tools": list(tools)}}

rows = [
    row([("f", {{"x": "a"}}), ("g", {{"x": 3, "z": [1.5, True]}})], [{{"q": {{}}}}]),
    row([("h", {{}})], [{{"other": ["r"]}}, {{"q": {{"x": 1}}}}]),
    {{**row([]), "completion": [{{"role": "assistant", "content": "no"}}]}},
]
made = tasks.dataset(rows)
assert list(made) == rows and made[1]["tools"] == rows[1]["tools"]
again = made.map(lambda row: {{"n": len(row["tools"])}})
assert again["n"][:] == [1, 2, 0]
assert Json.__module__.startswith("toolcalling") == {without}
try:
    tasks.dataset([row([("f", {{"x": None}})])])
except RuntimeError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize("without", [False, True])
def test_rows_come_out_as_they_went_in(without):
    done = subprocess.run(
        [sys.executable, "-c", ROWS.format(without=without)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ("a call holds a null" in done.stdout.lower()) == without
