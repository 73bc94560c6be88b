"""Requests that say every value outright, for tools put together from parts.

A set of such rows teaches how a call is written, before the others teach what people
leave to the reader: the message names a parameter by its description and gives the
value as the call needs it. Tools are made of a verb and a thing (plain.txt), or are
the catalogue's; their parameters are drawn from all that plain.txt knows, so that
only the declaration tells what a tool takes.
"""

import re
from dataclasses import replace
from functools import cache

from . import catalogue, kinds, replies, small_talk
from .catalogue import Tool
from .declarations import show
from .grammar import FOLDER, expand
from .messages import join
from .names import Names
from .tool_sets import ToolSet, developer_text, draw_day
from .values import and_list

FAMILIES = ("compute", "lookup", "search", "act")
_DOES = {
    "create": "Creates", "book": "Books", "add": "Adds", "update": "Updates",
    "schedule": "Schedules", "send": "Sends", "order": "Orders", "cancel": "Cancels",
    "register": "Registers", "change": "Changes", "start": "Starts", "save": "Saves",
}  # fmt: skip
_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4), (34, 30, 22, 14)
_TAKES, _TAKES_WEIGHTS = (0, 1, 2, 3, 4, 5, 6), (2, 18, 26, 24, 15, 10, 5)
# Parameters of one kind that come in twos, so that only the words tell them apart.
_PAIRS = dict(
    (("origin", "destination"), ("from_unit", "to_unit"), ("sender", "receiver"),
     ("lowest", "highest"), ("start_date", "end_date"), ("start_year", "end_year"))
)  # fmt: skip
_PAIRED = _PAIRS | {b: a for a, b in _PAIRS.items()}
# What people name behind the value: "oak material"; the call takes the oak alone.
_BEHIND = {
    "material", "colour", "topic", "level", "priority", "size", "category", "language",
    "season", "method",
}  # fmt: skip


@cache
def parameters():
    """What a tool put together can take: catalogue.Parameters of plain.txt."""
    text = (FOLDER / "plain.txt").read_text(encoding="utf-8").partition("takes:")[2]
    lines = [line for line in text.splitlines() if line.startswith("!")]
    return tuple(
        catalogue.read_parameter(line[1:].strip(), True, line) for line in lines
    )


@cache
def _parts():
    text = (FOLDER / "plain.txt").read_text(encoding="utf-8").partition("takes:")[0]
    lines = [x for x in text.splitlines() if x.strip() and not x.startswith("#")]
    return {
        name.strip(): tuple(part.strip() for part in entries.split("|"))
        for name, _, entries in (line.partition(":") for line in lines)
    }


def batch(draw, count, opening, empty_names=0.0, made_up=0.6):
    """count rows of one set, as rows.rows gives them, without the set.

    made_up: share of tools put together from parts; the others are the catalogue's.
    """
    naming, day = Names(draw, empty_names), draw_day(draw)
    size = draw.choices(_SIZES, _SIZE_WEIGHTS)[0]
    tools, asks, abouts = [], {}, []
    while len(tools) < size + 3:  # three more, which are asked for and not declared
        close = draw.random() < (0.6 if len(tools) >= size else 0.3)
        beside = draw.choice(abouts[:size]) if close and abouts else None
        tool, ask, about = _tool(draw, draw.random() >= made_up, beside)
        # Who could tell creating a survey from starting one?
        same = any(about[0] == f == "act" and about[2] == y for f, _, y in abouts)
        if tool.key not in asks and about not in abouts and not same:
            tools.append(tool)
            asks[tool.key] = ask
            abouts.append(about)
    shown = [show(tool, naming, draw) for tool in tools]
    shown, spare = shown[:size], shown[size:]
    tool_set = ToolSet(draw.sample(shown, size), day, naming)
    developer = {
        "role": "developer",
        "content": developer_text(tool_set, draw, opening),
    }
    made, texts = [], set()
    while len(made) < count:
        way = draw.random()
        if way < 0.17:
            one = draw.choice(spare)
            text, _, _ = request(one, asks[one.tool.key], draw, day)
            if draw.random() < 0.4:  # in short: it would be declined all the same
                text = _sentence(draw.choice(asks[one.tool.key]), [], {}, {}, one, draw)
            row = kinds.row(text, reply=replies.decline(one.tool, draw))
        elif way < 0.24:
            asked, answer = small_talk.talk(draw, shown)
            row = kinds.row(asked, reply=answer)
        else:
            one = draw.choice(shown)
            text, call, said = request(one, asks[one.tool.key], draw, day)
            row = kinds.row(text, [call], said={f"0.{k}": v for k, v in said.items()})
        if (text := str(row["messages"])) in texts and draw.random() < 0.9:
            continue
        texts.add(text)
        made.append(
            {
                "prompt": [developer, *row["messages"]],
                "completion": [kinds.assistant(row["calls"], row["reply"])],
                "tools": tool_set.schemas,
                "kind": "plain",
                "said": row["said"],
            }
        )
    return made


