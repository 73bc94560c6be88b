"""The study's records read back: who was right where, and how sure that is."""

import json

from . import conversations, uncertainty
from .evaluation import Judgement, mcnemar
from .workspace import data_hash

FILE = conversations.DATA.parent / "results" / "study.jsonl"


def load(path=FILE):
    """{run's key: record}; RuntimeError where there is none or it is of other data."""
    if not path.is_file():
        raise RuntimeError(f"{path.name} is not there yet: `make study` makes it.")
    lines = path.read_text(encoding="utf-8").splitlines()
    records = {record["run"]: record for record in map(json.loads, lines)}
    other = [k for k, r in records.items() if r["data"] != data_hash()]
    if other:
        raise RuntimeError(
            f"{path.name} holds runs on other data ({other[0]}). Restore it with git, "
            "or run `make study` anew."
        )
    return records


def judgements(record):
    """evaluation.Judgement of each test prompt, in the record's order."""
    found = []
    for outcome, names in zip(record["outcomes"], record["names"], strict=True):
        single = len(names) == 1 and outcome in (
            "correct",
            "wrong_tool",
            "bad_arguments",
        )
        found.append(Judgement(outcome, names[0] if single else None, tuple(names)))
    return found


def hits(record):
    """Strictly correct or not, a boolean per test prompt."""
    return [outcome == "correct" for outcome in record["outcomes"]]


def runs_of(records, kind="ours", rows=400):
    """The records of one kind and size on the files' own split, by seed."""
    return sorted(
        (
            r for r in records.values()
            if (r["kind"], r["rows"], r["split"]) == (kind, rows, None)
        ),
        key=lambda record: record["seed"],
    )  # fmt: skip


def over_seeds(group):
    """Mean, SD, min, max and n of strict accuracy (0 to 1) over runs."""
    return uncertainty.summary([sum(hits(r)) / len(r["ids"]) for r in group])


def rate_of_runs(group, families):
    """over_seeds of the runs, with "low" and "high": families and runs resampled."""
    low, high = uncertainty.runs_bootstrap([hits(r) for r in group], families)
    return over_seeds(group) | {"low": low, "high": high}


def difference(before, after, families):
    """Two runs on the same prompts: exact McNemar and paired bootstrap.

    before, after: booleans. {"difference", "low", "high", "fixed", "broken", "p"};
    the difference is that of after minus before, the interval over families.
    """
    fixed, broken, p = mcnemar(before, after)
    return uncertainty.paired_bootstrap(before, after, families) | {
        "fixed": fixed, "broken": broken, "p": p,
    }  # fmt: skip


def forced_hits(record, rows, threshold=0.0):
    """Forced choice per prompt that needs a tool: was the likelier call right?

    threshold: how much likelier, in natural log, the internal tool may be less and
    still be taken; above 0 it leaks less and misses more public questions.
    """
    internal = conversations.search_knowledge_base.__name__
    return [
        (company - public + threshold > 0) == (row["tool_name"] == internal)
        for (company, public), row in zip(record["choice"], rows, strict=True)
        if row["tool_name"]
    ]
