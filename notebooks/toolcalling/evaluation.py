"""Generate replies, judge each into one outcome, score them with intervals."""

from collections import Counter
from dataclasses import dataclass, field

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
    """outcome: one of OUTCOMES. called: the tool of a single call, else None.

    names: the functions of all well-formed calls, of a rejected reply too.
    """

    outcome: str
    called: str | None = None
    names: tuple = field(default=(), compare=False)

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
    names = tuple(call.name for call in parsed.calls)
    if parsed.problems:
        return Judgement("malformed", names=names)
    if len(parsed.calls) > 1:
        return Judgement("several_calls", names=names)
    if not parsed.calls:
        return Judgement("correct" if expected is None else "no_call")
    call = parsed.calls[0]
    schemas = {tool["function"]["name"]: tool["function"] for tool in tools}
    if call.name not in schemas:
        return Judgement("unknown_tool", names=names)
    if call.name != expected:
        return Judgement("wrong_tool", call.name, names)
    if argument_problem(call.arguments, schemas[call.name].get("parameters")):
        return Judgement("bad_arguments", call.name, names)
    return Judgement("correct", call.name, names)


def judge_label(guessed, expected):
    """Judge a classifier's answer, a tool's name or None, as a reply's is."""
    names = () if guessed is None else (guessed,)
    if guessed == expected:
        return Judgement("correct", guessed, names)
    outcome = "no_call" if guessed is None else "wrong_tool"
    return Judgement(outcome, guessed, names)


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

    Of all prompts: call_rate, an attempt at a call, well-formed or not;
    valid_single_call, one well-formed call of a declared tool, its arguments too.
    Of the prompts due it: "recall NAME" per tool; no_tool_specificity, no attempt.
    leak_rate: of the prompts due the first tool, those of which any call went to
    the second. consistency: as family_rate. macro_f1 is a plain number: the mean of
    the F1 scores of the tools and of no tool, bad arguments counting as neither.
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
    leaks = [names[1] in j.names for d, j in zip(due, judgements) if d == names[0]]
    found["leak_rate"] = rate(leaks)
    found["consistency"] = family_rate(rows, judgements)
    given = [
        "none" if s else j.called if j.called and j.outcome != "bad_arguments" else "other"
        for s, j in zip(silent, judgements, strict=True)
    ]  # fmt: skip
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
    """Rate of the queries that keep every name and number of the message.

    Names: capitalised words, but for the first of a sentence; numbers: whatever
    holds a digit. Counted are replies with exactly one well-formed call, of the
    right tool or not, to messages that need a tool and hold a name or number.
    """
    hits = []
    for row, reply in zip(rows, replies, strict=True):
        parsed, wanted = parse_reply(reply), _entities(row["user_content"])
        one = len(parsed.calls) == 1 and not parsed.problems
        if row["tool_name"] and wanted and one:
            query = " ".join(map(str, parsed.calls[0].arguments.values()))
            hits.append(wanted <= set(map(_core, query.lower().split())))
    return rate(hits)


def _entities(text):
    """Lower-case names and numbers of a message."""
    found, opening = set(), True
    for word in text.split():
        core = _core(word)
        named = core[:1].isupper() and not opening and not core.startswith("I'")
        if core != "I" and (named or any(c.isdigit() for c in core)):
            found.add(core.lower())
        opening = word.endswith((".", "?", "!", ":"))
    return found


def _core(word):
    """A word without what clings to it."""
    return word.strip("'\"()?!.,:;").removesuffix("'s")
