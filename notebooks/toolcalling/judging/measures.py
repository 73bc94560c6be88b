"""What one accuracy hides: recalls, leaks, families, names and arguments apart."""

from ..statistics import rate

# Outcomes whose calls are those due by name, whatever their arguments.
NAMES_RIGHT = ("correct", "wrong_arguments", "bad_arguments")


def confusion(rows, judgements, tools):
    """Expected tool -> {called tool or "other": count}; None is "no tool".

    Rows that are due several calls stand under "several calls". "other" under "no
    tool" is mostly right: no call. Elsewhere it is a miss.
    """
    names = [tool["function"]["name"] for tool in tools]
    groups = [row["tool_name"] or "no tool" for row in rows]
    groups = [g if g in (*names, "no tool") else "several calls" for g in groups]
    shown = [*names, *(["several calls"] if "several calls" in groups else ())]
    table = {n: dict.fromkeys([*names, "other"], 0) for n in [*shown, "no tool"]}
    for group, judged in zip(groups, judgements, strict=True):
        called = judged.called if judged.called in names else "other"
        table[group][called] += 1
    return table


def measures(rows, judgements, task):
    """Rates with Wilson intervals; what there is no prompt for is left out.

    Of all prompts: call_rate, an attempt at a call, well-formed or not; valid_calls,
    well-formed calls of declared tools, as many as due; of the tools due, with
    arguments that the schema allows.
    Of those due a call: names_right, the right tools, arguments aside; arguments_right:
    of those with the right tools, all arguments right too. "recall NAME": of those due
    that tool. no_tool_specificity: of those due none, no attempt. leak_rate, where
    the task names a leak: of those due its one tool, any call of the other.
    consistency: as family_rate. macro_f1 is a plain number: the mean of the F1 scores
    of what is due, each set of tools and none, invalid arguments counting as none
    of them.
    """
    due = [_names(row) for row in rows]
    silent = [
        j.called is None and not j.names and j.outcome in ("no_call", "correct")
        for j in judgements
    ]
    called = [d for d in due if d]
    found = {
        "call_rate": [not s for s in silent],
        "valid_calls": [j.valid for j in judgements],
        "names_right": [
            j.outcome in NAMES_RIGHT for d, j in zip(due, judgements, strict=True) if d
        ],
        "arguments_right": [
            j.correct for d, j in zip(due, judgements) if d and j.outcome in NAMES_RIGHT
        ],
    }
    for tool in task.tools:
        name = tool["function"]["name"]
        found[f"recall {name}"] = [
            j.correct for d, j in zip(due, judgements) if name in d
        ]
    found["no_tool_specificity"] = [s for d, s in zip(due, silent) if not d]
    if task.leak:
        one, other = task.leak
        found["leak_rate"] = [
            other in j.names for d, j in zip(due, judgements) if d == (one,)
        ]
    found = {name: rate(hits) for name, hits in found.items() if hits}
    if not called:
        found.pop("names_right", None)
    whole = family_rate(rows, judgements)
    if whole["n"]:
        found["consistency"] = whole
    if rows:
        found["macro_f1"] = _macro_f1(due, silent, judgements)
    return found


def _names(row):
    """The tools due, sorted; () for none."""
    calls = row.get("calls")
    if calls is None:
        return (row["tool_name"],) if row["tool_name"] else ()
    return tuple(sorted(call["name"] for call in calls))


def _called(judged):
    """The tools called, sorted."""
    return tuple(sorted(judged.names)) or ((judged.called,) if judged.called else ())


def _macro_f1(due, silent, judgements):
    from sklearn.metrics import f1_score

    labels = {d: str(i) for i, d in enumerate(dict.fromkeys(due))}
    given = [
        labels.get(() if s else _called(j), "other") if s or j.valid else "other"
        for s, j in zip(silent, judgements, strict=True)
    ]
    return float(
        f1_score(
            [labels[d] for d in due], given, labels=list(labels.values()),
            average="macro", zero_division=0,
        )
    )  # fmt: skip


def family_rate(rows, judgements):
    """Contrast consistency: the rate of families of several rows all right.

    Paraphrases are left out: they say one member of a family again.
    """
    families = {}
    for row, judged in zip(rows, judgements, strict=True):
        if row["slice"] != "paraphrase":
            families.setdefault(row["family"], []).append(judged.correct)
    return rate([all(hits) for hits in families.values() if len(hits) > 1])
