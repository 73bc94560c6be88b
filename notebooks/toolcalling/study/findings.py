"""What the study found, read from its records: one line a question."""

from itertools import combinations

from .. import statistics
from ..evaluation import rate
from . import plan, results, unseen_tools

SETTINGS = (*plan.ABLATIONS, plan.LONG)


def findings(records, task):
    """[{"question", "answer", "figure", "how sure"}] of the whole study."""
    made = [
        line
        for part in (_seeds, _settings, _knowledge, _declarations, _others)
        for line in part(records, task)
    ]
    names = ("question", "answer", "figure", "how sure")
    return [dict(zip(names, line, strict=True)) for line in made]


def settings(records, families):
    """{setting: {"seeds", "mean", "p", "answer"}} against the recipe without it.

    seeds, mean: of results.compared. p: the largest of the three seeds', after
    Holm's correction over all of plan.ABLATIONS; 1 where a seed is missing or
    differs in sign. LONG is one comparison of its own.
    """
    found = {}
    for kind in SETTINGS:
        rows = 400 if kind == plan.LONG else plan.SMALL
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


def _seeds(records, task):
    group, rows = results.runs_of(records), task.rows["test"]
    families, bar = _families(task), results.tfidf(task.rows["train"], rows)
    low, high = statistics.runs_bootstrap(list(map(results.hits, group)), families)
    gap, figure = _spread(group)
    sure = f"{len(rows)} prompts, {low:.0%} to {high:.0%}"
    yield "Does the score vary by seed?", gap, figure, f"{len(group)} seeds, {sure}"
    for name, due in (("no-tool right", None), ("leaks", task.leak[0])):
        values = [results.parts(record, task)[name] for record in group]
        gap = f"by {100 * (max(values) - min(values)):.0f} points"
        count = sum(row["tool_name"] == due for row in rows)
        sure = f"{len(group)} seeds, {count} prompts"
        yield f"Does “{name}” vary by seed?", gap, _span(values), sure
    pairs = [i for i, row in enumerate(rows) if row["slice"] == "contrast"]
    for where, chosen in (("", range(len(rows))), (" on contrast pairs", pairs)):
        tests = []
        for record in group:
            both = (bar, results.hits(record), families)
            tests.append(results.difference(*([x[i] for i in chosen] for x in both)))
        ahead = "yes, each seed" if all(d["low"] > 0 for d in tests) else "not shown"
        gaps = [100 * d["difference"] for d in tests]
        figure = f"{_span(gaps, '{:+.1f}')} points"
        p = max(d["p"] for d in tests)
        sure = f"{len(group)} seeds, {len(chosen)} prompts, largest p {p:.1g}"
        yield f"Ahead of TF-IDF{where}?", ahead, figure, sure
    group = [r for r in records.values() if r["split"] is not None]
    sizes = _span([len(r["ids"]) for r in group], "{}")
    sure = f"{len(group)} splits, {sizes} prompts"
    yield "Does the score vary by split?", *_spread(group), sure


def _settings(records, task):
    families = _families(task)
    few, many = (results.runs_of(records, rows=n) for n in (plan.SMALL, 400))
    seeds, mean = results.compared(few, many, families)
    more = {"seeds": seeds, "mean": mean, "p": _largest_p(seeds), "luck": luck(many)}
    more["answer"] = answer(**more)
    asked = {f"400 rows in place of {plan.SMALL}": more}
    for kind, one in settings(records, families).items():
        asked[f"Setting “{kind}”"] = one
    for question, one in asked.items():
        mean, number = one["mean"], len(one["seeds"])
        figure = f"{100 * mean['difference']:+.1f} points"
        sure = f"{number} seed{'s' if number > 1 else ''}, {len(families)} prompts, "
        sure += f"{100 * mean['low']:+.0f} to {100 * mean['high']:+.0f}"
        yield f"{question}?", one["answer"], figure, sure


def _knowledge(records, task):
    rows, plain = task.rows["test"], records["zero-shot"]
    for kind in plan.UNTRAINED[1:]:
        test = results.difference(
            results.hits(plain), results.hits(records[kind]), _families(task)
        )
        figure = _span([results.accuracy(r)["strict"] for r in (plain, records[kind])])
        helps = "yes" if test["p"] < 0.05 else "not shown"
        sure = f"{len(rows)} prompts, p {test['p']:.1g}"
        yield f"Untrained, {kind} in the prompt?", helps, figure, sure
    tuned = results.runs_of(records)
    for who, group in (("Untrained", [plain]), ("Fine-tuned", tuned)):
        found = [_which(record, rows) for record in group]
        low, high = (
            f([r["wilson"][at] for r in found]) for at, f in enumerate((min, max))
        )
        knows = "yes" if low > 0.5 else "no sign of it"
        share = _span([r["strict"] for r in found])
        sure = f"{len(group)} seeds, " if len(group) > 1 else ""
        sure += f"{found[0]['n']} prompts, {low:.0%} to {high:.0%}"
        yield f"{who}, knows which tool?", knows, share, sure


def _which(record, rows):
    """evaluation.rate of forced choice, of the prompts that need a tool."""
    return rate([(x > 0) == due for x, due in results.lean(record["choice"], rows)])


def _declarations(records, task):
    first = records[plan.Run().key]
    families = _families(task)
    for words, names in (
        ("Other order, words, a third tool", ("order", "reworded", "third tool")),
        ("Tools renamed", ("renamed",)),
        ("The tools' names traded", ("flipped",)),
    ):
        variants = [first["variants"][name] for name in names]
        tests = [
            results.difference(results.hits(first), results.hits(v), families)
            for v in variants
        ]
        worst = min(tests, key=lambda d: d["p"])
        way = "worse" if worst["difference"] < 0 else "better"
        changes = way if worst["p"] < 0.05 else "not shown"
        shares = [results.accuracy(v)["strict"] for v in variants]
        sure = f"1 seed, {len(families)} prompts, {'smallest ' * (len(tests) > 1)}p "
        yield f"{words}?", changes, _span(shares), f"{sure}{worst['p']:.1g}"


def _others(records, task):
    calls = {p["id"]: bool(p["accepted"]) for p in unseen_tools.load_prompts()}
    unseen = records[plan.Run().key]["unseen"]
    for due, what in ((True, "call due"), (False, "none due")):
        found = rate(
            [not unseen[key] for key, is_due in calls.items() if is_due == due]
        )
        low, high = found["wilson"]
        sure = f"1 seed, {found['n']} prompts, {low:.0%} to {high:.0%}"
        right = f"{found['correct']}/{found['n']}"
        yield f"Unseen tools, {what}?", f"{found['strict']:.0%} right", right, sure


def _families(task):
    return [row["family"] for row in task.rows["test"]]


def _spread(group):
    """The gap between runs in words; their mean, lowest and highest."""
    found = results.over_runs(group)
    gap = 100 * (found["max"] - found["min"])
    return f"by {gap:.0f} points", "{mean:.1%}, {min:.1%} to {max:.1%}".format(**found)


def _span(values, form="{:.0%}"):
    """The lowest and the highest, or the one that they all are."""
    return " to ".join(
        dict.fromkeys(form.format(x) for x in (min(values), max(values)))
    )
