"""The words of a plain request: every value, each named by its description."""

import re

from .messages import join
from .values import and_list

# Parameters of one kind that come in twos, so that only the words tell them apart.
_PAIRS = dict(
    (("origin", "destination"), ("from_unit", "to_unit"), ("sender", "receiver"),
     ("lowest", "highest"), ("start_date", "end_date"), ("start_year", "end_year"))
)  # fmt: skip
PAIRED = _PAIRS | {b: a for a, b in _PAIRS.items()}
# What people name behind the value: "oak material"; the call takes the oak alone.
_BEHIND = {
    "material", "colour", "topic", "level", "priority", "size", "category", "language",
    "season", "method",
}  # fmt: skip


def request(shown, asks, draw, day):
    """(text, call, {shown name: words of its value}) of a request that says it all."""
    given, keep = [], draw.choice((0.0, 0.3, 0.6, 1.0))
    for p in shown.tool.parameters:
        if p.required or draw.random() < keep:
            given.append(p)
    raws = {p.key: shown.declared[p.key].pick(draw, day.date) for p in given}
    values = {p.key: shown.declared[p.key].write(raws[p.key]) for p in given}
    said = {p.key: _words(p, shown.declared[p.key], raws[p.key], draw) for p in given}
    call = {"name": shown.name, "arguments": shown.argument_names(values)}
    text = sentence(draw.choice(asks), given, said, values, shown, draw)
    return text, call, shown.argument_names(said)


def _words(parameter, declared, raw, draw):
    """What stands in the message for a value: mostly just what the call needs."""
    value, kind = declared.write(raw), parameter.spec.split()[0]
    if isinstance(value, bool):
        own = declared.say(raw, draw, None, False)
        plain = draw.choice(("yes", "true") if value else ("no", "false"))
        return own if draw.random() < 0.4 else plain
    if isinstance(value, (int, float)):
        if parameter.key == "rate" and draw.random() < 0.4:
            return f"{round(value * 100)}%"
        counted = value >= 1000 and parameter.key not in ("id", "year")
        counted = counted and not parameter.key.endswith("_year")
        return f"{value:,}" if counted and draw.random() < 0.4 else str(value)
    if isinstance(value, list):
        return and_list([str(item) for item in value])
    if isinstance(value, dict) or draw.random() < 0.3 and kind not in ("month",):
        return declared.say(raw, draw, None, False)
    return value.replace("_", " ") if kind == "enum" else value


_BEFORE = {"date": "on", "time": "at"}
_UNITS = "metres|centimetres|millimetres|kilograms|degrees|hours|minutes|kilometres"
_BOTH = ("yes", "true", "no", "false")


def _clause(parameter, words, value, shown, draw, way):
    """One value in words, with what it is."""
    noun = parameter.noun
    if isinstance(value, bool):
        return f"{noun}: {words}" if words in _BOTH else words
    kind = parameter.spec.split()[0]
    if isinstance(value, (int, float)):
        unit = re.search(r"\bin ([a-z]+)$", shown.declared[parameter.key].note or "")
        if unit and draw.random() < 0.5:
            words = f"{words} {unit[1]}"
        if noun.startswith("number of ") and draw.random() < 0.5:
            return f"{words} {noun.removeprefix('number of ')}"
        unit = re.fullmatch(f"(.+) in ({_UNITS})", noun)
        if unit and draw.random() < 0.6:
            noun, words = unit[1], f"{words} {unit[2]}"
    alone = [p for p in shown.tool.parameters if p.spec.split()[0] == kind]
    if kind in _BEFORE and len(alone) == 1 and draw.random() < 0.5 and way != "is":
        return f"{_BEFORE[kind]} {words}"
    if noun == "city" and draw.random() < 0.5 and way != "is":
        return f"in {words}"
    if way == "is":
        return f"the {noun.removeprefix('the ')} is {words}"
    if way == "colon":
        return f"{noun}: {words}"
    if noun in _BEHIND and draw.random() < 0.25:
        return f"{words} {noun}"
    if way == "of" and isinstance(value, (int, float)):
        return f"a {noun.removeprefix('the ')} of {words}"
    if way == "name":
        return f"{shown.names[parameter.key]} {words}"
    if way == "as":
        return f"{words} as the {noun.removeprefix('the ')}"
    return f"{noun} {words}"


def _from_to(key, said, draw):
    """The values of a pair in one clause, in one order or the other."""
    first = key if key in _PAIRS else PAIRED[key]
    a, b = said[first], said[PAIRED[first]]
    if draw.random() < 0.3 and first in ("origin", "sender", "from_unit"):
        return f"to {b} from {a}"
    return f"from {a} to {b}"


def sentence(ask, given, said, values, shown, draw):
    """A request with the values of the parameters given, each in a clause."""
    question = ask.split()[0] in (
        "What",
        "What's",
        "How",
        "Can",
        "Could",
        "Are",
        "Which",
    )
    end = "?" if question else draw.choice((".", ".", ""))
    if not given:
        return join([(ask + end, False)])
    given = draw.sample(given, len(given))
    frame = draw.choices(
        ("with", "is", "colon", "before", "dash"), (42, 18, 18, 12, 10)
    )[0]
    way = draw.choice(("plain", "plain", "of", "of", "as", "name"))
    ways = {
        "is": "is",
        "colon": "colon",
        "dash": draw.choice(("plain", "colon", "name")),
    }
    clauses, told = [], set()
    together = frame != "is" and draw.random() < 0.7
    for p in given:
        pair = {p.key, PAIRED.get(p.key)}
        if together and pair <= said.keys():
            if not pair <= told:
                clauses.append(_from_to(p.key, said, draw))
            told |= pair
        else:
            how = ways.get(frame, way)
            clauses.append(_clause(p, said[p.key], values[p.key], shown, draw, how))
    low = ask if ask.startswith("I") else ask[0].lower() + ask[1:]
    cased = [c[0].upper() + c[1:] for c in clauses]
    if frame == "is":
        facts = (
            f"{cased[0]}."
            if len(cased) == 1
            else f"{and_list([cased[0], *clauses[1:]])}."
        )
        texts = (f"{ask}{end or '.'} {facts}", f"{facts} {ask}{end}")
        return join([(draw.choice(texts), False)])
    if frame == "colon":
        return join([(f"{ask}{draw.choice((': ', ' - '))}{', '.join(clauses)}", False)])
    if frame == "dash":
        return join([(f"{ask}{end or '.'} {'; '.join(cased)}.", False)])
    joined = and_list(clauses)
    first = clauses[0].split()[0]
    if first in ("on", "at", "in", "from", "to"):
        link = ""
    else:
        link = draw.choice(("with ", "with ", "using ", "given ", "for "))
    if frame == "before":
        lead = f"{link}{joined}"
        return join([(f"{lead[0].upper()}{lead[1:]}, {low}{end}", False)])
    return join([(f"{ask} {link}{joined}{end}", False)])
