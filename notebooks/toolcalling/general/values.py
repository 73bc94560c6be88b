"""What a parameter can hold: its schema, values of it, and how people say them.

declare(spec, draw) fixes one format, as a description tells it; each value then has
a raw form, words for a message, and the form that the call needs.
"""

from . import amounts, dates, texts
from .declared import Declared
from .grammar import expand


def declare(spec, draw):
    """A Declared of a spec such as "int 1-8"; what can vary is drawn."""
    kind, _, rest = spec.partition(" ")
    return KINDS[kind](rest, draw)


def plain(spec, draw, today):
    """A value of a tool's response: numbers bare, dates and times in one format."""
    made = declare(spec, draw)
    raw = made.pick(draw, today)
    if spec.startswith("date"):
        return raw.isoformat()
    if spec.startswith("time"):
        return f"{raw // 60:02d}:{raw % 60:02d}"
    return raw


def and_list(words, draw=None):
    """`a, b and c`"""
    if len(words) == 1:
        return words[0]
    joint = "and" if draw is None or draw.random() < 0.93 else "&"
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _date(when, draw):
    notes, write = draw.choices(dates.DATE_FORMATS, dates.DATE_WEIGHTS)[0]
    return Declared(
        {"type": "string"},
        draw.choice(notes),
        lambda draw, today: dates.pick_date(draw, today, when),
        lambda raw, draw, today, on: dates.say_date(
            raw, draw, None if when == "birth" else today, on
        ),
        write,
    )


def _time(_, draw):
    notes, write = draw.choices(dates.TIME_FORMATS, dates.TIME_WEIGHTS)[0]

    def pick(draw, today):
        return draw.randrange(6 * 60, 22 * 60, draw.choice((30, 30, 15, 5)))

    return Declared(
        {"type": "string"},
        draw.choice(notes),
        pick,
        lambda raw, draw, *_: dates.say_time(raw, draw),
        write,
    )


def _weekday(_, draw):
    short = draw.random() < 0.3
    values = [d[:3].lower() if short else d for d in dates.WEEKDAYS]
    if not short and draw.random() < 0.5:
        values = [value.lower() for value in values]
    told = draw.random() < 0.7
    return Declared(
        {"type": "string", "enum": values} if told else {"type": "string"},
        "" if told else "three letters, as in wed" if short else f"as in {values[2]}",
        lambda draw, today: draw.randrange(7),
        lambda raw, draw, today, on: ("on " if on else "") + dates.WEEKDAYS[raw],
        lambda raw: values[raw],
    )


def _month(_, draw):
    number = draw.random() < 0.5
    return Declared(
        {"type": "integer" if number else "string"},
        draw.choice(("1 to 12", "as a number")) if number else "in full, as in October",
        lambda draw, today: draw.randrange(12),
        lambda raw, draw, today, on: ("in " if on else "") + dates.MONTHS[raw],
        lambda raw: raw + 1 if number else dates.MONTHS[raw],
    )


def _list(spec, draw):
    inner = declare(spec, draw)

    def pick(draw, today):
        found = []
        for _ in range(draw.choice((1, 2, 2, 3, 3, 4))):
            raw = inner.pick(draw, today)
            if raw not in found:
                found.append(raw)
        return found

    def say(raw, draw, today, on):
        words = [inner.say(item, draw, today, False) for item in raw]
        return and_list(words, draw)

    return Declared(
        {"type": "array", "items": dict(inner.schema)},
        inner.note and f"each {inner.note}",
        pick,
        say,
        lambda raw: [inner.write(item) for item in raw],
    )


def _obj(text, draw):
    """`{street} {number} :: street text {road} :: number int 1-90`: a nested object."""
    template, *rest = [part.strip() for part in text.split("::")]
    inner = {}
    for part in rest:
        key, _, spec = part.partition(" ")
        inner[key] = declare(spec, draw)
    properties = {
        key: {
            **made.schema,
            "description": f"The {key.replace('_', ' ')}"
            + (f", {made.note}" if made.note else ""),
        }
        for key, made in inner.items()
    }

    def say(raw, draw, today, on):
        given = {k: m.say(raw[k], draw, today, False) for k, m in inner.items()}
        return expand(template, draw, given)

    return Declared(
        {"type": "object", "properties": properties, "required": list(inner)},
        "",
        lambda draw, today: {k: m.pick(draw, today) for k, m in inner.items()},
        say,
        lambda raw: {k: m.write(raw[k]) for k, m in inner.items()},
    )


KINDS = {
    **texts.KINDS, **amounts.KINDS, "date": _date, "time": _time, "weekday": _weekday,
    "month": _month, "list": _list, "obj": _obj,
}  # fmt: skip
