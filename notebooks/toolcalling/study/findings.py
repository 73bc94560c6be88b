"""What the study found, read from its records: one line a question."""

from itertools import combinations

from .. import statistics
from . import plan, results, unseen_tools
from .declarations import COMPANY

SETTINGS = (*plan.ABLATIONS, plan.LONG)


def findings(records, task):
    """[{column: text}] of the whole study, a question a row."""
    rows = task.rows["test"]
    parts = (_seeds, _settings, _knowledge, _declarations, _others)
    return [line for part in parts for line in part(records, rows, task)]


def _line(question, answer, figure, seeds, prompts, interval=None, p=None):
    """interval: lowest and highest in words, or as shares from 0 to 1."""
    if interval and not isinstance(interval, str):
        interval = "{:.0%} to {:.0%}".format(*interval)
    return {
        "question": question, "answer": answer, "figure": figure, "seeds": seeds,
        "prompts": prompts, "95% interval": interval or "",
        "p": "" if p is None else f"{p:.1g}",
    }  # fmt: skip


def settings(records, families):
    """{setting: {"seeds", "mean", "p", "answer"}} against the recipe without it.

    seeds, mean: of results.compared. p: the largest of the three seeds', after
    Holm's correction over all of plan.ABLATIONS; 1 where a seed is missing or
    differs in sign. LONG is one comparison of its own.
    """
    found = {}
    for kind in SETTINGS:
        rows = plan.FIRST if kind == plan.LONG else plan.SMALL
        plain = results.runs_of(records, rows=rows)
        seeds, mean = results.compared(
            plain, results.runs_of(records, kind, rows), families
        )
        found[kind] = {"seeds": seeds, "mean": mean, "p": _largest_p(seeds)}
        found[kind]["luck"] = luck(plain)
    p_values = [found[kind]["p"] for kind in plan.ABLATIONS]
    for kind, p in zip(plan.ABLATIONS, statistics.holm(p_values), strict=True):
        found[kind]["p"] = p
    for one in found.values():
        one["answer"] = answer(**one)
    return found


def answer(seeds, mean, p, luck):
    """In words: is a difference shown, likely, or neither?

    Shown: one sign on three seeds, and p below 0.05. Likely: every seed moves
    further than luck, and the mean's interval leaves out zero.
    """
    moves = [d["difference"] for d in seeds.values()]
    way = "better" if mean["difference"] > 0 else "worse"
    if len(moves) < 3:
        return "one seed only"
    if p < 0.05:
        return f"shown: {way}"
    if min(moves) < 0 < max(moves):
        return "signs differ"
    far = min(map(abs, moves)) > luck and not mean["low"] <= 0 <= mean["high"]
    return f"likely {way}" if far else "not shown"


def luck(group):
    """The largest gap in accuracy between two seeds of one recipe."""
    found = results.over_runs(group)
    return found["max"] - found["min"]


def changes(group):
    """For each pair of runs, the number of prompts that just one has right."""
    pairs = combinations(map(results.hits, group), 2)
    return [sum(x != y for x, y in zip(*pair)) for pair in pairs]


def _largest_p(seeds):
    """1 unless three seeds are there and agree in sign."""
    tests = list(seeds.values())
    agree = len({d["difference"] > 0 for d in tests}) == 1
    return max(d["p"] for d in tests) if len(tests) == 3 and agree else 1.0


def _seeds(records, rows, task):
    group, families = results.runs_of(records), _families(rows)
    hits, bar = list(map(results.hits, group)), results.tfidf(task.rows["train"], rows)
    move = "How far does {} move from {} to {}?".format
    interval = statistics.runs_bootstrap(hits, families)
    asked = move("the score", "seed", "seed")
    yield _line(asked, *_spread(group), len(group), len(rows), interval)
    for name, due in (("no-tool right", None), ("leaks", COMPANY)):
        values = [results.parts(record, rows)[name] for record in group]
        gap = f"by {100 * (max(values) - min(values)):.0f} points"
        count = sum(row["tool_name"] == due for row in rows)
        asked = move(f"“{name}”", "seed", "seed")
        yield _line(asked, gap, _span(values), len(group), count)
    pairs = [i for i, row in enumerate(rows) if row["slice"] == "contrast"]
    for where, chosen in (("", range(len(rows))), (" on contrast pairs", pairs)):
        tests = [
            results.difference(*([x[i] for i in chosen] for x in (bar, run, families)))
            for run in hits
        ]
        ahead = "yes, each seed" if all(d["low"] > 0 for d in tests) else "not shown"
        gaps = _span([100 * d["difference"] for d in tests], "{:+.1f}")
        yield _line(
            f"Does the fine-tuned model beat TF-IDF{where}?", ahead, f"{gaps} points", len(group),
            len(chosen), p=max(d["p"] for d in tests),
        )  # fmt: skip
    group = [r for r in records.values() if r["split"] is not None]
    sizes = _span([len(r["outcomes"]) for r in group], "{}")
    asked = move("the score", "split", f"split, over {len(group)} splits")
    yield _line(asked, *_spread(group), 1, sizes)


