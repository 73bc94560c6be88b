"""Generate replies, judge each into one outcome, score them with intervals."""

import json
from collections import Counter
from dataclasses import dataclass

from .function_calls import parse_reply
from .generation import generate_replies
from .prefix_cache import render_prompts

__all__ = [
    "OUTCOMES", "Judgement", "argument_problem", "confusion", "entities_kept",
    "family_rate", "generate_replies", "judge", "judge_label", "mcnemar", "measures",
    "rate", "render_prompts", "score", "wilson",
]  # fmt: skip

OUTCOMES = (
    "correct", "wrong_tool", "several_calls", "no_call",
    "malformed", "unknown_tool", "bad_arguments",
)  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """outcome: one of OUTCOMES. called: the tool of a single call, else None."""

    outcome: str
    called: str | None = None

    @property
    def correct(self):
        return self.outcome == "correct"


def judge(reply, expected, tools):
    """Judge one reply against the tool that is due (None: no tool).

    Correct is strict: exactly one well-formed call of that tool with valid
    arguments and nothing rejected; or no call where none is due. A call where
    none is due counts as wrong_tool.
    """
    parsed = parse_reply(reply)
    if parsed.problems:
        return Judgement("malformed")
    if len(parsed.calls) > 1:
        return Judgement("several_calls")
    if not parsed.calls:
        return Judgement("correct" if expected is None else "no_call")
    call = parsed.calls[0]
    schemas = {tool["function"]["name"]: tool["function"] for tool in tools}
    if call.name not in schemas:
        return Judgement("unknown_tool")
    if call.name != expected:
        return Judgement("wrong_tool", call.name)
    if argument_problem(call.arguments, schemas[call.name].get("parameters")):
        return Judgement("bad_arguments", call.name)
    return Judgement("correct", call.name)


def judge_label(guessed, expected):
    """Judge a classifier's answer, a tool's name or None, as a reply's is."""
    if guessed == expected:
        return Judgement("correct", guessed)
    return Judgement("no_call" if guessed is None else "wrong_tool", guessed)


def argument_problem(arguments, schema):
    """What the tool's JSON schema has against the arguments; None if nothing.

    Stricter than the schema: no argument it does not name, no blank text.
    """
    from jsonschema import Draft202012Validator

    strict = {"type": "object", "additionalProperties": False, **(schema or {})}
    error = next(Draft202012Validator(strict).iter_errors(arguments), None)
    if error:
        return error.message
    blank = [k for k, v in arguments.items() if isinstance(v, str) and not v.strip()]
    return f"{blank[0]!r} is blank" if blank else None


def score(rows, judgements):
    """Counts, strict accuracy and its Wilson interval, overall and per slice.

    Returns {"n", "correct", "strict", "wilson": [low, high], "outcomes": {...},
    "slices": {slice: the same without slices and outcomes}}; rates from 0 to 1.
    """
    slices = {}
    for row, judged in zip(rows, judgements, strict=True):
        slices.setdefault(row["slice"], []).append(judged.correct)
    outcomes = Counter(judged.outcome for judged in judgements)
    return {
        **rate([judged.correct for judged in judgements]),
        "outcomes": {o: outcomes[o] for o in OUTCOMES if outcomes[o]},
        "slices": {name: rate(slices[name]) for name in sorted(slices)},
    }


def rate(hits):
    """{"n", "correct", "strict", "wilson"} of a list of booleans."""
    n, correct = len(hits), sum(hits)
    return {
        "n": n,
        "correct": correct,
        "strict": correct / n if n else 0.0,
        "wilson": wilson(correct, n),
    }


def wilson(correct, n, confidence=0.95):
    """Wilson score interval of a rate: [low, high]; [0, 1] where n is 0."""
    from scipy.stats import binomtest

    if n == 0:
        return [0.0, 1.0]
    interval = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return [float(interval.low), float(interval.high)]


