"""Developer messages that decide between tools that overlap: policies.txt.

    ~ kinds query GRAMMAR :: GRAMMAR   a value of one sort, or of the other
    ~ list town GRAMMAR                values that the message lists for each tool
    ~ over price 100-700               a number up to a limit, or above it
    ~ flag words/.. :: words/..        words of the message that are no argument

Every set is of an invented organisation; which names and values belong to which
tool is drawn anew, so that only the developer message tells.
"""

from dataclasses import dataclass, replace
from functools import cache

from . import catalogue, kinds, small_talk
from .catalogue import Tool
from .declarations import show
from .grammar import FOLDER, expand, parse
from .messages import compose, dressed
from .names import Names
from .tool_sets import ToolSet, developer_text, draw_day
from .values import and_list


@dataclass(frozen=True)
class Family:
    """words, says, about: {"A", "B": ...}. split: (way, rest of its line)."""

    name: str
    words: dict
    says: dict
    about: dict
    parameters: tuple
    phrasings: tuple
    split: tuple


@cache
def families():
    """The families of policies.txt."""
    found = []
    text = (FOLDER / "policies.txt").read_text(encoding="utf-8")
    lines = [x for x in text.splitlines() if x.strip() and not x.startswith("#")]
    for line in lines:
        if line.startswith("="):
            found.append(Family(line[1:].strip(), {}, {}, {}, (), (), ()))
            continue
        family, mark, rest = found[-1], line[0], line[1:].strip()
        if mark == "@":
            family.words[rest[0]] = tuple(rest[1:].split())
        elif mark == ":":
            family.says[rest[0]] = _parts(rest[1:])
        elif mark in "AB":
            family.about[mark] = _parts(rest)
        elif mark in "!?":
            made = catalogue.read_parameter(rest, mark == "!", line)
            found[-1] = replace(family, parameters=(*family.parameters, made))
        elif mark == ">":
            found[-1] = replace(family, phrasings=(*family.phrasings, rest))
        else:
            way, _, more = rest.partition(" ")
            found[-1] = replace(family, split=(way, more))
    return tuple(found)


def _parts(text):
    return tuple(part.strip() for part in text.split("|"))


def batch(draw, count, opening, empty_names=0.0):
    """count rows of one organisation, as rows.rows gives them, without the set."""
    family = draw.choice(families())
    # Questions about one's own papers and the world's are the commonest case.
    if draw.random() < 0.25:
        family = families()[0]
    naming, day = Names(draw, empty_names), draw_day(draw)
    choose, about = _split(family, draw)
    two = {side: show(_tool(family, side), naming, draw) for side in "AB"}
    others = draw.sample(catalogue.tools(), draw.choice((0, 0, 1, 1, 2, 3)))
    others = [t for t in others if t.field not in ("finder", "handset")]
    rest = [show(tool, naming, draw) for tool in others]
    shown = draw.sample([*two.values(), *rest], 2 + len(rest))
    tool_set = ToolSet(shown, day, naming)
    developer = {
        "role": "developer",
        "content": _developer(family, two, about, draw, opening, tool_set),
    }
    plan = ["A", "B"] * (count // 2 - 1) + [
        "none",
        "none" if draw.random() < 0.5 else "A",
    ]
    plan = (plan if count > 3 else ["A", "B", "none"])[:count]
    made, pair = [], None
    for side in plan:
        if side == "none":
            row = _no_pair(draw, tool_set, rest)
        else:
            row, pair = _due(draw, family, two, side, choose, day, pair)
        made.append(kinds.conversation(developer, row, tool_set, "policy"))
    draw.shuffle(made)
    return made


def _no_pair(draw, tool_set, rest):
    """Small talk, or one of the tools that the policy does not speak of."""
    if rest and draw.random() < 0.35:
        message = compose(draw.choice(rest), draw, tool_set.day)
        return kinds.row(
            dressed(message, draw), [message.call], said=kinds.said_in([message])
        )
    asked, answer = small_talk.talk(draw, tool_set.shown)
    return kinds.row(asked, reply=answer)


