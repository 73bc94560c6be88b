"""Tool declarations as a grammar of the replies that are right in form.

Text, or calls of the declared tools with arguments that their schemas allow: names,
types, enums, bounds, required ones, keys in the order of the chat template. A schema
that no such grammar can say is refused.
"""

import json
import re

from ..calls import (
    END_CALL,
    ESCAPE,
    KEY,
    MAX_DEPTH,
    NAME,
    START_CALL,
    parse_reply,
    render_value,
)
from ..judging.arguments import argument_problem, strict_schema
from . import numbers
from .notation import Gbnf, Lark, quoted, times

# What validation would check and a grammar cannot say, or could not for every parser.
_REFUSED = (
    "$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "not", "if", "pattern",
    "multipleOf", "uniqueItems", "contains", "prefixItems", "propertyNames",
    "patternProperties", "minProperties", "maxProperties", "dependentRequired",
    "dependentSchemas", "unevaluatedProperties", "unevaluatedItems",
)  # fmt: skip


def lark_grammar(tools):
    """The replies to a tool set, as llguidance takes a grammar.

    tools: JSON schemas, as declared; none for text alone. Calls end with
    <start_function_response>, text with <end_of_turn>. ValueError names the tool, the
    parameter and what of it cannot be expressed.
    """
    return _Grammar(Lark()).of(tools)


def gbnf_grammar(tools):
    """The same replies as llama.cpp's GBNF, without <end_of_turn>; see notation.Gbnf."""
    return _Grammar(Gbnf()).of(tools)


