"""The study's records read back: who was right where, and how sure that is."""

import json
import math

from .. import statistics
from ..evaluation import OUTCOMES
from ..statistics import mcnemar, rate
from ..workspace import ROOT
from . import plan
from .declarations import COMPANY, PUBLIC

FILE = ROOT / "data" / "results" / "study.jsonl"


def read(path):
    """{run's key: record}, in the file's order; none where it is not there."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    records = map(_unpacked, map(json.loads, lines))
    return {record["run"]: record for record in records}


def packed(record):
    """A record as the file has it: a digit for each outcome, by its place in OUTCOMES."""

    def digits(part):
        places = (str(OUTCOMES.index(outcome)) for outcome in part["outcomes"])
        return part | {"outcomes": "".join(places)}

    return _in_all(digits, record)


def _unpacked(record):
    def words(part):
        return part | {"outcomes": [OUTCOMES[int(digit)] for digit in part["outcomes"]]}

    return _in_all(words, record)


def _in_all(change, record):
    """A record, and those of its variants, changed."""
    if "variants" in record:
        changed = {name: change(part) for name, part in record["variants"].items()}
        record = record | {"variants": changed}
    return change(record)


def load(task, path=FILE, needed=()):
    """The records of read.

    task: the one studied. needed: plan.Runs. RuntimeError where the file is of
    other data, or a run is missing that is needed.
    """
    records = read(path)
    missing = [run.key for run in needed if run.key not in records]
    if missing or not records:
        what = f"no run {missing[0]!r}" if missing else "no run"
        raise RuntimeError(f"{path.name} holds {what} yet: `make study` makes it.")
    if other := on_other_data(records, task):
        raise RuntimeError(
            f"{path.name} holds runs on other data ({other[0]}). Restore it with git, "
            "or run `make study` anew."
        )
    return records


def on_other_data(records, task):
    """Keys of the records whose rows, policy or tools are not today's."""
    return [
        key for key, record in records.items()
        if record["data"] != plan.data_hash(plan.Run.of(record), task)
    ]  # fmt: skip


def hits(record):
    """Strictly correct or not, a boolean per test prompt."""
    return [outcome == "correct" for outcome in record["outcomes"]]


def runs_of(records, kind="ours", rows=plan.ALL):
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


def parts(record, rows):
    """Of the prompts that need no tool, the share right; of internal ones, leaked."""
    due = [row["tool_name"] for row in rows]
    silent = [hit for hit, name in zip(hits(record), due, strict=True) if not name]
    leaked = [PUBLIC in n for n, name in zip(record["names"], due) if name == COMPANY]
    return {
        "no-tool right": sum(silent) / len(silent),
        "leaks": sum(leaked) / len(leaked),
    }


def averaged(group, rows, part=""):
    """Right or not by the mean of the runs' probabilities, a boolean per row.

    part: "dev_" for the scores on dev. A call is made where it is the likelier, to the
    likelier tool; its one argument is free text.
    """
    found = []
    for i, row in enumerate(rows):
        call = sum(math.exp(record[f"{part}call"][i]) for record in group)
        pairs = [record[f"{part}choice"][i] for record in group]
        internal, public = (sum(map(math.exp, column)) for column in zip(*pairs))
        likelier = COMPANY if internal > public else PUBLIC
        called = likelier if call >= len(group) / 2 else None
        found.append(called == row["tool_name"])
    return found


def over_runs(group):
    """Mean, SD, min, max and n of strict accuracy (0 to 1) over runs."""
    return statistics.summary([accuracy(r)["strict"] for r in group])


def tfidf(train, test):
    """The cheap rival, fitted on train: right or not, a boolean per row of test."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model.fit(
        [row["user_content"] for row in train],
        [row["tool_name"] or "" for row in train],
    )
    guesses = model.predict([row["user_content"] for row in test])
    return [bool(g == (row["tool_name"] or "")) for g, row in zip(guesses, test)]


def difference(before, after, families):
    """Two runs on the same prompts: exact McNemar and paired bootstrap.

    before, after: booleans. {"difference", "low", "high", "p"}; the difference is
    that of after minus before, the interval over families.
    """
    found = statistics.paired_bootstrap(before, after, families)
    return found | {"p": mcnemar(before, after)[2]}


def compared(before, after, families):
    """Two groups of runs, seed by seed: ({seed: difference}, their mean).

    Of the seeds that both have; ValueError where there is none. The mean is
    {"difference", "low", "high"}: a resampled family brings its prompts in every
    run, so the interval is that of other prompts put to these same runs; the luck
    of training is not in it.
    """
    plain = {r["seed"]: hits(r) for r in before}
    pairs = {
        r["seed"]: (plain[r["seed"]], hits(r)) for r in after if r["seed"] in plain
    }
    if not pairs:
        raise ValueError("No two runs of one seed to compare: `make study`.")
    both = [sum(runs, []) for runs in zip(*pairs.values())]
    mean = statistics.paired_bootstrap(*both, list(families) * len(pairs))
    return {seed: difference(*pair, families) for seed, pair in pairs.items()}, mean


def lean(choice, rows):
    """(how much likelier the internal call is, natural log; is it due) per row.

    choice: of a record. Of the rows that need a tool.
    """
    return [
        (internal - public, row["tool_name"] == COMPANY)
        for (internal, public), row in zip(choice, rows, strict=True)
        if row["tool_name"]
    ]


def forced(record, rows):
    """Right or not if the likelier call were made, of the rows that need a tool."""
    return [(leads > 0) == due for leads, due in lean(record["choice"], rows)]