def _due(draw, family, two, side, choose, day, pair):
    """(row, what the next row may share): two in a row differ in what decides."""
    number, given, kept = pair or (draw.randrange(len(family.phrasings)), {}, {})
    shown = two[side]
    raws = {**kept, **choose(side, draw, given)}
    message = compose(shown, draw, day, raws, phrasing=shown.tool.phrasings[number])
    row = kinds.row(
        dressed(message, draw), [message.call], said=kinds.said_in([message])
    )
    if pair or draw.random() < 0.35:
        return row, None
    decides = choose(side, draw, {})
    return row, (
        number,
        given,
        {k: v for k, v in message.raws.items() if k not in decides},
    )


def _tool(family, side):
    """A side's tool, its phrasings with the words that decide."""
    phrasings = family.phrasings
    if family.split[0] == "flag":
        words = dict(zip("AB", family.split[1].split(" :: ")))[side]
        options = "|".join(w.strip() for w in words.split("/"))
        phrasings = [text.replace("{flag}", f"({options})") for text in phrasings]
    parsed = []
    keys = {p.key for p in family.parameters}
    for text in phrasings:
        parsed.append(_filled(parse(text), keys))
    return Tool(
        family.name, family.words[side], family.says[side], family.parameters,
        tuple(parsed), (), (),
    )  # fmt: skip


def _filled(nodes, keys):
    """Slots that are no parameters become pools, to be drawn when composed."""
    made = []
    for node in nodes:
        if isinstance(node, str):
            made.append(node)
        elif node[0] == "slot":
            known = node[1].lstrip("@") in keys
            made.append(node if known else ("pool", node[1]))
        elif node[0] == "opt":
            made.append(("opt", _filled(node[1], keys)))
        else:
            made.append(("alt", tuple(_filled(option, keys) for option in node[1])))
    return tuple(made)


def _split(family, draw):
    """(choose(side, draw, given) -> raws that decide, {side: what it is for})."""
    way, rest = family.split
    about = {side: draw.choice(family.about[side]) for side in "AB"}
    if way == "flag":
        return lambda side, draw, given: {}, about
    key, _, rest = rest.partition(" ")
    if way == "kinds":
        texts = dict(zip("AB", rest.split(" :: ")))
        return lambda side, draw, given: {key: expand(texts[side], draw, given)}, about
    if way == "over":
        low, _, high = rest.partition("-")
        limit = draw.randrange(int(low), int(high))
        limit = limit // 10 * 10 if limit > 100 and int(low) < 1000 else limit
        spec = next(p.spec for p in family.parameters if p.key == key)
        least, most = (int(n) for n in spec.split()[1].split("-"))
        spans = {"A": (least, limit), "B": (limit + 1, most)}
        about = {side: text.replace("{n}", str(limit)) for side, text in about.items()}
        return lambda side, draw, given: {key: draw.randint(*spans[side])}, about
    found = []
    while len(found) < 8:
        value = expand(rest, draw)
        if value not in found:
            found.append(value)
    size = draw.choice((2, 3, 3, 4))
    lists = {"A": found[:size], "B": found[4 : 4 + size]}
    about = {
        side: text.replace("{list}", and_list(lists[side]))
        for side, text in about.items()
    }
    return lambda side, draw, given: {key: draw.choice(lists[side])}, about


def _developer(family, two, about, draw, opening, tool_set):
    def cased(text):
        return text[0].upper() + text[1:]

    org = expand("{org}", draw)
    given = {
        "org": org, "org!": cased(org), "a": two["A"].name, "b": two["B"].name,
        "wa": about["A"], "wb": about["B"], "wa!": cased(about["A"]),
        "wb!": cased(about["B"]),
    }  # fmt: skip
    lines = [expand("{policy_opening}", draw, given)] if draw.random() < 0.85 else []
    lines.append(expand("{policy_rule}", draw, given).replace("\\n", "\n"))
    if draw.random() < 0.5:
        lines.append(expand("{policy_none}", draw))
    broken = "\n" in "".join(lines)
    text = ("\n" if broken else draw.choice((" ", "\n"))).join(lines)
    return developer_text(tool_set, draw, f"{opening}\n{text}")
