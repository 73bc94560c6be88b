"""Is an answer grounded? It holds the gold facts and invents none.

A row of data/helpdesk_answers lists what its answer must hold, as `facts`:

    17, 2.5        a number, in digits or in words
    "2026-12-09"   a date, however it is written
    "14:20"        a time
    "Mara Lund"    any other text, without regard to case and punctuation
    ["a", "b"]     any of these
    true, false    the answer must not, or must, say that something was refused
"""

import re
from dataclasses import dataclass

from ..statistics import rate
from .mentions import mentions, plain_id, same_date, weekday

_REFUSED = re.compile(
    r"\b(?:no|not|none|nobody|nothing|neither|nor|never|cannot|unable|unknown|fail(?:s|ed)?"
    r"|impossible|refused|rejected|sorry|afraid|unfortunately|\w+n['\u2019]t)\b",
    re.I,
)  # fmt: skip
_POLITE = re.compile(
    r"\bno (?:problem|worries|longer|questions|doubt)\b|\bnot? later than\b", re.I
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{2}:\d{2}")


@dataclass(frozen=True)
class Grounding:
    """missing: facts that the answer does not hold. invented: what it mentions though
    neither the question nor the tools said it."""

    missing: tuple = ()
    invented: tuple = ()

    @property
    def correct(self):
        return not self.missing and not self.invented


def judge_answer(answer, facts, responses, question, calls=()):
    """Judge one answer.

    answer, question: texts. facts: as above. responses: what the tools gave, JSON
    values. calls: [{"name", "arguments"}]; what they say is no invention.
    """
    said = mentions(answer)
    missing = tuple(fact for fact in facts or () if not _holds(fact, answer, said))
    known = mentions("\n".join(_texts([question, responses, list(calls)])))
    return Grounding(missing, tuple(_invented(said, known, responses)))


def judge_row(answer, row):
    """Judge an answer to an example of a task that ends with the tools' responses."""
    question = "\n".join(m["content"] for m in row["messages"] if m["role"] == "user")
    responses = [m["content"] for m in row["messages"] if m["role"] == "tool"]
    calls = [
        call["function"] for m in row["messages"] for call in m.get("tool_calls", ())
    ]
    return judge_answer(answer, row["facts"], responses, question, calls)


def judge_outcome(outcome, row):
    """Judge what a loop answered to a row's message.

    row: the example of the answer, for its facts; the tools ran anew.
    """
    calls = [
        {"name": s.name, "arguments": s.arguments} for s in outcome.steps if s.name
    ]
    question = row["user_content"]
    return judge_answer(
        outcome.answer, row["facts"], outcome.responses, question, calls
    )


def scores(judged):
    """Rates with Wilson intervals of a list of Grounding.

    grounded: all facts and nothing invented; with_facts; inventing.
    """
    return {
        "grounded": rate([one.correct for one in judged]),
        "with_facts": rate([not one.missing for one in judged]),
        "inventing": rate([bool(one.invented) for one in judged]),
    }


def _holds(fact, answer, said):
    if isinstance(fact, bool):
        return fact != bool(_REFUSED.search(_POLITE.sub(" ", answer)))
    if isinstance(fact, list):
        return any(_holds(one, answer, said) for one in fact)
    if isinstance(fact, (int, float)):
        return fact in said.numbers | said.nth | {7 * n for n in said.weeks}
    if _DATE.fullmatch(fact):
        return any(
            same_date(date, one) for date in mentions(fact).dates for one in said.dates
        )
    if _TIME.fullmatch(fact):
        return fact in said.times
    return plain_id(fact) in said.ids or f" {_words(fact)} " in f" {_words(answer)} "


def _words(text):
    """A text as bare words, without articles."""
    words = re.sub(r"[^\w]+", " ", text.casefold().replace("_", " ")).split()
    return " ".join(word for word in words if word not in ("the", "a", "an"))


def _invented(said, known, responses):
    """Mentions of an answer that nothing known explains, as texts."""
    for date in sorted(said.dates, key=str):
        if not any(same_date(date, one) for one in known.dates):
            yield "-".join(str(part) for part in date if part)
    yield from sorted(said.times - known.times)
    yield from sorted(said.ids - known.ids)
    days = {weekday(date) for date in known.dates}
    yield from sorted(said.days - known.days - days)
    # Lists can be counted, weeks stand for days, and a date's day for the date.
    numbers = known.numbers | known.nth | known.weeks | set(_counts(responses))
    numbers |= {year for year, *_ in known.dates if year}
    for number in sorted(said.numbers):
        if number not in numbers | {7 * n for n in known.weeks}:
            yield str(number)
    for number in sorted(said.weeks):
        if number not in numbers and 7 * number not in numbers:
            yield f"{number} weeks"
    for number in sorted(said.nth):
        if number not in numbers | {day for *_, day in known.dates}:
            yield f"{number}th"


def _texts(value):
    """Every text and number of a JSON value, keys too, as texts."""
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _counts(value):
    """How long the lists of a JSON value are."""
    if isinstance(value, dict):
        value = list(value.values())
        for inner in value:
            yield from _counts(inner)
    elif isinstance(value, (list, tuple)):
        yield len(value)
        for inner in value:
            yield from _counts(inner)
