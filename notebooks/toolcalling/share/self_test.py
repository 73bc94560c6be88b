"""Ten questions that go with an exported model, with the calls it must give.

Any runtime can be held against them: after an export the calls are the same, or the
export has changed the model.
"""

import json
import urllib.error
import urllib.request

from ..calls import parse_reply
from ..evaluation import generate_replies, judge_rows, render_prompts


def make_self_test(model, tokenizer, task, hardware, n=10):
    """n questions of the task's dev rows with the model's own calls.

    Returns a list of {"messages", "tools", "prompt": as the template renders them,
    "calls": [{"name", "arguments"}], "right": are they the calls due?}. Every tool
    comes in turn, and so do questions where none is due.
    """
    rows = _in_turn(task.rows["dev"])[:n]
    asked = [task.conversation(row) for row in rows]
    replies = generate_replies(model, tokenizer, asked, hardware)
    return [
        {
            "messages": one["prompt"],
            "tools": one["tools"],
            "prompt": prompt,
            "calls": calls_in(reply),
            "right": judged.correct,
        }
        for one, prompt, reply, judged in zip(
            asked,
            render_prompts(tokenizer, asked),
            replies,
            judge_rows(replies, rows, task),
            strict=True,
        )
    ]


def calls_in(reply):
    """The calls of a reply as text: [{"name", "arguments"}]."""
    parsed = parse_reply(reply)
    return [{"name": c.name, "arguments": c.arguments} for c in parsed.calls]


def differences(self_test, calls_of):
    """What a runtime gives otherwise: [(question, calls given)], empty for a pass.

    calls_of(question): the runtime's calls, [{"name", "arguments"}], for one entry of
    the self-test.
    """
    given = [(question, calls_of(question)) for question in self_test]
    return [
        (question, calls) for question, calls in given if calls != question["calls"]
    ]


def asks_server(base_url, model, timeout=120):
    """A calls_of for differences that asks a server as an OpenAI client does.

    base_url: ends in /v1. RuntimeError where the server refuses or is not there.
    """

    def calls_of(question):
        body = {"model": model, "temperature": 0}
        body |= {key: question[key] for key in ("messages", "tools")}
        request = urllib.request.Request(
            f"{base_url}/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                message = json.load(reply)["choices"][0]["message"]
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:200]
            raise RuntimeError(f"The server answered {error.code}: {said}") from error
        except OSError as error:
            raise RuntimeError(f"No server answers at {base_url}: {error}") from error
        functions = [call["function"] for call in message.get("tool_calls") or []]
        return [
            {"name": f["name"], "arguments": json.loads(f["arguments"])}
            for f in functions
        ]

    return calls_of


def _in_turn(rows):
    """Rows sorted so that each first tool due comes once, then each once more."""
    turns = {}
    placed = []
    for at, row in enumerate(rows):
        tool = row["calls"][0]["name"] if row["calls"] else None
        turns[tool] = turns.get(tool, 0) + 1
        placed.append((turns[tool], at, row))
    return [row for _, _, row in sorted(placed, key=lambda place: place[:2])]