def _settings(records, rows, task):
    families, sizes = _families(rows), (plan.SMALL, plan.FIRST, plan.ALL)
    for few, many in zip(sizes, sizes[1:]):
        groups = [results.runs_of(records, rows=n) for n in (few, many)]
        seeds, mean = results.compared(*groups, families)
        p = _largest_p(seeds)
        yield _line(
            f"Are {many:,} rows better than {few}?",
            answer(seeds, mean, p, luck(groups[1])),
            f"{100 * mean['difference']:+.1f} points", len(seeds), len(rows),
            "{:+.0f} to {:+.0f} points".format(*(100 * mean[k] for k in ("low", "high"))),
            p,
        )  # fmt: skip
    found = settings(records, families)
    ways = [
        f"{k}: {one['answer']}"
        for k, one in found.items()
        if one["answer"].endswith(("better", "worse"))
    ]
    means = [100 * one["mean"]["difference"] for one in found.values()]
    yield _line(
        f"Which of {len(found)} settings make the score better or worse?",
        "; ".join([*ways, "others: not shown"]), f"{_span(means, '{:+.1f}')} points",
        _span([len(one["seeds"]) for one in found.values()], "{}"), len(rows),
        p=min(one["p"] for one in found.values()),
    )  # fmt: skip


def _knowledge(records, rows, task):
    plain = records["zero-shot"]
    for kind in plan.UNTRAINED[1:]:
        test = results.difference(
            results.hits(plain), results.hits(records[kind]), _families(rows)
        )
        figure = _span([results.accuracy(r)["strict"] for r in (plain, records[kind])])
        helps = "yes" if test["p"] < 0.05 else "not shown"
        asked = f"Do {kind} in the prompt help the untrained model?"
        yield _line(asked, helps, figure, "", len(rows), p=test["p"])
    for who, group in (
        ("untrained", [plain]), ("fine-tuned", results.runs_of(records)),
    ):  # fmt: skip
        found = [statistics.rate(results.forced(record, rows)) for record in group]
        lows, highs = zip(*(r["wilson"] for r in found))
        knows = "yes" if min(lows) > 0.5 else "no sign of it"
        yield _line(
            f"Does the {who} model know which tool?", knows,
            _span([r["strict"] for r in found]), len(group) if len(group) > 1 else "",
            found[0]["n"], (min(lows), max(highs)),
        )  # fmt: skip


def _declarations(records, rows, task):
    first, families = records[plan.Run().key], _families(rows)
    for what, names in (
        ("another order, other words or a third tool",
         ("order", "reworded", "third tool")),
        ("renaming the tools", ("renamed",)),
        ("flipping the tools' names", ("flipped",)),
    ):  # fmt: skip
        variants = [first["variants"][name] for name in names]
        tests = [
            results.difference(results.hits(first), results.hits(v), families)
            for v in variants
        ]
        worst = min(tests, key=lambda d: d["p"])
        way = "worse" if worst["difference"] < 0 else "better"
        yield _line(
            f"Does {what} change the score?",
            f"yes, {way}" if worst["p"] < 0.05 else "not shown",
            _span([results.accuracy(v)["strict"] for v in variants]), 1, len(rows),
            p=worst["p"],
        )  # fmt: skip


def _others(records, rows, task):
    unseen = records[plan.Run().key]["unseen"]
    for due, asked in (
        (True, "Does the model call other tools rightly where one is due?"),
        (False, "Does the model stay silent where none of them is due?"),
    ):
        found = statistics.rate([
            not unseen[prompt["id"]] for prompt in unseen_tools.load_prompts()
            if bool(prompt["accepted"]) == due
        ])  # fmt: skip
        right = f"{found['correct']}/{found['n']}"
        share = f"in {found['strict']:.0%}"
        yield _line(asked, share, right, 1, found["n"], found["wilson"])


def _families(rows):
    return [row["family"] for row in rows]


def _spread(group):
    """The gap between runs in words; their mean, lowest and highest."""
    found = results.over_runs(group)
    gap = 100 * (found["max"] - found["min"])
    return f"by {gap:.0f} points", "{mean:.1%} ({min:.1%} to {max:.1%})".format(**found)


def _span(values, form="{:.0%}"):
    """The lowest and the highest, or the one that they all are."""
    return " to ".join(
        dict.fromkeys(form.format(x) for x in (min(values), max(values)))
    )
