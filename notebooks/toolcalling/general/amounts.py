"""Values that are numbers: counts, measures, money, shares and durations."""

import re

from . import dates
from .declared import Declared

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
        if raw == 1:
            unit = unit.removesuffix("s")
        if unit == "°C":
            return f"{raw} °C" if draw.random() < 0.5 else f"{raw}°C"
        halves = match[2] in ("kg", "l", "h") and 1 < raw < 20 and raw % 1 == 0.5
        if halves and draw.random() < 0.4:
            return f"{dates.number_word(int(raw))} and a half {max(words, key=len)}"
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


KINDS = {
    "int": _int, "num": _num, "money": _money, "percent": _percent, "minutes": _minutes,
}  # fmt: skip
