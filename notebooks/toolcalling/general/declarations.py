"""A tool as one set declares it: its names, words and formats."""

from dataclasses import dataclass

from . import catalogue, values

_NO_ARTICLE = (
    "whether", "what", "how", "one", "our", "days", "words", "things", "by", "singers",
)  # fmt: skip


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


def show(tool, naming, draw):
    """A Shown: names, formats and wordings drawn."""
    name = naming.tool(tool.words, tool.field)
    declared = {p.key: values.declare(p.spec, draw) for p in tool.parameters}
    names = naming.parameters(
        {p.key: _true_names(p.words, declared[p.key].note) for p in tool.parameters}
    )
    paired = {key for pair in tool.swappable for key in pair}
    properties = {}
    for parameter in draw.sample(tool.parameters, len(tool.parameters)):
        made = declared[parameter.key]
        schema = dict(made.schema)
        bare = not made.note and parameter.key not in paired
        bare = bare and not naming.empty_parameters and draw.random() < 0.06
        if not bare:
            schema["description"] = _description(parameter, made, draw)
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


# A unit in a parameter's name, and in the note of its description.
_UNITS = {
    "minutes": "in minutes", "hours": "in hours", "kilos": "in kilograms",
    "litres": "in litres", "metres": "in metres", "centimetres": "in centimetres",
    "percent": "in percent",
}  # fmt: skip


def _true_names(words, note):
    """The names that do not tell another unit than the description."""
    told = [
        word
        for word in words
        if not note
        or all(told in note for unit, told in _UNITS.items() if unit in word.split("_"))
    ]
    return tuple(told) or words


def the(noun):
    """A noun phrase with its article, where it takes one."""
    return noun if noun.split()[0] in _NO_ARTICLE else f"the {noun}"


def _description(parameter, made, draw):
    words = the(parameter.noun) if draw.random() < 0.35 else parameter.noun
    if draw.random() < 0.85:
        words = words[0].upper() + words[1:]
    if made.note:
        words += draw.choice((", {}", ", {}", " ({})", "; {}")).format(made.note)
    if not parameter.required and draw.random() < 0.35:
        words += _left_out(made, draw)
    return words + ("." if draw.random() < 0.25 else "")


def _left_out(made, draw):
    """What a description says of an optional parameter."""
    kind, default = made.schema["type"], None
    if kind == "boolean":
        default = "false"
    elif kind == "integer" and not made.note or "enum" in made.schema:
        default = made.write(made.pick(draw, None))
    if default is None or draw.random() < 0.4:
        return draw.choice(("; optional", ", if given", ". Leave out if not said"))
    form = draw.choice(("; default {}", " (default: {})", ", {} if not said"))
    return form.format(default)


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
