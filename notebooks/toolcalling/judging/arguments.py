"""Are a call's arguments those that the tool's JSON schema allows?

Imports nothing of ours.
"""

import json
from functools import lru_cache


def argument_problems(arguments, schema):
    """What the tool's JSON schema has against the arguments, a sentence each.

    Stricter than the schema: no argument it does not name, no blank text. An
    optional argument may be null, as if it were left out.
    """
    arguments, found = tidied(arguments, schema), []
    if not _plainly_allowed(arguments, schema or {}):
        found = [
            f"{'.'.join(map(str, error.path))}: {_said(error)}"
            if error.path
            else _said(error)
            for error in _validator(json.dumps(schema or {})).iter_errors(arguments)
        ]
    return found + [
        f"{name!r} is blank"
        for name, value in arguments.items()
        if isinstance(value, str) and not value.strip()
    ]


def argument_problem(arguments, schema):
    """The first of argument_problems; None if there is none."""
    return next(iter(argument_problems(arguments, schema)), None)


def tidied(arguments, schema):
    """The arguments as the schema asks, at every depth.

    Without optional ones that are null; 3.0 as 3 where an integer is asked.
    """
    schema = schema or {}
    required, inner = schema.get("required") or (), schema.get("properties") or {}
    return {
        name: _inside(value, inner.get(name))
        for name, value in arguments.items()
        if value is not None or name in required
    }


# Schemas that were not loaded from a task folder: BFCL's and Gemini's type names.
_OTHER_NAMES = {"dict": "object", "float": "number", "tuple": "array", "list": "array"}
_KNOWN = {"string", "integer", "number", "boolean", "array", "object", "null"}
# By exact type: True is no integer.
_EXACT = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_OBJECT = {"type", "properties", "required", "description"}
_SIMPLE = {"type", "description", "enum", "title", "nullable", "default"}


def _plainly_allowed(arguments, schema):
    """True for most of what is allowed, ten times as fast as jsonschema.

    False says nothing: jsonschema decides. Any keyword not known here is left to it.
    """
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not schema.keys() <= _OBJECT:
        return False
    if any(name not in arguments for name in schema.get("required") or ()):
        return False
    for name, value in arguments.items():
        own = properties.get(name)
        if not isinstance(own, dict) or not own.keys() <= _SIMPLE:
            return False
        kind = own.get("type")
        if not isinstance(kind, str) or type(value) not in _EXACT.get(kind, ()):
            return False
        if "enum" in own and (kind != "string" or value not in own["enum"]):
            return False
    return True


def _inside(value, schema):
    if isinstance(value, (str, int)) or not isinstance(schema, dict):
        return value
    if isinstance(value, float):
        whole = schema.get("type") == "integer" and value.is_integer()
        return int(value) if whole else value
    if isinstance(value, dict) and schema.get("properties"):  # else any key is allowed
        return tidied(value, schema)
    if isinstance(value, list):
        return [_inside(item, schema.get("items")) for item in value]
    return value


def _said(error):
    """A fault in jsonschema's words, cut short; of an unknown argument in our own."""
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties") or ())
        unknown = ", ".join([repr(k) for k in error.instance if k not in known][:5])
        return (
            f"no argument {unknown} is declared (known: {', '.join(known) or 'none'})"
        )
    text = error.message
    return text if len(text) <= 300 else f"{text[:150]} ... {text[-150:]}"


@lru_cache(maxsize=4096)
def _validator(schema):
    from jsonschema import Draft202012Validator

    return Draft202012Validator(strict_schema(json.loads(schema)))


def strict_schema(schema):
    """A tool's schema as it is checked: plain JSON schema, objects closed.

    Nullable as JSON schema says it; types by their JSON schema names.
    """

    def closed(mapping):
        made = dict(mapping)
        if isinstance(kind := made.get("type"), str):
            kind = _OTHER_NAMES.get(kind.lower(), kind.lower())
            made["type"] = kind
            if kind not in _KNOWN:  # as BFCL's "any": not checked
                del made["type"]
        if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
            if isinstance(made.get("enum"), list):
                made["enum"] = [*made["enum"], None]
        if isinstance(made.get("properties"), dict) and made["properties"]:
            made.setdefault("additionalProperties", False)
        return made

    plain = json.loads(json.dumps(schema or {}), object_hook=closed)
    return {"type": "object", "additionalProperties": False, **plain}
