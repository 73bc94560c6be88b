"""A request in words, and the call that it asks for."""

from dataclasses import dataclass
from datetime import timedelta

from .grammar import article, expand, slots


@dataclass
class Message:
    """pieces: [(text, is a value)], as in the middle of a sentence where a value
    comes first. call: {"name", "arguments"}.

    said: {shown name: the words that stand for its value}. raws, keys: of the
    parameters that are mentioned. missing: required ones that are not.
    """

    pieces: list
    call: dict
    said: dict
    raws: dict
    missing: list

    @property
    def sentence(self):
        """The pieces with a capital at the beginning."""
        written = {str(value) for value in self.call["arguments"].values()}
        return _capital(self.pieces, written)


def compose(shown, draw, day, raws=None, drop=None, phrasing=None):
    """A Message for a tool as its set shows it.

    day: the set's tool_sets.Day.     raws: {key: raw value} that it has to hold. drop: a part to leave out, as Tool.lacking gives it with its phrasing.
    phrasing: one of the tool's, else drawn.
    """
    tool = shown.tool
    required = {p.key for p in tool.parameters if p.required}
    nodes = phrasing or draw.choice(tool.phrasings)
    keep = draw.choice((0.0, 0.5, 0.5, 1.0))
    parts = list(_chosen(nodes, draw, required, drop, keep, set(raws or ())))
    keys = [part[1].lstrip("@") for part in parts if not isinstance(part, str)]
    raws = _raws(shown, keys, draw, day.date, dict(raws or {}))
    pieces, said = [], {}
    for part in parts:
        if isinstance(part, str):
            pieces.append((part, False))
            continue
        key = part[1].lstrip("@")
        words = shown.declared[key].say(raws[key], draw, day.told, part[1][0] == "@")
        pieces.append((words, True))
        said[key] = words
    arguments = {key: shown.declared[key].write(raws[key]) for key in keys}
    call = {"name": shown.name, "arguments": shown.argument_names(arguments)}
    missing = [p for p in tool.parameters if p.required and p.key not in keys]
    return Message(pieces, call, shown.argument_names(said), raws, missing)


def _keys(node):
    return {name.lstrip("@") for name in slots(node[1])}


def _chosen(nodes, draw, required, dropped, keep, wanted):
    """The strings and slots that a phrasing's choices lead to."""
    for node in nodes:
        if isinstance(node, str) or node[0] == "slot":
            yield node
        elif node[0] == "pool":  # a word that is no argument
            yield expand(f"{{{node[1]}}}", draw)
        elif node[0] == "alt":
            option = draw.choice(node[1])
            yield from _chosen(option, draw, required, dropped, keep, wanted)
        elif node is not dropped:
            keys = _keys(node)
            if keys & required or keys & wanted or draw.random() < keep:
                yield from _chosen(node[1], draw, required, dropped, keep, wanted)


def _raws(shown, keys, draw, today, raws):
    """A raw value for each key; no two of one kind alike, pairs in their order."""
    by_key = {p.key: p for p in shown.tool.parameters}
    given = set(raws)
    for key in keys:
        alike = [k for k in raws if by_key[k].spec == by_key[key].spec]
        for _ in range(20):
            if key in given:
                break
            raws[key] = shown.declared[key].pick(draw, today)
            if all(raws[key] != raws[k] for k in alike):
                break
    for key in keys:
        after = by_key[key].after
        if after not in raws or {key, after} & given:
            continue
        if by_key[key].spec.startswith("date"):  # a stay, not half a year
            raws[key] = raws[after] + timedelta(draw.choice((1, 2, 3, 4, 7, 9, 14, 21)))
        elif raws[key] < raws[after]:
            raws[key], raws[after] = raws[after], raws[key]
    return {key: raws[key] for key in keys}


def _capital(pieces, written):
    """The first letter as a capital, but of a value that the call must copy."""
    first, value = pieces[0]
    if not first.strip() and len(pieces) > 1:
        return [pieces[0], *_capital(pieces[1:], written)]
    if value and (first in written or not first[0].isalpha()):
        return pieces
    return [(first[0].upper() + first[1:], value), *pieces[1:]]


def join(pieces):
    """The text of pieces, `a` as `an` where a vowel follows, blanks tidied."""
    text = article("".join(text for text, _ in pieces)).strip()
    for wrong, right in ((" ,", ","), (",,", ","), ("  ", " "), (",?", "?"), (",.", "."),
                         (" .", "."), (" ?", "?"), (" ;", ";"), (" :", ":")):  # fmt: skip
        text = text.replace(wrong, right)
    return text


def dressed(message, draw):
    """The message as one of many people would write it; values stay as they are."""
    pieces = list(message.sentence)
    text = join(pieces).lower()
    asks = "please" in text or "could" in text or "thank" in text
    if draw.random() < 0.03:
        pieces = _mistyped(pieces, draw)
    way = draw.random()
    if way < 0.10:
        pieces = _casual(message.pieces)
    elif way < 0.22:
        greeting = expand("{greeting}", draw)
        if greeting[-1] in ",:":
            pieces = lowered(message.pieces)
        pieces = [(f"{greeting} ", False), *pieces]
    elif way < 0.30:
        pieces = [(expand("{aside} ", draw), False), *pieces]
    elif way < 0.36:
        pieces = [*_closed(pieces), (expand(" {aside}", draw), False)]
    elif way < 0.48 and not asks:
        pieces = [*_closed(pieces), (expand(" {thanks_after}", draw), False)]
    return join(pieces)


def lowered(pieces):
    """The first letter small, unless it is a value's or the word I."""
    first, value = pieces[0]
    word = first.split(" ")[0].rstrip(",.'")
    if value or word in ("I", "I'm", "I'd", "I've") or first[:2] == "I'" or not word:
        return pieces
    return [(first[0].lower() + first[1:], value), *pieces[1:]]


def _closed(pieces):
    last, value = pieces[-1]
    if last.rstrip()[-1:] in (".", "?", "!"):
        return pieces
    return [*pieces, (".", False)]


def _casual(pieces):
    pieces = lowered(pieces)
    last, value = pieces[-1]
    if not value and last.endswith("."):
        pieces = [*pieces[:-1], (last[:-1], False)]
    return pieces


def _mistyped(pieces, draw):
    """Two letters of one word changed about, in the text between values."""
    places = [
        (number, at)
        for number, (text, value) in enumerate(pieces)
        if not value
        for at in range(1, len(text) - 2)
        if text[at - 1 : at + 3].isalpha() and text[at] != text[at + 1]
    ]
    if not places:
        return pieces
    number, at = draw.choice(places)
    text = pieces[number][0]
    text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return [*pieces[:number], (text, False), *pieces[number + 1 :]]
