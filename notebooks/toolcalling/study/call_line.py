"""What a call line chosen on dev does on the test, from the study's records alone.

    python -m toolcalling.study.call_line > call_line.json

The records hold the probabilities of the two calls, so no model runs.
"""

import json
import math

from .. import statistics, tasks
from ..judging.decisions import CallLine, choose_line
from . import results
from .declarations import COMPANY, PUBLIC

NAMES = (COMPANY, PUBLIC)
PRESET = 0.9
LOST, LEAKS = 0.01, 0.02  # shares of dev, fixed before the test was opened
AIM = {"no_tool_right": 0.95, "leaks": 0.10}


def decisions(choice, line, call):
    """Decisions of recorded log-probabilities.

    choice: pairs, as in a record. call: of a call at all, as in a record.
    """
    found = []
    for i, pair in enumerate(choice):
        tools = dict(zip(NAMES, map(math.exp, pair), strict=True))
        found.append(line.decision(math.exp(call[i]), tools))
    return found


def dev_line(record, rows, lost=LOST, leaks=LEAKS):
    """choose_line on a record's dev scores."""
    made = decisions(record["dev_choice"], CallLine(PRESET), record["dev_call"])
    due = [row["tool_name"] for row in rows]
    return choose_line(made, due, lost=lost, leak=NAMES, leaks=leaks)


def at_line(record, rows, line):
    """The record, its outcomes and names as they would be at this line.

    A call that is moved to the other tool counts as right where that tool is due: its
    one argument is free text.
    """
    outcomes, names = [], []
    made = decisions(record["choice"], line, record["call"])
    for row, outcome, called, decision in zip(
        rows, record["outcomes"], record["names"], made, strict=True
    ):
        due = row["tool_name"]
        silent = outcome == "no_call" or (outcome == "correct" and due is None)
        if not silent and decision.verdict != "call":
            outcome, called = "no_call" if due else "correct", []
        elif line.margins and len(called) == 1 and called != [decision.tool]:
            called = [decision.tool]
            outcome = "correct" if decision.tool == due else "wrong_tool"
        outcomes.append(outcome)
        names.append(called)
    return record | {"outcomes": outcomes, "names": names}


def finding(records, task):
    """The block "call_line" of data/results/deploy.json, JSON types only."""
    rows, group = task.rows["test"], results.runs_of(records)
    chosen = [dev_line(record, task.rows["dev"]) for record in group]
    rules = {
        "preset": [CallLine(PRESET)] * len(group),
        "dev, line only": [CallLine(line.high) for line in chosen],
        "dev": chosen,
        "preset, margin of dev": [CallLine(PRESET, None, c.margins) for c in chosen],
        "hindsight": [_hindsight(record, rows) for record in group],
    }
    due = {str(n): sum(row["tool_name"] == n for row in rows) for n in (*NAMES, None)}
    return {
        "n": len(rows), "due": due, "seeds": [r["seed"] for r in group], "aim": AIM,
        "shares": {"lost": LOST, "leaks": LEAKS},
        "dev_due": sum(bool(row["tool_name"]) for row in task.rows["dev"]),
        "rules": {
            "no line": _summary(group, group, rows),
            **{
                name: _summary(group, [at_line(r, rows, line) for r, line in zip(group, lines)], rows)
                | {"high": [line.high for line in lines],
                   "margin": [line.margins.get(PUBLIC, 0) for line in lines]}
                for name, lines in rules.items()
            },
        },
    }  # fmt: skip


def _hindsight(record, rows):
    """The lowest line and margin that meet AIM on the test itself: no result."""

    def reached(name, line):
        return results.parts(at_line(record, rows, line), rows)[name]

    margin = next(
        m for m in (i / 20 for i in range(400))
        if reached("leaks", CallLine(0.5, None, {PUBLIC: m})) <= AIM["leaks"]
    )  # fmt: skip
    lines = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
    high = next(
        (x for x in lines
         if reached("no-tool right", CallLine(x)) >= AIM["no_tool_right"]),
        lines[-1],
    )  # fmt: skip
    return CallLine(high, None, {PUBLIC: margin})


def _summary(before, after, rows):
    """Figures of each run, their means, and the change in strict accuracy."""
    parts = [results.parts(record, rows) for record in after]
    right, leaks = ([p[name] for p in parts] for name in ("no-tool right", "leaks"))
    moved = [
        sum(row["tool_name"] == PUBLIC and COMPANY in names
            for row, names in zip(rows, record["names"], strict=True))
        for record in after
    ]  # fmt: skip
    strict = [results.accuracy(record)["strict"] for record in after]
    found = {"strict": strict, "no_tool_right": right, "leaks": leaks}
    found = {name: [round(x, 4) for x in values] for name, values in found.items()}
    found["lost_calls"] = [record["outcomes"].count("no_call") for record in after]
    found["public_to_internal"] = moved
    found["mean"] = {
        name: round(statistics.summary(values)["mean"], 4)
        for name, values in found.items()
    }
    found["aim_met"] = [
        one >= AIM["no_tool_right"] and other <= AIM["leaks"]
        for one, other in zip(right, leaks, strict=True)
    ]
    if before is not after:
        families = [row["family"] for row in rows] * len(before)
        both = [sum(map(results.hits, group), []) for group in (before, after)]
        change = statistics.paired_bootstrap(*both, families)
        found["strict_change"] = {k: round(v, 4) for k, v in change.items()}
    return found


if __name__ == "__main__":
    task = tasks.load_task(log=lambda note: None)
    print(json.dumps(finding(results.load(task), task), indent=1))
