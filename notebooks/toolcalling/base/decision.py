"""Does a taught base become the embedded one? The rule, and the runs held against it.

The rule was written before the last run. It is all or nothing. It also asks that the
task's test loses at most a point over three seeds, which is not looked at here: such
runs are made for a base that meets all the rest.
"""

from ..statistics import wilson

# Least shares of prompts answered right, in replies written freely and under the
# grammar of the declarations. unseen: of the prompts with a call due.
AIMS = {
    "simple_python": {"free": 0.58, "constrained": 0.62},
    "multiple": {"free": 0.40, "constrained": 0.50},
    "irrelevance": {"free": 0.60},
    "unseen": {"free": 16 / 48, "constrained": 22 / 48},
}
WORDS = {"free": "free", "constrained": "grammar"}
# FunctionGemma's own, as Google publishes them, written freely.
PUBLISHED = {
    "simple_python": 0.616, "multiple": 0.635, "irrelevance": 0.737,
    "live_simple": 0.362, "live_multiple": 0.257,
}  # fmt: skip


def summary(records, base):
    """What calling.json holds; records: of calling.jsonl. base: the run decided on.

    "decision": {"taken", "base", "rows", "minutes", "aims": {part: {mode: share}},
    "met": {part: {mode: bool}}}; "models": {name: {"bfcl": {part: {mode: [right, n]}},
    "unseen": {mode: [right, n]}, "unseen_none": the same where no call is due,
    "invalid": {mode: replies that are no valid call}}}, of the plain base, the taught
    one, and it tuned on the task by share of general rows;
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


def table(found, names):
    """Lines for charts.table: each part, free and under the grammar, model by model.

    found: of summary. names: the columns, of found["models"] or "FunctionGemma"; what
    none of them was asked is left out. "44/100 (35 to 54%)": right, asked, Wilson's
    95% interval.
    """
    lines = []
    parts = [(part, "bfcl") for part in found["models"]["taught"]["bfcl"]]
    asked = [*parts, ("unseen tools, a call due", "unseen"),
             ("unseen tools, none due", "unseen_none")]  # fmt: skip
    for part, group in asked:
        for mode, words in WORDS.items():
            line = {"prompts": part.replace("_", " "), "replies": words}
            for name, figures in found["models"].items():
                of_group = figures[group]
                modes = of_group.get(part, {}) if group == "bfcl" else of_group
                line[name] = _cell(*modes[mode]) if mode in modes else ""
            if mode == "free" and part in PUBLISHED:
                line["FunctionGemma"] = f"{PUBLISHED[part]:.1%}"
            lines.append(line)
    for prompts, right in (
        ("the task's own test", lambda policy: policy["correct"]),
        ("the same, tools renamed", lambda policy: policy["variants"]["renamed"]),
    ):
        line = {"prompts": prompts, "replies": "free"}
        for name, policy in found["policy"].items():
            line[name] = _cell(right(policy), policy["n"])
        lines.append(line)
    for mode, words in WORDS.items():
        line = {"prompts": "calls that are not valid, in all", "replies": words}
        for name, figures in found["models"].items():
            line[name] = str(figures["invalid"].get(mode, ""))
        lines.append(line)
    columns = ("prompts", "replies", *names)
    return [
        {column: line.get(column, "") for column in columns}
        for line in lines
        if any(line.get(name) for name in names)
    ]


def _cell(right, n):
    low, high = wilson(right, n)
    return f"{right}/{n} ({100 * low:.0f} to {high:.0%})"


def _share(found, part, mode):
    right, n = found.get(part, {}).get(mode, (0, 1))
    return right / n


def _figures(record):
    """A run's [right, n] by part and mode."""
    parts = {p: f for p, f in record.items() if isinstance(f, dict) and {*f} & {*WORDS}}
    invalid = {}
    for modes in parts.values():
        for mode, figures in modes.items():
            if "invalid" in figures:  # older runs did not count them
                invalid[mode] = invalid.get(mode, 0) + figures["invalid"]
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
