"""What a parameter can hold: its schema, values of it, and how people say them.

declare(spec, draw) fixes one format, as a description tells it; each value then has
a raw form, words for a message, and the form that the call needs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import dates
from .grammar import expand, pools

UNITS = {  # unit: words for it, the name that a description uses, a finer one
    "kg": (("kg", "kilos", "kilograms"), "kilograms", ("grams", 1000)),
    "g": (("g", "grams"), "grams", None),
    "m": (("m", "metres"), "metres", ("centimetres", 100)),
    "cm": (("cm", "centimetres"), "centimetres", None),
    "mm": (("mm", "millimetres"), "millimetres", None),
    "km": (("km", "kilometres"), "kilometres", ("metres", 1000)),
    "l": (("litres", "l"), "litres", ("millilitres", 1000)),
    "ml": (("ml", "millilitres"), "millilitres", None),
    "m2": (("m²", "square metres"), "square metres", None),
    "C": (("°C", "degrees", "degrees Celsius"), "degrees Celsius", None),
    "mi": (("miles",), "miles", None),
    "h": (("hours",), "hours", None),
    "W": (("watts", "W"), "watts", None),
}
MONEY = {"euros": "€", "pounds": "£", "dollars": "$"}


@dataclass(frozen=True)
class Declared:
    """One parameter's values in one tool set.

    schema: JSON schema without description. note: what the description has to add.
    pick(draw, today) -> raw. say(raw, draw, today, on) -> words; on: a preposition
    is wanted. write(raw) -> the value in a call.
    """

    schema: dict
    note: str
    pick: Callable
    say: Callable
    write: Callable


def declare(spec, draw):
    """A Declared of a spec such as "int 1-8"; what can vary is drawn."""
    kind, _, rest = spec.partition(" ")
    return KINDS[kind](rest, draw)


def _text(grammar, draw):
    change, note = draw.choices(
        (lambda t: t, lambda t: re.sub(r"[^a-z0-9]+", "-", t.lower()).strip("-"),
         str.upper),
        (93, 4, 3),
    )[0], ""  # fmt: skip
    if change("A b") != "A b":
        note = {
            "a-b": draw.choice(("lower case, words joined by hyphens", "as-a-slug")),
            "A B": draw.choice(("in capital letters", "UPPER CASE")),
        }[change("A b")]
    return Declared(
        {"type": "string"},
        note,
        lambda draw, today: expand(grammar, draw),
        lambda raw, *_: raw,
        change,
    )


def _person(_, draw):
    turned = draw.random() < 0.18

    def write(raw):
        first, _, last = raw.partition(" ")
        return f"{last}, {first}" if turned else raw

    note = draw.choice(("as Surname, First name", "surname first: Surname, First name"))
    return Declared(
        {"type": "string"},
        note if turned else "",
        lambda draw, today: expand("{first} {surname}", draw),
        lambda raw, *_: raw,
        write,
    )


def _place(_, draw):
    form = draw.choices(("city", "country", "code"), (50, 38, 12))[0]
    note = {
        "city": "",
        "country": draw.choice(("as City, Country", 'in the form "City, Country"')),
        "code": "as City, then the country's two letters, as in Oslo, NO",
    }[form]

    def say(raw, draw, *_):
        city, country, _ = raw
        if form == "city" or draw.random() < 0.4:
            return city
        return draw.choice((f"{city}, {country}", f"{city} in {country}"))

    def write(raw):
        city, country, code = raw
        return {"city": city, "country": f"{city}, {country}"}.get(
            form, f"{city}, {code}"
        )

    return Declared({"type": "string"}, note, _entry("city"), say, write)


def _entry(pool):
    """Draws one entry of a pool, cut at its commas."""
    return lambda draw, today: tuple(
        part.strip() for part in draw.choice(pools()[pool]).split(",")
    )


def _coded(pool, note, codes_only=False):
    """Things that have a code: "Finnish" in a message, "fi" or "Finnish" in a call."""

    def kind(_, draw):
        coded = codes_only or draw.random() < 0.5
        return Declared(
            {"type": "string"},
            draw.choice(note) if coded else "",
            _entry(pool),
            lambda raw, *_: raw[0],
            lambda raw: raw[1] if coded else raw[0],
        )

    return kind


def _date(direction, draw):
    notes, write = draw.choices(dates.DATE_FORMATS, dates.DATE_WEIGHTS)[0]
    return Declared(
        {"type": "string"},
        draw.choice(notes),
        lambda draw, today: dates.pick_date(draw, today, direction == "past"),
        lambda raw, draw, today, on: dates.say_date(raw, draw, today, on),
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


def _minutes(span, draw):
    low, high, step = _span(span)
    unit = draw.choices(("minutes", "seconds", "hours"), (76, 12, 12))[0]

    def write(raw):
        if unit == "hours":
            return raw / 60 if raw % 60 else raw // 60
        return raw * 60 if unit == "seconds" else raw

    if unit == "hours":
        step = 30 if high >= 60 else step
        low = max(low // 30 * 30, 30) if high >= 60 else low
        if high < 60:
            unit = "minutes"
    return Declared(
        {"type": "number" if unit == "hours" else "integer"},
        f"in {unit}",
        lambda draw, today: draw.randrange(low, high + 1, step),
        lambda raw, draw, *_: dates.say_minutes(raw, draw),
        write,
    )


def _span(text):
    """(low, high, step) of "1-8" or "10-50 step 5"."""
    match = re.fullmatch(r"(-?[\d.]+)-([\d.]+)(?: step ([\d.]+))?", text.strip())
    low, high, step = match[1], match[2], match[3] or "1"
    if "." in low + high + step:
        return float(low), float(high), float(step)
    return int(low), int(high), int(step)


def _int(text, draw):
    low, high, step = _span(text)

    def say(raw, draw, *_):
        small = 0 <= raw <= 12 and draw.random() < 0.45
        return dates.number_word(raw) if small else str(raw)

    return Declared(
        {"type": "integer"},
        "",
        lambda draw, today: draw.randrange(low, high + 1, step),
        say,
        lambda raw: raw,
    )


def _num(text, draw):
    match = re.fullmatch(r"(.+?)(?: (kg|g|m|cm|mm|km|l|ml|m2|C|mi|h|W))?", text)
    low, high, step = _span(match[1])
    words, name, finer = UNITS.get(match[2], (("",), "", None))
    times = 1
    if finer and draw.random() < 0.2:
        name, times = finer
    whole = isinstance(low, int) and isinstance(step, int)
    places = len(str(step).partition(".")[2])

    def pick(draw, today):
        count = round((high - low) / step)
        raw = round(low + step * draw.randint(0, count), places)
        return int(raw) if raw == int(raw) else raw

    def say(raw, draw, *_):
        unit = draw.choice(words)
        if unit == "°C":
            return f"{raw} °C" if draw.random() < 0.5 else f"{raw}°C"
        if match[2] in ("kg", "l", "h") and raw % 1 == 0.5 and raw > 1 and words:
            if draw.random() < 0.4:
                return f"{dates.number_word(int(raw))} and a half {words[-1]}" if (
                    match[2] != "l") else f"{dates.number_word(int(raw))} and a half litres"  # fmt: skip
        return f"{raw} {unit}".strip()

    def write(raw):
        made = round(raw * times, 6)
        return int(made) if made == int(made) else made

    kind = "integer" if whole or times > 1 else "number"
    return Declared({"type": kind}, f"in {name}" if name else "", pick, say, write)


def _money(text, draw):
    low, high, step = _span(text)
    name = draw.choice(tuple(MONEY))
    cents = draw.random() < 0.08

    def pick(draw, today):
        raw = draw.randrange(low, high + 1, step)
        return raw + draw.choice((0.5, 0.25, 0.99)) if draw.random() < 0.2 else raw

    def say(raw, draw, *_):
        amount = str(raw) if isinstance(raw, int) else f"{raw:.2f}"
        if draw.random() < 0.5:
            return f"{MONEY[name]}{amount}"
        return f"{amount} {name}"

    note = {"euros": "in cents", "pounds": "in pence", "dollars": "in cents"}[name]
    return Declared(
        {"type": "integer" if cents else "number"},
        note if cents else f"in {name}",
        pick,
        say,
        lambda raw: round(raw * 100) if cents else raw,
    )


def _percent(text, draw):
    low, high, step = _span(text)
    part = draw.random() < 0.15
    note = draw.choice(("as a fraction of 1", "between 0 and 1")) if part else (
        draw.choice(("in percent", "from 0 to 100")))  # fmt: skip
    return Declared(
        {"type": "number" if part else "integer"},
        note,
        lambda draw, today: draw.randrange(low, high + 1, step),
        lambda raw, draw, *_: draw.choice((f"{raw}%", f"{raw} percent", f"{raw} %")),
        lambda raw: round(raw / 100, 2) if part else raw,
    )


def _code(pattern, draw):
    prefixed = re.fullmatch(r"([A-Z]+-?)(#+)", pattern)
    told = bool(prefixed) and draw.random() < 0.25

    def pick(draw, today):
        digits = "".join(
            {"#": "123456789"[draw.randrange(9)], "@": "ABCDEFGHKLMNPRSTVWX"[draw.randrange(19)]}
            .get(mark, mark)
            for mark in pattern
        )  # fmt: skip
        return digits

    example = pattern.replace("#", "4").replace("@", "K")
    note = ""
    if told:
        note = draw.choice(
            (f"as in {example}", f"{prefixed[1]} and the number, as in {example}")
        )
    elif draw.random() < 0.3:
        note = f"as in {example}"
    return Declared(
        {"type": "string"},
        note,
        pick,
        lambda raw, *_: raw[len(prefixed[1]) :] if told else raw,
        lambda raw: raw,
    )


def _enum(text, draw):
    options = [option.partition("=") for option in text.split(";")]
    said = {
        value.strip(): [w.strip() for w in words.split("/") if w.strip()]
        or [value.strip().replace("_", " ")]
        for value, _, words in options
    }
    upper = draw.random() < 0.15
    shown = [value.upper() if upper else value for value in said]
    draw.shuffle(shown)
    return Declared(
        {"type": "string", "enum": shown},
        "",
        lambda draw, today: draw.choice(tuple(said)),
        lambda raw, draw, *_: draw.choice(said[raw]),
        lambda raw: raw.upper() if upper else raw,
    )


def _bool(text, draw):
    yes, _, no = text.partition(";")
    words = {True: yes.split("/"), False: no.split("/")}
    return Declared(
        {"type": "boolean"},
        "",
        # Whoever says nothing means no, so most of those who say something mean yes.
        lambda draw, today: not no or draw.random() < 0.7,
        lambda raw, draw, *_: draw.choice(words[raw]).strip(),
        lambda raw: raw,
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


def and_list(words, draw=None):
    """`a, b and c`"""
    if len(words) == 1:
        return words[0]
    joint = "and" if draw is None or draw.random() < 0.93 else "&"
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


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
    "text": _text, "person": _person, "place": _place, "date": _date, "time": _time,
    "weekday": _weekday, "month": _month, "minutes": _minutes, "int": _int,
    "num": _num, "money": _money, "percent": _percent, "code": _code, "enum": _enum,
    "bool": _bool, "list": _list, "obj": _obj,
    "lang": _coded("language", ("two-letter ISO 639-1 code", "ISO 639-1 code, as in en")),
    "currency": _coded("currency", ("three-letter ISO 4217 code", "as in CHF"), True),
    "country": _coded("country", ("two-letter ISO 3166 code", "ISO country code, as in NO")),
}  # fmt: skip


def plain(spec, draw, today):
    """A value of a tool's response: numbers bare, dates and times in one format."""
    made = declare(spec, draw)
    raw = made.pick(draw, today)
    if spec.startswith("date"):
        return raw.isoformat()
    if spec.startswith("time"):
        return f"{raw // 60:02d}:{raw % 60:02d}"
    return raw
