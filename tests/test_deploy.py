"""deploy.py: every route on the same prompts, beside the original."""

import json
import sys
from contextlib import contextmanager

import pytest

from conftest import ROOT
from toolcalling.calls import FunctionCall, render_call

sys.path.insert(0, str(ROOT / "scripts"))
import deploy  # noqa: E402
import runtimes  # noqa: E402

KB, WEB = "search_knowledge_base", "search_google"


def saying(tool, lacking=False):
    """A runtime that calls one tool whatever it is asked."""
    opened = []

    @contextmanager
    def runtime(places):
        if lacking:
            raise ImportError("No module named 'wonder'")
        opened.append(True)
        reply = render_call(FunctionCall(tool, {"query": "x"}))
        yield lambda conversations: [reply] * len(conversations), 12.4
        opened.pop()

    runtime.opened = opened
    return runtime


@pytest.fixture
def routes(monkeypatch):
    made = {
        "original": saying(KB), "other": saying(WEB), "browser": saying(KB),
        "lacking": saying(KB, lacking=True),
    }  # fmt: skip
    monkeypatch.setattr(deploy, "RUNTIMES", made)
    return made


def test_a_route_is_asked_the_test_and_held_against_the_original(routes):
    original, other = (deploy.replies_of(name, None) for name in ("original", "other"))
    assert len(original["replies"]) == 300 and not routes["original"].opened
    due = [row["tool_name"] for row in deploy.TASK.rows["test"]]
    line = deploy.held_against(original, original)
    assert (line["n"], line["same_calls"], line["right"]) == (300, 300, due.count(KB))
    assert line["mb"] == 12 and line["mcnemar"][:2] == (0, 0)
    line = deploy.held_against(other, original)
    assert (line["same_calls"], line["right"]) == (0, due.count(WEB))
    assert line["mcnemar"][:2] == (due.count(WEB), due.count(KB))
    json.dumps(line)


def test_a_slow_route_is_asked_every_third_prompt(routes):
    assert "browser" in runtimes.THIRD
    original = deploy.replies_of("original", None)
    line = deploy.held_against(deploy.replies_of("browser", None), original)
    assert (line["n"], line["same_calls"]) == (100, 100)


def test_all_routes_are_timed_in_turn_and_one_that_lacks_packages_is_named(
    routes, capsys
):
    found = deploy.speed(None, list(routes))
    assert set(found) == {"original", "other", "browser"}
    assert {line["n"] for line in found.values()} == {deploy.TIMED}
    assert all(line["p50_ms"] <= line["p95_ms"] for line in found.values())
    assert "lacking: left out, No module named 'wonder'" in capsys.readouterr().out
    assert not any(route.opened for route in routes.values())
