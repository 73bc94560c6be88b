"""Texts put together from parts. Imports nothing of ours.

    (red|green) {fruit}[ in {month}]

(a|b) is one of two, brackets without a bar are brackets, {name} a slot: one of the entries of a pool of that name, or
what the caller gives. [..] may be left out. Pools stand in pools.txt, one a line,
`name: entry | entry`; a line that begins with a blank goes on with the pool above.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_TOKEN = re.compile(r"\{([^{}]+)\}|([()\[\]|])|([^{}()\[\]|]+)")


@cache
def parse(text):
    """A text as a tuple of nodes: str, ("slot", name), ("alt", texts), ("opt", nodes).

    ValueError where brackets do not match.
    """
    tokens = [(m[1], m[2], m[3]) for m in _TOKEN.finditer(text)]
    if "".join(t for m in _TOKEN.finditer(text) for t in [m[0]]) != text:
        raise ValueError(f"A brace is open: {text!r}")
    nodes, at = _alternatives(tokens, 0)
    if at != len(tokens):
        raise ValueError(f"Brackets do not match: {text!r}")
    return nodes


def _alternatives(tokens, at):
    """(nodes, position) up to a closing bracket or the end."""
    options, nodes = [], []
    while at < len(tokens):
        slot, mark, plain = tokens[at]
        at += 1
        if slot is not None:
            nodes.append(("slot", slot))
        elif plain is not None:
            nodes.append(plain)
        elif mark == "|":
            options.append(tuple(nodes))
            nodes = []
        elif mark in "([":
            inner, at = _alternatives(tokens, at)
            if at >= len(tokens) or tokens[at][1] != {"(": ")", "[": "]"}[mark]:
                raise ValueError(f"Brackets do not match at token {at}: {tokens}")
            at += 1
            if mark == "[":
                nodes.append(("opt", inner))
            elif len(inner) == 1 and inner[0][0] == "alt":
                nodes.extend(inner)
            else:  # a bracket without a bar is one
                nodes += ["(", *inner, ")"]
        else:
            at -= 1
            break
    if not options:
        return tuple(nodes), at
    return (("alt", (*options, tuple(nodes))),), at


def slots(nodes):
    """Names of the slots in nodes, in order, alternatives and options too."""
    for node in nodes:
        if isinstance(node, str) or node[0] == "pool":
            continue
        if node[0] == "slot":
            yield node[1]
        elif node[0] == "opt":
            yield from slots(node[1])
        else:
            for option in node[1]:
                yield from slots(option)


@cache
def pools(file="pools.txt"):
    """{name: tuple of entries} of a file in this folder."""
    lines = []
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            lines[-1] += " | " + line.strip().strip("|").strip()
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    found = {}
    for line in lines:
        name, _, entries = line.partition(":")
        found[name.strip()] = tuple(top_level(entries))
    return found


def top_level(text):
    """The entries of a line, split at the bars outside of brackets, trimmed."""
    entries, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "|" and not depth:
            entries.append(text[start:at].strip())
            start = at + 1
    return [*entries, text[start:].strip()]


def expand(text, draw, given=None):
    """The text with its choices made. draw: a random.Random.

    given: {slot: text}, which goes before the pools; what is drawn for a slot whose
    name ends in a digit is put there too, so that it stands for the same again.
    """
    return _expand(parse(text), draw, {} if given is None else given)


def _expand(nodes, draw, given):
    made = []
    for node in nodes:
        if isinstance(node, str):
            made.append(node)
        elif node[0] == "alt":
            made.append(_expand(draw.choice(node[1]), draw, given))
        elif node[0] == "opt":
            if draw.random() < 0.5:
                made.append(_expand(node[1], draw, given))
        else:
            made.append(_slot(node[1], draw, given))
    return article("".join(made))


def _slot(name, draw, given):
    if name in given:
        return given[name]
    pool = name.rstrip("0123456789")
    text = _expand(parse(draw.choice(pools()[pool])), draw, given)
    if pool != name:
        given[name] = text
    return text


_ARTICLE = re.compile(r"\b([Aa]) (?=(?:[aeio]|u(?!n[ai]|s[eu]|k))[a-z]|(?:8|11|18)\b)")


def article(text):
    """`a` as `an` before a vowel."""
    return _ARTICLE.sub(r"\1n ", text)