class _Grammar:
    """Rules as they are found. Methods return what a value looks like."""

    def __init__(self, notation):
        self.notation = notation
        self.rules = {}  # what a rule stands for: its name
        self.escape = notation.token(ESCAPE)
        self.ways = {
            "string": self._string, "integer": self._integer, "number": self._number,
            "boolean": self._boolean, "null": self._null, "array": self._array,
            "object": self._object,
        }  # fmt: skip

    def of(self, tools):
        calls, names = "", [tool["function"]["name"] for tool in tools or ()]
        for name in names:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r}: a call cannot carry this name.")
            if names.count(name) > 1:
                raise ValueError(f"{name}: declared {names.count(name)} times.")
        if names:
            start, end = map(self.notation.token, (START_CALL, END_CALL))
            either = " | ".join(self._tool(tool["function"]) for tool in tools)
            calls = f"({start} ({either}) {end})+"
        named = {
            self.notation.start: self.notation.reply("TEXT", calls),
            **{name: stands_for for stands_for, name in self.rules.items()},
            **self.notation.text_rules(),
            "D": self.notation.chars("0-9"),
        }
        lines = [f"{n}{self.notation.defines}{rule}" for n, rule in named.items()]
        return "\n".join([self.notation.header, *lines]).lstrip() + "\n"

    def _tool(self, function):
        schema = strict_schema(function.get("parameters"))
        _refuse(schema, function["name"])
        arguments = self._object(schema, function["name"], 1, True)
        return f"{quoted('call:' + function['name'])} {arguments}"

    def _rule(self, stands_for, letter="v"):
        """The name of a rule; equal ones are written once."""
        return self.rules.setdefault(stands_for, f"{letter}{len(self.rules) + 1}")

    def _value(self, schema, at, depth, argument=False):
        """Any value that a schema allows. argument: of the call itself, never blank."""
        schema = schema if isinstance(schema, dict) else {}
        _refuse(schema, at)
        if "enum" in schema or "const" in schema:
            return self._choices(schema, at, argument)
        kinds = schema.get("type") or ()
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not kinds or not set(kinds) <= self.ways.keys():
            raise ValueError(f"{at}: a type is needed, one of {', '.join(self.ways)}.")
        if "number" in kinds:  # every integer is one
            kinds = [kind for kind in kinds if kind != "integer"]
        found = [self.ways[kind](schema, at, depth, argument) for kind in kinds]
        return found[0] if len(found) == 1 else f"({' | '.join(found)})"

    def _choices(self, schema, at, argument):
        found = []
        for value in schema.get("enum", [schema.get("const")]):
            # In a list, where a blank text is no fault.
            inside = {"properties": {"v": {"type": "array", "items": schema}}}
            blank = argument and isinstance(value, str) and not value.strip()
            if blank or argument_problem({"v": [value]}, inside):
                continue
            text = render_value(value)
            read = parse_reply(f"{START_CALL}call:f{{v:{text}}}{END_CALL}").calls
            if not read or not _same(read[0].arguments["v"], value):
                raise ValueError(
                    f"{at}: the format cannot carry {value!r} of its enum."
                )
            found.append(self._literal(text))
        if not found:
            raise ValueError(f"{at}: no value of its enum is allowed by its schema.")
        return f"({' | '.join(dict.fromkeys(found))})"

    def _literal(self, text):
        """A value as it is written, its <escape> as tokens."""
        parts = [quoted(part) if part else "" for part in text.split(ESCAPE)]
        return f" {self.escape} ".join(parts).strip()

    def _string(self, schema, at, depth, argument):
        least, most = self._span(schema, "minLength", "maxLength", at)
        if argument and most == 0:
            raise ValueError(f"{at}: a text of no characters is blank.")
        text = "FILLED" if argument else "TEXT"
        if least > 1 or most is not None:
            limits = self.notation.limited(max(least, 1), most, argument)
            text = self._rule(limits, "S") if most != 0 else ""
        optional = "?" if text and least == 0 and not argument else ""
        return f"{self.escape} {text}{optional} {self.escape}"

    def _number(self, schema, at, depth, argument, alternatives=numbers.floats):
        try:
            found = " | ".join(alternatives(schema))
        except ValueError as error:
            raise ValueError(f"{at}: {error}.") from None
        chars = self.notation.chars
        return self._rule(re.sub(r"\[(.-.)\]", lambda m: chars(m[1]), found), "N")

    def _integer(self, *arguments):
        return self._number(*arguments, numbers.integers)

    def _boolean(self, schema, at, depth, argument):
        return '("true" | "false")'

    def _null(self, schema, at, depth, argument):
        return '"None"'

    def _array(self, schema, at, depth, argument):
        _check_depth(depth, at)
        least, most = self._span(schema, "minItems", "maxItems", at)
        if most == 0:
            return '"[" "]"'
        item = self._value(schema.get("items"), f"{at}, its items", depth + 1)
        item = self._rule(item)
        more = times(f'("," {item})', max(least - 1, 0), most and most - 1)
        inside = item if most == 1 else f"{item} {more}"
        return f'"[" {inside} "]"' if least else f'"[" ({inside})? "]"'

    def _span(self, schema, low, high, at):
        least, most = schema.get(low) or 0, schema.get(high)
        if most is not None and most < least:
            raise ValueError(f"{at}: {low} {least} is above {high} {most}.")
        return int(least), None if most is None else int(most)

    def _object(self, schema, at, depth, argument):
        """A mapping. Its keys stand in the template's order, so none comes twice."""
        _check_depth(depth, at)
        properties = schema.get("properties") or {}
        if not properties and schema.get("additionalProperties") is not False:
            raise ValueError(f"{at}: an object of any keys. Name its properties.")
        if unknown := sorted(set(schema.get("required") or ()) - properties.keys()):
            raise ValueError(f"{at}: {unknown[0]} is required, but not declared.")
        names = sorted(properties, key=str.lower)
        pairs = []
        for name in names:
            where = f"{at}: parameter {name}" if depth == 1 else f"{at}.{name}"
            if not KEY.fullmatch(name):
                raise ValueError(f"{where}: the format cannot carry this name.")
            if [n.lower() for n in names].count(name.lower()) > 1:
                raise ValueError(f"{where}: another name differs by case only.")
            value = self._value(properties[name], where, depth + 1, depth == 1)
            needed = name in (schema.get("required") or ())
            pairs.append((self._rule(f"{quoted(name + ':')} {value}"), needed))
        inside = self._pairs(pairs)
        return f'"{{" {inside} "}}"' if inside else '"{" "}"'

    def _pairs(self, pairs):
        """[(pair, is it required?)] in order, with commas between those that are there."""
        if not any(needed for _, needed in pairs):
            found, rest = [], ""
            for pair, _ in reversed(pairs):
                found.append(f"{pair} {rest}".strip())
                rest = self._rule(f'("," {pair})? {rest}'.strip())
            return f"({' | '.join(reversed(found))})?" if found else ""
        parts, comma_before = [], False
        for pair, needed in pairs:
            if not comma_before:
                parts.append(pair if needed else f'({pair} ",")?')
            else:
                parts.append(f'"," {pair}' if needed else f'("," {pair})?')
            comma_before = comma_before or needed
        return " ".join(parts)


def _refuse(schema, at):
    for key in _REFUSED:
        if schema.get(key) not in (None, False):
            raise ValueError(f"{at}: {key} cannot be expressed by the grammar.")


def _check_depth(depth, at):
    if depth > MAX_DEPTH:
        raise ValueError(f"{at}: nested deeper than {MAX_DEPTH} levels.")


def _same(one, other):
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