def _tool(draw, of_catalogue, beside=None):
    """(a Tool, openings of requests for it, (family, x, y) that it is made of)

    beside: such a three, of which the tool shares a part: hard to tell from it.
    """
    takes = _takes(draw)
    if of_catalogue and not (beside and beside[0]):
        tool = draw.choice(catalogue.tools())
        own = [replace(p, after=None) for p in tool.parameters if not p.after]
        own = [p for p in own if p.key not in {q.after for q in tool.parameters}]
        own = draw.sample(own, min(len(own), draw.choice((1, 2, 3, 4))))
        words = {word for p in own for word in p.words}
        nouns = {p.noun for p in own}
        more = [p for p in takes if not words & {*p.words} and p.noun not in nouns]
        takes = own + more[: draw.choice((0, 1, 1, 2))]
        does = tool.says[0].rstrip(".")
        low = replies.ability(tool)
        asks = (
            does, f"Please {low}", f"I want to {low}", f"Can you {low}",
            f"Could you {low} for me", f"I'd like to {low}", f"{does} for me",
        )  # fmt: skip
        made = replace(tool, parameters=tuple(_required(takes, draw)))
        return made, asks, ("", tool.key, "")
    family, parts = draw.choice(FAMILIES), _parts()
    y, x = draw.choice(parts[f"{family}_y"]), None
    if beside and beside[0]:  # another property of the same, or the same of another
        family, x, old = beside
        y = draw.choice(parts[f"{family}_y"])
        if family in ("compute", "lookup") and draw.random() < 0.6:
            x, y = draw.choice(parts[f"{family}_x"]), old
    given = {"y": y}
    if family == "act":
        name = x = x or draw.choice(parts["act_name"])
        given |= {"do": name.capitalize(), "do_low": name, "does": _DOES[name]}
        words = f"{name}_{_snake(y)}"
    else:
        name = draw.choice(parts[f"{family}_name"])
        x = given["x"] = x or draw.choice(parts[f"{family}_x"])
        short = y if family == "search" else x
        long = f"{x} {y}" if family == "search" else f"{y} {x}"
        words = f"{name}_{_snake(draw.choice((short, long, long)))}"
        if draw.random() < 0.15:
            words = _snake(long)

    def filled(name):
        return tuple(expand(text, draw, given) for text in parts[name])

    says = filled(f"{family}_says")  # the first is a command, for what is declined
    tool = Tool(
        y.split()[-1], (words,), (says[0], draw.choice(says)),
        tuple(_required(takes, draw)), (), (), (),
    )  # fmt: skip
    return tool, filled(f"{family}_ask"), (family, x, y)


def _snake(words):
    return re.sub(r"[^a-z]+", "_", words.lower().replace("é", "e")).strip("_")


def _takes(draw):
    wanted, found = draw.choices(_TAKES, _TAKES_WEIGHTS)[0], []
    for parameter in draw.sample(parameters(), 20):
        words = {word for p in found for word in p.words}
        if len(found) < wanted and not words & {*parameter.words}:
            found.append(parameter)
    keys = {p.key for p in found}
    missing = {_PAIRED[key] for key in keys if key in _PAIRED} - keys
    return found + [p for p in parameters() if p.key in missing]


def _required(takes, draw):
    """The parameters, most of them required."""
    for number, parameter in enumerate(takes):
        yield replace(parameter, required=number == 0 or draw.random() < 0.7)


# ---- the request ----


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
    text = _sentence(draw.choice(asks), given, said, values, shown, draw)
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
    first = key if key in _PAIRS else _PAIRED[key]
    a, b = said[first], said[_PAIRED[first]]
    if draw.random() < 0.3 and first in ("origin", "sender", "from_unit"):
        return f"to {b} from {a}"
    return f"from {a} to {b}"


def _sentence(ask, given, said, values, shown, draw):
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
        pair = {p.key, _PAIRED.get(p.key)}
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
