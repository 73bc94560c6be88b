"""Parameters of a tool, made into what the chat template can show; what it cannot.

Faults are "parameter NAME: reason".
"""

import json

from ..calls import KEY, neutralise

# Names of types as Gemini, BFCL and Python spell them, in lower case.
_TYPES = {
    "string": "string", "str": "string", "integer": "integer", "int": "integer",
    "number": "number", "float": "number", "double": "number", "boolean": "boolean",
    "bool": "boolean", "array": "array", "list": "array", "tuple": "array",
    "object": "object", "dict": "object", "null": "null",
}  # fmt: skip
_PYTHON = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "array": list, "object": dict, "null": type(None),
}  # fmt: skip
# The released chat template takes these for keywords and shows no such parameter.
_KEPT = ("type", "enum", "properties", "required", "items", "anyOf", "oneOf", "allOf")
SWALLOWED = ("description", "type", "properties", "required", "nullable")


def schema_faults(parameters):
    """What JSON Schema itself has against the keywords that were left as given."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    for ref in _references(parameters):
        yield f"parameters: $ref {ref!r} cannot be followed. Write what it stands for."
        return
    try:
        Draft202012Validator.check_schema(
            parameters, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    except SchemaError as error:
        keys = [str(key) for key in error.path if key != "properties"]
        yield f"parameter {'.'.join(keys)}: {error.message[:200]}. Mend the schema."


def _references(value):
    """Where a schema points elsewhere; a parameter named $ref holds a mapping."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(inner, str):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def object_faults(schema, at):
    """Normalise an object's properties in place; what can't be carried."""
    # Which arguments there are is judged by what the model is shown.
    schema.pop("additionalProperties", None)
    schema.pop("$defs", None)
    properties = schema.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        yield f"{at or 'parameters'}: properties must be a mapping"
        return
    # Tables of rows with tools of their own hold null for what a tool does not have.
    properties = {k: v for k, v in properties.items() if v is not None}
    schema["properties"] = properties
    for key in () if properties else ("$ref", "anyOf", "oneOf", "allOf"):
        if schema.get(key) is not None:
            yield f"{at or 'parameters'}: {key} cannot be declared. Name the properties."
    required = schema.get("required")
    if required is None:
        schema.pop("required", None)
    elif not isinstance(required, list) or not all(
        isinstance(r, str) for r in required
    ):
        yield f"{at or 'parameters'}: required must be a list of names"
    else:
        for name in required:
            if name not in properties:
                yield f"parameter {at}{name}: required, but not declared. Declare it."
    for name, value in properties.items():
        where = f"parameter {at}{name}"
        if name in SWALLOWED:
            yield f"{where}: the chat template shows no parameter of this name. Rename it."
        elif not KEY.fullmatch(name):
            yield f"{where}: the format cannot carry this name. Rename it."
        if not isinstance(value, dict):
            yield f"{where}: a JSON schema, a mapping, is needed"
            continue
        value["description"] = neutralise(str(value.get("description") or ""))
        yield from _value_faults(value, where, f"{at}{name}.")


def _value_faults(schema, where, below):
    """Normalise one value's schema in place; what can't be carried."""
    _unwrap_null(schema)
    for key in ("$ref", "anyOf", "oneOf", "allOf"):
        if schema.get(key) is not None:
            yield f"{where}: {key} cannot be declared. Give it one type."
            return
    kind = schema.get("type")
    if kind is None and isinstance(schema.get("enum"), list):
        kinds = {type(v) for v in schema["enum"]}
        kind = next((k for k, v in _PYTHON.items() if kinds == {v}), None)
    if isinstance(kind, list):
        yield f"{where}: several types ({', '.join(map(str, kind))}). Choose one."
        return
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        yield f"{where}: type {kind!r} is unknown. Known: string, integer, number, " + (
            "boolean, array, object."
        )
        return
    schema["type"] = kind = _TYPES[kind.lower()]
    if schema.get("enum") is not None:
        yield from _enum_faults(schema, kind, where)
    if kind == "object":
        yield from object_faults(schema, below)
    elif kind == "array" and isinstance(schema.get("items"), dict) and schema["items"]:
        items = schema["items"]
        for key, value in list(items.items()):  # of items the template shows all keys
            if isinstance(value, str):
                items[key] = neutralise(value)
            elif isinstance(value, (dict, list)) and key not in _KEPT:
                del items[key]
        yield from _value_faults(items, f"{where}, its items", below)


def _enum_faults(schema, kind, where):
    """Show an enum that the template would not show; what is wrong with it."""
    choices = schema["enum"]
    if not isinstance(choices, list) or not choices:
        yield f"{where}: enum must be a list with at least one value"
        return
    for value in choices:
        if not isinstance(value, _PYTHON[kind]) or (
            isinstance(value, bool) and kind != "boolean"
        ):
            yield f"{where}: enum holds {value!r}, which is no {kind}. Correct it."
        elif isinstance(value, str) and neutralise(value) != value:
            yield f"{where}: enum holds a control token, {value!r}. Rename it."
    if kind != "string":  # the template shows an enum of strings only
        said = schema.get("description") or ""
        shown = f"One of {', '.join(map(json.dumps, choices))}."
        if shown not in said:
            schema["description"] = f"{said} {shown}".strip()


def _unwrap_null(schema):
    """Optional values in every spelling as `nullable`, a const as an enum of one."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and all(isinstance(o, dict) for o in options):
            rest = [o for o in options if str(o.get("type")).lower() != "null"]
            if len(rest) == 1:
                description = schema.get("description")
                del schema[key]
                schema.update(rest[0])
                if description:
                    schema["description"] = description
                if len(rest) < len(options):
                    schema["nullable"] = True
    kind = schema.get("type")
    if isinstance(kind, list):
        rest = [k for k in kind if str(k).lower() != "null"]
        if len(rest) == 1:
            schema["type"] = rest[0]
            if len(rest) < len(kind):
                schema["nullable"] = True
    if schema.get("const") is not None:
        schema.setdefault("enum", [schema.pop("const")])
    choices = schema.get("enum")
    if isinstance(choices, list) and None in choices:
        schema["enum"] = [v for v in choices if v is not None]
        schema["nullable"] = True
