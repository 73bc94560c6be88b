"""What was measured of a base that is taught to call, as tables and a picture."""

from ..charts import AFTER, DEV, NEUTRAL, TRAINING
from ..statistics import wilson

WORDS = {"free": "free", "constrained": "under the grammar"}
# FunctionGemma's own, as Google publishes them, written freely.
PUBLISHED = {
    "simple_python": 0.616, "multiple": 0.635, "parallel": 0.39, "irrelevance": 0.737,
    "live_simple": 0.362, "live_multiple": 0.257,
}  # fmt: skip


def table(found, columns, published=False):
    """Lines for charts.table: what was asked, and a column's right replies.

    found: of summary. columns: {header: (model of found["models"], mode)}. What only
    one of them was asked is left out. "44/100 (35 to 54%)": right, asked, Wilson's
    95% interval. published: a column of FunctionGemma's figures, too.
    """
    told = {header: _counts(found, *of) for header, of in columns.items()}
    lines = []
    for asked in dict.fromkeys(name for counts in told.values() for name in counts):
        cells = {
            header: _cell(*counts[asked]) if asked in counts else ""
            for header, counts in told.items()
        }
        if published:
            share = PUBLISHED.get(asked)
            cells["FunctionGemma"] = f"{share:.1%}" if share else ""
        if sum(map(bool, cells.values())) > 1:
            lines.append({"asked": asked.replace("_", " "), **cells})
    return [*lines, _invalid(found, columns)]


def _counts(found, name, mode):
    """{what a model was asked: [right, n]} in one mode."""
    model = found["models"][name]
    counts = {part: m[mode] for part, m in model["bfcl"].items() if mode in m}
    for what, group in (("a call due", "unseen"), ("none due", "unseen_none")):
        if mode in model[group]:
            counts[f"unseen tools, {what}"] = model[group][mode]
    policy = found["policy"].get(name)
    if policy and mode == "free":
        right = {"the task's test": policy["correct"]}
        for way in ("renamed", "flipped"):
            right[f"its tools {way}"] = policy["variants"][way]
        counts |= {what: [n, policy["n"]] for what, n in right.items()}
    return counts


def _invalid(found, columns):
    """The line of calls that are not valid, over the parts that all were asked."""
    told = {
        header: {part: modes[mode] for part, modes
                 in found["models"][name]["invalid"].items() if mode in modes}
        for header, (name, mode) in columns.items()
    }  # fmt: skip
    parts = set.intersection(*map(set, told.values()))
    n = sum(next(iter(told.values()))[part][1] for part in parts)
    return {"asked": f"an invalid call, of {n} replies"} | {
        header: str(sum(counts[part][0] for part in parts))
        for header, counts in told.items()
    }


def _cell(right, n):
    low, high = wilson(right, n)
    return f"{right}/{n} ({100 * low:.0f} to {high:.0%})"


def rule(found):
    """Lines for charts.table: each line of the rule, and whether it is met."""
    taught, decided = found["models"]["taught"], found["decision"]
    lines = []
    for part, aims in decided["aims"].items():
        for mode, aim in aims.items():
            right, n = (taught["bfcl"].get(part) or taught[part])[mode]
            lines.append({
                "asked": part.replace("_", " "), "replies": WORDS[mode],
                "at least": f"{aim:.0%}", "right": f"{right / n:.1%}",
                "": "met" if decided["met"][part][mode] else "missed",
            })  # fmt: skip
    return lines


def curve(records):
    """Lines for charts.table: the runs of calling.jsonl, by their number of rows."""
    runs = [run for run in records if "losses" in run and "unseen" in run]

    def right(run, part):
        return "{}/{}".format(*run[part]["free"]["due"]) if part in run else ""

    return [
        {
            "rows": run["rows"], "learning rate": f"{run['rate']:g}",
            "said outright": f"{run.get('mix', {}).get('plain', 0):.0%}",
            "minutes": f"{run['minutes']:.0f}", "on": run["device"],
            "unseen tools, a call due": right(run, "unseen"),
            "simple": right(run, "simple_python"),
        }
        for run in sorted(runs, key=lambda run: run["rows"])
    ]  # fmt: skip


def forgetting(ax, found):
    """Draw what is right before the task and after it, by share of general rows.

    Squares: the taught base. Of the parts that all were asked, in replies written
    freely, and of the task's own test.
    """
    names = ["taught", *found["shares"]]
    places = range(len(names))
    for part, colour in (
        ("simple_python", TRAINING), ("irrelevance", DEV), ("unseen", NEUTRAL),
    ):  # fmt: skip
        models = [found["models"][name] for name in names]
        counts = [(m["bfcl"].get(part) or m[part])["free"] for m in models]
        shares = [100 * right / n for right, n in counts]
        ax.plot(places[:1], shares[:1], "s", color=colour)
        label = part.removesuffix("_python")
        ax.plot(places[1:], shares[1:], "o-", color=colour, label=label)
    own = [found["policy"][name] for name in names[1:]]
    own = [100 * policy["correct"] / policy["n"] for policy in own]
    ax.plot(places[1:], own, "o-", color=AFTER, label="the task's test")
    shares = [f"{share:.0%}" for share in found["shares"].values()]
    ax.set_xticks(places, ["before", *shares])
    ax.set(xlabel="general rows, share of all", ylabel="right, %", ylim=(0, 100))
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.25), ncols=2)
