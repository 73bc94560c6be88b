"""Does a taught base become the embedded one? The rule, and the runs held against it.

The rule was written before the last run. It is all or nothing. It also asks that the
task's test loses at most a point over three seeds, which is not looked at here: such
runs are made for a base that meets all the rest.
"""

from .run import MODES

# Least shares of prompts answered right, in replies written freely and under the
# grammar of the declarations. unseen: of the prompts with a call due.
AIMS = {
    "simple_python": {"free": 0.58, "constrained": 0.62},
    "multiple": {"free": 0.40, "constrained": 0.50},
    "irrelevance": {"free": 0.60},
    "unseen": {"free": 16 / 48, "constrained": 22 / 48},
}


def summary(records, base):
    """What calling.json holds; records: of calling.jsonl. base: the run decided on.

    "decision": {"taken", "base", "rows", "minutes", "aims": {part: {mode: share}},
    "met": {part: {mode: bool}}}; "models": {name: {"bfcl": {part: {mode: [right, n]}},
    "unseen": {mode: [right, n]}, "unseen_none": the same where no call is due,
    "invalid": {part: {mode: [replies with an invalid call, n]}}}}, of the plain
    base, the taught one, and it tuned on the task by share of general rows;
    "shares": {name: share of general rows} of the tuned; "policy": {name: figures on
    the task's test}; "adapter_mb": of the taught base.
    """
    runs = {record["run"]: record for record in records}
    named = {"plain": runs["plain"], "taught": runs[base]}
    tuned = sorted(
        (r for r in records if r.get("on") == base), key=lambda r: r["share"]
    )
    shares = {f"tuned, {100 * r['share']:.0f} % general rows": r for r in tuned}
    named |= shares
    models = {name: _figures(record) for name, record in named.items()}
    found = {**models["taught"]["bfcl"], "unseen": models["taught"]["unseen"]}
    met = {
        part: {mode: _share(found, part, mode) >= aim for mode, aim in aims.items()}
        for part, aims in AIMS.items()
    }
    small = [r for r in records if r.get("of") == base and "adapter_mb" in r]
    return {
        "decision": {
            "taken": all(all(modes.values()) for modes in met.values()),
            "base": base, "rows": runs[base]["rows"],
            "minutes": runs[base]["minutes"], "aims": AIMS, "met": met,
        },
        "models": models,
        "shares": {name: r["share"] for name, r in shares.items()},
        "policy": {name: r["policy"] for name, r in named.items() if "policy" in r},
        "adapter_mb": min((r["adapter_mb"] for r in small), default=None),
    }  # fmt: skip


def _share(found, part, mode):
    right, n = found.get(part, {}).get(mode, (0, 1))
    return right / n


def _figures(record):
    """A run's [right, n] by part and mode."""
    parts = {p: f for p, f in record.items() if isinstance(f, dict) and {*f} & {*MODES}}
    invalid = {
        part: {m: [f["invalid"], f["n"]] for m, f in modes.items() if "invalid" in f}
        for part, modes in parts.items()  # older runs did not count them
    }
    unseen = parts.pop("unseen", {})
    bfcl = {p: f for p, f in parts.items() if not p.startswith("dev")}
    return {
        "bfcl": {
            part: {mode: [f["right"], f["n"]] for mode, f in modes.items()}
            for part, modes in bfcl.items()
        },
        "unseen": {mode: f["due"] for mode, f in unseen.items()},
        "unseen_none": {mode: f["none"] for mode, f in unseen.items()},
        "invalid": invalid,
    }
