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
from .names import Names
from .plain_requests import PAIRED, request, sentence
from .tool_sets import ToolSet, developer_text, draw_day

FAMILIES = ("compute", "lookup", "search", "act")
_DOES = {
    "create": "Creates", "book": "Books", "add": "Adds", "update": "Updates",
    "schedule": "Schedules", "send": "Sends", "order": "Orders", "cancel": "Cancels",
    "register": "Registers", "change": "Changes", "start": "Starts", "save": "Saves",
}  # fmt: skip
_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4), (34, 30, 22, 14)
_TAKES, _TAKES_WEIGHTS = (0, 1, 2, 3, 4, 5, 6), (2, 18, 26, 24, 15, 10, 5)


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
                text = sentence(draw.choice(asks[one.tool.key]), [], {}, {}, one, draw)
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
        made.append(kinds.conversation(developer, row, tool_set, "plain"))
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
    missing = {PAIRED[key] for key in keys if key in PAIRED} - keys
    return found + [p for p in parameters() if p.key in missing]


def _required(takes, draw):
    """The parameters, most of them required."""
    for number, parameter in enumerate(takes):
        yield replace(parameter, required=number == 0 or draw.random() < 0.7)
