"""Generate replies, judge each into one outcome, score them with intervals."""

import re
from collections import Counter
from dataclasses import dataclass, field

from .calls import START_RESPONSE, TURN_ENDS, FunctionCall, parse_reply
from .judging.arguments import argument_problem, tidied
from .judging.matching import due_calls, pairing_problem, same_call
from .judging.measures import confusion, family_rate, measures
from .speed.generation import generate_replies
from .speed.prefix_cache import render_prompts
from .statistics import mcnemar, rate, wilson

__all__ = [
    "OUTCOMES", "Judgement", "argument_problem", "confusion",
    "family_rate", "generate_replies", "judge", "judge_label", "judge_rows", "mcnemar",
    "measures", "rate", "render_prompts", "score", "wilson",
]  # fmt: skip

OUTCOMES = (
    "correct", "wrong_tool", "wrong_arguments", "several_calls", "missing_call",
    "no_call", "malformed", "cut", "unknown_tool", "bad_arguments",
)  # fmt: skip


_POSITION = re.compile(r"\(at character (\d+)\)$")  # as parse_reply names it


@dataclass(frozen=True)
class Judgement:
    """outcome: one of OUTCOMES. called: the tool of a single call, else None.

    names: the functions of all well-formed calls, of a rejected reply too. why: in
    words, for a reader.
    """

    outcome: str
    called: str | None = None
    names: tuple = field(default=(), compare=False)
    why: str | None = field(default=None, compare=False)

    @property
    def correct(self):
        return self.outcome == "correct"

    @property
    def valid(self):
        """Well-formed calls of declared tools, as many as due, right or wrong."""
        return bool(self.called or self.names) and self.outcome in (
            "correct", "wrong_tool", "wrong_arguments",
        )  # fmt: skip


def judge(reply, due, tools, free=lambda tool, argument: False, accepted=None):
    """Judge one reply against what is due.

    due: the calls due, [{"name", "arguments"}], in any order, [] or None for none;
    or a tool's name, whose arguments then need only be valid. tools: the JSON
    schemas declared. free: whether an argument of a tool is free text, which only
    has to be there. accepted: per call due, {argument: further accepted values}.

    Correct is strict: exactly the calls due, well-formed, with the right arguments
    and nothing rejected; or no call where none is due. A call where none is due
    counts as wrong_tool. Arguments are equal by judging.matching: numbers by value,
    strings without regard to case, blanks and some punctuation.
    """
    names_only = isinstance(due, str)
    due = [{"name": due, "arguments": {}}] if names_only else due or []
    parsed = parse_reply(reply)
    calls, names = parsed.calls, tuple(call.name for call in parsed.calls)
    ended = START_RESPONSE in reply or any(end in reply for end in TURN_ENDS)
    if parsed.problems:
        why = parsed.problems[-1]
        # Rejected where the text ends, or in the middle of "call:".
        at = _POSITION.search(why)
        cut = at and not ended and "call:".startswith(reply[int(at[1]) :].strip())
        return Judgement("cut" if cut else "malformed", names=names, why=why)
    if not calls:
        return Judgement("no_call" if due else "correct")
    called = names[0] if len(calls) == 1 else None
    if len(calls) > max(1, len(due)):
        why = f"{len(calls)} calls, {len(due)} due"
        return Judgement("several_calls", names=names, why=why)
    if len(calls) < len(due):
        outcome = "missing_call" if ended else "cut"
        return Judgement(outcome, called, names, why=f"{len(due)} calls due")
    schemas = {tool["function"]["name"]: tool["function"] for tool in tools}
    unknown = [name for name in names if name not in schemas]
    if unknown:
        why = f"{unknown[0]} is not declared"
        return Judgement("unknown_tool", names=names, why=why)
    if sorted(names) != sorted(call["name"] for call in due):
        return Judgement("wrong_tool", called, names)
    parameters = {name: schemas[name].get("parameters") for name in names}
    for call in calls:
        if why := argument_problem(call.arguments, parameters[call.name]):
            return Judgement("bad_arguments", called, names, why)
    if not names_only:

        def plain(name, arguments):
            return {
                "name": name,
                "arguments": tidied(arguments, parameters[name]),
            }

        given = [FunctionCall(**plain(c.name, c.arguments)) for c in calls]
        due = [plain(call["name"], call["arguments"]) for call in due]
        why = pairing_problem(given, due_calls(due, accepted, free), same_call)
        if why:
            return Judgement("wrong_arguments", called, names, why)
    return Judgement("correct", called, names)


def judge_rows(replies, rows, task):
    """A Judgement per reply, by what its row is due under the task."""
    return [
        judge(reply, row["calls"], row["tools"] or task.tools, task.is_free,
              row["accepted"])
        for reply, row in zip(replies, rows, strict=True)
    ]  # fmt: skip


def judge_label(guessed, expected):
    """Judge a classifier's answer, a tool's name or None, as a reply's is."""
    names = () if guessed is None else (guessed,)
    if guessed == expected:
        return Judgement("correct", guessed, names)
    outcome = "no_call" if guessed is None else "wrong_tool"
    return Judgement(outcome, guessed, names)


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
