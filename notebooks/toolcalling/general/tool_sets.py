"""Which tools are declared together, and under which names, words and formats."""

import datetime
from dataclasses import dataclass, field

from . import catalogue, dates, values
from .names import Names

SIZES, SIZE_WEIGHTS = range(1, 9), (9, 15, 17, 16, 13, 11, 10, 9)
# What can take nearly any request, so that hardly one could be declined beside it.
BROAD = {"handset.take_note", *(t.key for t in catalogue.by_field()["finder"])}
_NO_ARTICLE = ("whether", "one", "our", "days", "words", "things", "by", "singers")


@dataclass
class Shown:
    """A tool of the catalogue as one set declares it.

    names: {key: shown name} of the parameters. declared: {key: values.Declared}.
    schema: JSON schema as TRL takes it.
    """

    tool: catalogue.Tool
    name: str
    names: dict
    declared: dict
    schema: dict

    def argument_names(self, keyed):
        """{shown name: value} of {key: value}."""
        return {self.names[key]: value for key, value in keyed.items()}


@dataclass(frozen=True)
class Day:
    """When a conversation takes place. told: the same date if it is told, or None."""

    date: datetime.date
    told: datetime.date | None


@dataclass
class ToolSet:
    """Tools that a batch shares. shown: in the order of their declaration.

    day: a Day. naming: names.Names. spare: tools shown, but not declared.
    """

    shown: list
    day: Day
    naming: Names
    spare: dict = field(default_factory=dict)

    @property
    def schemas(self):
        return [shown.schema for shown in self.shown]

    @property
    def fields(self):
        return {shown.tool.field for shown in self.shown}

    def undeclared(self, tool, draw):
        """A tool that is not declared, as this set would show it."""
        if tool.key not in self.spare:
            self.spare[tool.key] = show(tool, self.naming, draw)
        return self.spare[tool.key]


def draw_set(draw, near, needs=(), broad=True, empty_names=0.0):
    """A ToolSet. near: all tools of one field, at least two; else each of another.

    needs: names of Tool's properties; of each there is a tool for which it is true.
    broad: tools that search over everything may be among them.
    """
    size = draw.choices(SIZES, SIZE_WEIGHTS)[0]
    fields = {
        name: [t for t in tools if broad or t.key not in BROAD]
        for name, tools in catalogue.by_field().items()
    }
    fields = {name: tools for name, tools in fields.items() if tools}
    order = draw.sample(sorted(fields), len(fields))
    if near:
        # Where a field has not so many, the next one's.
        pool = [
            t for name in order for t in draw.sample(fields[name], len(fields[name]))
        ]
        chosen = pool[: max(size, 2)]
    else:
        chosen = [draw.choice(fields[name]) for name in order[:size]]
    fits = near or not any(tool.field == "finder" for tool in chosen)
    if broad and fits and len(chosen) < 8 and draw.random() < 0.5:
        able = [t for t in fields["finder"] if t not in chosen]
        chosen += [draw.choice(able)] if able else []
    for need in needs:
        if not any(getattr(tool, need) for tool in chosen):
            _provide(chosen, need, fields, order, near, draw)
    draw.shuffle(chosen)
    naming = Names(draw, empty_names)
    return ToolSet(
        [show(tool, naming, draw) for tool in chosen], draw_day(draw), naming
    )


def _provide(chosen, need, fields, order, near, draw):
    """Put a tool that has what is needed among those chosen, of the fitting field."""
    taken = {tool.field for tool in chosen}
    own = [name for name in order if (name in taken) == near]
    for names in (own, order):
        able = [
            t
            for name in names
            for t in fields[name]
            if getattr(t, need) and t not in chosen
        ]
        if able:
            break
    if len(chosen) > 7:
        chosen.pop(0)
    chosen.append(draw.choice(able))


def draw_day(draw):
    """A Day, told in nearly every second set."""
    start = datetime.date(draw.randrange(2021, 2034), 1, 1)
    date = start + datetime.timedelta(draw.randrange(364))
    return Day(date, date if draw.random() < 0.45 else None)


def show(tool, naming, draw):
    """A Shown: names, formats and wordings drawn."""
    name = naming.tool(tool.words, tool.field)
    names = naming.parameters({p.key: p.words for p in tool.parameters})
    declared = {p.key: values.declare(p.spec, draw) for p in tool.parameters}
    paired = {key for pair in tool.swappable for key in pair}
    properties = {}
    for parameter in draw.sample(tool.parameters, len(tool.parameters)):
        made = declared[parameter.key]
        schema = dict(made.schema)
        bare = not made.note and parameter.key not in paired
        bare = bare and not naming.empty_parameters and draw.random() < 0.06
        if not bare:
            schema["description"] = _description(parameter, made.note, draw)
        properties[names[parameter.key]] = schema
    parameters = {"type": "object", "properties": properties}
    required = [names[p.key] for p in tool.parameters if p.required]
    if required:
        parameters["required"] = required
    function = {
        "name": name,
        "description": _tool_description(tool, draw),
        "parameters": parameters,
    }
    schema = {"type": "function", "function": function}
    return Shown(tool, name, names, declared, schema)


def the(noun):
    """A noun phrase with its article, where it takes one."""
    return noun if noun.split()[0] in _NO_ARTICLE else f"the {noun}"


def _description(parameter, note, draw):
    words = the(parameter.noun) if draw.random() < 0.35 else parameter.noun
    if draw.random() < 0.85:
        words = words[0].upper() + words[1:]
    if note:
        words += draw.choice((f", {note}", f", {note}", f" ({note})", f"; {note}"))
    if not parameter.required and draw.random() < 0.2:
        words += draw.choice(("; optional", ", if given", ". Leave out if not said"))
    return words + ("." if draw.random() < 0.25 else "")


def _tool_description(tool, draw):
    words = draw.choice(tool.says)
    change = draw.random()
    if change < 0.15:
        return words.rstrip(".")
    if change < 0.27:
        first = tool.says[0]
        return f"Use this to {first[0].lower()}{first[1:]}"
    if change < 0.35 and len(tool.says) > 1:
        return " ".join(draw.sample(tool.says, 2))
    return words


def developer_text(tool_set, draw, opening):
    """The developer message of a set. opening: the sentence before all else."""
    if tool_set.day.told is None:
        return opening
    return f"{opening}\n{dates.say_today(tool_set.day.told, draw)}"