def mcnemar(before, after):
    """Exact McNemar test of paired booleans: (fixed, broken, two-sided p)."""
    from scipy.stats import binomtest

    pairs = list(zip(before, after, strict=True))
    fixed = sum(a and not b for b, a in pairs)
    broken = sum(b and not a for b, a in pairs)
    if fixed + broken == 0:
        return 0, 0, 1.0
    return fixed, broken, float(binomtest(fixed, fixed + broken).pvalue)


def confusion(rows, judgements, tools):
    """Expected tool -> {called tool or "other": count}; None is "no tool".

    "other" under "no tool" is mostly right: no call. Elsewhere it is a miss.
    """
    names = [tool["function"]["name"] for tool in tools]
    table = {n: dict.fromkeys([*names, "other"], 0) for n in [*names, "no tool"]}
    for row, judged in zip(rows, judgements, strict=True):
        called = judged.called if judged.called in names else "other"
        table[row["tool_name"] or "no tool"][called] += 1
    return table


def measures(rows, judgements, tools):
    """What one accuracy hides, each a rate with its Wilson interval.

    Of all prompts: call_rate, any call, well-formed or not; valid_single_call, one
    well-formed call of a declared tool. Of the prompts due it: "recall NAME" per
    tool; no_tool_specificity, no call. leak_rate: of the prompts due the first
    tool, those sent to the second. consistency: as family_rate. macro_f1 is a plain
    number, over the tools and no tool.
    """
    from sklearn.metrics import f1_score

    names = [tool["function"]["name"] for tool in tools]
    due = [row["tool_name"] for row in rows]
    called = [j.called for j in judgements]
    silent = [
        j.called is None and j.outcome in ("no_call", "correct") for j in judgements
    ]
    found = {
        "call_rate": rate([not s for s in silent]),
        "valid_single_call": rate(
            [c in names and j.outcome != "bad_arguments"
             for c, j in zip(called, judgements, strict=True)]
        ),
    }  # fmt: skip
    for name in names:
        hits = [j.correct for d, j in zip(due, judgements, strict=True) if d == name]
        found[f"recall {name}"] = rate(hits)
    found["no_tool_specificity"] = rate([s for d, s in zip(due, silent) if d is None])
    leaks = [c == names[1] for d, c in zip(due, called) if d == names[0]]
    found["leak_rate"] = rate(leaks)
    found["consistency"] = family_rate(rows, judgements)
    given = ["none" if s else c or "other" for s, c in zip(silent, called)]
    found["macro_f1"] = float(
        f1_score(
            [d or "none" for d in due], given, labels=[*names, "none"],
            average="macro", zero_division=0,
        )
    )  # fmt: skip
    return found


def family_rate(rows, judgements):
    """Contrast consistency: the rate of families of several rows all right.

    Paraphrases are left out: they say one member of a family again.
    """
    families = {}
    for row, judged in zip(rows, judgements, strict=True):
        if row["slice"] != "paraphrase":
            families.setdefault(row["family"], []).append(judged.correct)
    return rate([all(hits) for hits in families.values() if len(hits) > 1])


def entities_kept(rows, replies):
    """Rate of the calls whose query keeps every name and number of the message.

    Names: capitalised words, but for the first of a sentence; numbers: whatever
    holds a digit. Only replies to rows that need a tool, with one well-formed call.
    """
    hits = []
    for row, reply in zip(rows, replies, strict=True):
        calls = parse_reply(reply).calls
        if row["tool_name"] and len(calls) == 1:
            query = json.dumps(calls[0].arguments, ensure_ascii=False).lower()
            hits.append(all(e.lower() in query for e in _entities(row["user_content"])))
    return rate(hits)


def _entities(text):
    found, opening = set(), True
    for word in text.split():
        core = word.strip("'\"()?!.,:;").removesuffix("'s")
        named = core[:1].isupper() and not opening and not core.startswith("I'")
        if core != "I" and (named or any(c.isdigit() for c in core)):
            found.add(core)
        opening = word.endswith((".", "?", "!", ":"))
    return found
