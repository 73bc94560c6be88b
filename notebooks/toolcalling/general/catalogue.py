"""The invented tools, read from fields/*.txt: one file a field, about eight tools each.

    @ book_lane reserve_lane          names, the first one the usual
    : Reserve a lane. | ...           what it does, a command; further wordings
    ! lane = int 1-8 -- number of the lane      required: names = values -- noun phrase
    ? shoes pairs = int 2-9 -- ...              optional
    > Lane {lane}[, {shoes} pairs of shoes].    a request; grammar.py says how
    < free int 0-9 => {free} lanes are free.    a response's fields, and answers

A parameter is called by its first name here. `{@day}` writes "on" before a date
where it is needed. A value's kind is one of values.KINDS; `after NAME` behind it
keeps it above another's. A tool without `<` does something and tells a reference.
"""

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from .grammar import FOLDER, parse, slots, top_level


@dataclass(frozen=True)
class Parameter:
    """key: as in phrasings. words: its names. spec: kind of value. noun: in words."""

    key: str
    words: tuple
    spec: str
    noun: str
    required: bool
    after: str | None


@dataclass(frozen=True)
class Tool:
    """field: the file's name. words: names. says: what it does, in commands.

    phrasings: parsed requests. fields: [(word, spec)] of a response, answers:
    parsed; both empty for a tool that only does something.
    """

    field: str
    words: tuple
    says: tuple
    parameters: tuple
    phrasings: tuple
    fields: tuple
    answers: tuple

    @property
    def key(self):
        return f"{self.field}.{self.words[0]}"

    def parameter(self, key):
        return next(p for p in self.parameters if p.key == key)

    @property
    def swappable(self):
        """Pairs of parameters that could hold each other's value, in any order."""
        return [
            (a.key, b.key)
            for i, a in enumerate(self.parameters)
            for b in self.parameters[i + 1 :]
            if a.spec == b.spec and not a.after and not b.after
        ]

    @property
    def lacking(self):
        """[(phrasing, part)]: parts that can be left out with one required value."""
        required = {p.key for p in self.parameters if p.required}
        paired = {key for pair in self.ordered for key in pair}
        found = []
        for nodes in self.phrasings:
            for part in nodes:
                if not isinstance(part, str) and part[0] == "opt":
                    keys = {name.lstrip("@") for name in slots(part[1])} & required
                    if len(keys) == 1 and not keys & paired:
                        found.append((nodes, part))
        return found

    @property
    def ordered(self):
        """Pairs of which the second is above the first."""
        return [(p.after, p.key) for p in self.parameters if p.after]


_FIELDS = ContextVar("fields", default=None)


@contextmanager
def only(fields):
    """Inside, tools() gives those of these fields alone; None for all fields."""
    unknown = set(fields or ()) - {tool.field for tool in _read()}
    if unknown or fields is not None and not fields:
        raise ValueError(f"No such fields: {sorted(unknown)}")
    token = _FIELDS.set(fields)
    try:
        yield
    finally:
        _FIELDS.reset(token)


def tools():
    """The tools, in the order of the files' names; inside only(), of its fields."""
    fields = _FIELDS.get()
    return [tool for tool in _read() if fields is None or tool.field in fields]


@cache
def _read():
    """Every tool. ValueError names a faulty line."""
    found = []
    for path in sorted((FOLDER / "fields").glob("*.txt")):
        block = []
        for line in [*path.read_text(encoding="utf-8").splitlines(), "@"]:
            if line.startswith("@") and block:
                found.append(_tool(path.stem, block))
                block = []
            if line.strip() and not line.startswith("#"):
                block.append(line.strip())
    return tuple(found)


def by_field():
    """{field: its tools}"""
    fields = {}
    for tool in tools():
        fields.setdefault(tool.field, []).append(tool)
    return fields


def _tool(field, lines):
    words, says, parameters, phrasings, fields, answers = (), (), [], [], [], []
    for line in lines:
        mark, rest = line[0], line[1:].strip()
        if mark == "@":
            words = tuple(rest.split())
        elif mark == ":":
            says = tuple(part.strip() for part in rest.split("|"))
        elif mark in "!?":
            parameters.append(read_parameter(rest, mark == "!", line))
        elif mark == ">":
            phrasings.append(parse(rest))
        elif mark == "<":
            given, _, said = rest.partition("=>")
            for part in given.split(","):
                word, _, spec = part.strip().partition(" ")
                fields.append((word, spec))
            answers = [parse(answer) for answer in top_level(said)]
        else:
            raise ValueError(f"fields/{field}.txt: {line!r} begins with no known mark")
    made = Tool(
        field, words, says, tuple(parameters), tuple(phrasings), tuple(fields),
        tuple(answers),
    )  # fmt: skip
    _check(made)
    return made


def read_parameter(text, required, line):
    """A Parameter of a line such as `lane = int 1-8 -- number of the lane`."""
    match = re.fullmatch(r"([\w ]+?) = (.+?)(?: after (\w+))? -- (.+)", text)
    if not match:
        raise ValueError(f"a parameter is 'names = kind -- noun phrase', not {line!r}")
    words = tuple(match[1].split())
    return Parameter(words[0], words, match[2], match[4], required, match[3])


def _check(tool):
    """ValueError where a phrasing lacks a required parameter or names an unknown one."""
    known = {p.key for p in tool.parameters}
    for phrasing in tool.phrasings:
        named = {name.lstrip("@") for name in slots(phrasing)}
        missing = {p.key for p in tool.parameters if p.required} - named
        if missing or named - known:
            raise ValueError(
                f"{tool.key}: missing {missing}, unknown {named - known}: {phrasing}"
            )
    known |= {word for word, _ in tool.fields}
    for answer in tool.answers:
        if unknown := set(slots(answer)) - known:
            raise ValueError(f"{tool.key}: unknown {unknown} in an answer")
    if len(tool.phrasings) < 3 or not tool.says or not tool.words:
        raise ValueError(f"{tool.key}: three phrasings, a name and a description")
