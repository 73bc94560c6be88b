"""The study's records read back: who was right where, and how sure that is."""

import json

from .. import statistics
from ..evaluation import Judgement, judge_label, mcnemar, rate
from ..workspace import ROOT
from .robustness import COMPANY, PUBLIC

FILE = ROOT / "data" / "results" / "study.jsonl"


def load(task, path=FILE, needed=()):
    """{run's key: record}, in the file's order.

    task: the one studied. RuntimeError where it is of other data, or a run is missing that is needed.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    records = {record["run"]: record for record in map(json.loads, lines)}
    missing = [key for key in needed if key not in records]
    if missing or not records:
        what = f"no run {missing[0]!r}" if missing else "no run"
        raise RuntimeError(f"{path.name} holds {what} yet: `make study` makes it.")
    other = [k for k, r in records.items() if r["data"] != task.hash]
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


def accuracy(record):
    """evaluation.rate of a run: correct, n, strict and its Wilson interval."""
    return rate(hits(record))


def over_runs(group):
    """Mean, SD, min, max and n of strict accuracy (0 to 1) over runs."""
    return statistics.summary([accuracy(r)["strict"] for r in group])


def in_words(group):
    """over_runs as a line to print; says so where there is no run yet."""
    if not group:
        return "not run yet"
    found = over_runs(group)
    if len(group) == 1:
        return "1 run: {mean:.1%}".format(**found)
    return (
        "{n} runs: mean {mean:.1%}, from {min:.1%} to {max:.1%}, SD {sd:.1%}"
    ).format(**found)


def interval_of_runs(group, families):
    """[low, high] of the mean over runs on the same prompts, 95%.

    Families and runs are resampled; of a single run, its families.
    """
    runs = [hits(record) for record in group]
    if len(runs) == 1:
        return statistics.cluster_bootstrap(runs[0], families)
    return statistics.runs_bootstrap(runs, families)


def difference(before, after, families):
    """Two runs on the same prompts: exact McNemar and paired bootstrap.

    before, after: booleans. {"difference", "low", "high", "fixed", "broken", "p"};
    the difference is that of after minus before, the interval over families.
    """
    fixed, broken, p = mcnemar(before, after)
    return statistics.paired_bootstrap(before, after, families) | {
        "fixed": fixed, "broken": broken, "p": p,
    }  # fmt: skip


def against(records, kind, rows, families):
    """{seed: difference} of a kind's runs to those of "ours" of the same seed."""
    pairs = _pairs(records, kind, rows)
    return {seed: difference(*pair, families) for seed, pair in pairs.items()}


def together(records, kind, rows, families):
    """Mean of `against` over the seeds: {"difference", "low", "high"}.

    A resampled family brings its prompts in every run, so the interval is that of
    other prompts put to these same runs; the luck of training is not in it.
    ValueError where no run of the kind has one of "ours" beside it.
    """
    pairs = _pairs(records, kind, rows).values()
    if not pairs:
        raise ValueError(f"No run of {kind!r} on {rows} rows to compare: `make study`.")
    before, after = (sum(runs, []) for runs in zip(*pairs))
    return statistics.paired_bootstrap(before, after, list(families) * len(pairs))


def _pairs(records, kind, rows):
    """{seed: (hits of "ours", hits of the kind)}, of the seeds that have both."""
    plain = {r["seed"]: hits(r) for r in runs_of(records, rows=rows)}
    return {
        r["seed"]: (plain[r["seed"]], hits(r))
        for r in runs_of(records, kind, rows)
        if r["seed"] in plain
    }


def forced(record, rows):
    """The record as if the likelier of the two calls were made at every prompt."""
    judged = [_likelier(*both) for both in zip(record["choice"], rows, strict=True)]
    return record | {
        "outcomes": [j.outcome for j in judged], "names": [list(j.names) for j in judged],
    }  # fmt: skip


def lean(choice, rows):
    """(how much likelier the internal call is, natural log; is it due) per row.

    choice: of a record. Of the rows that need a tool.
    """
    return [
        (internal - public, row["tool_name"] == COMPANY)
        for (internal, public), row in zip(choice, rows, strict=True)
        if row["tool_name"]
    ]


def errors(leaning, threshold=0.0):
    """(leak rate, miss rate) of forced choice.

    leaning: of lean. threshold: how much less likely the internal call may be and
    still be taken; above 0 fewer internal questions leak to the web, and more
    public ones are missed.
    """
    leaks = [value + threshold <= 0 for value, internal in leaning if internal]
    misses = [value + threshold > 0 for value, internal in leaning if not internal]
    return sum(leaks) / len(leaks), sum(misses) / len(misses)


def leaned(record, rows, threshold):
    """Judgements with the tool of each single call chosen by forced choice.

    A reply without a call, or with a malformed one, stays as it is.
    """
    found = []
    for j, pair, row in zip(judgements(record), record["choice"], rows, strict=True):
        if j.outcome in ("correct", "wrong_tool") and j.called:
            j = _likelier(pair, row, threshold)
        found.append(j)
    return found


def _likelier(pair, row, threshold=0.0):
    """The likelier call of a pair of log-probabilities, judged by its name alone."""
    called = COMPANY if pair[0] - pair[1] + threshold > 0 else PUBLIC
    return judge_label(called, row["tool_name"])
