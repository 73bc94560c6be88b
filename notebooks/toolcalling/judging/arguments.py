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
    arguments = without_null(arguments, schema)
    found = [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        if error.path
        else error.message
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


def without_null(arguments, schema):
    """The arguments without those optional ones that are null."""
    if None not in arguments.values():
        return arguments
    required = (schema or {}).get("required") or ()
    return {k: v for k, v in arguments.items() if v is not None or k in required}


@lru_cache(maxsize=4096)
def _validator(schema):
    from jsonschema import Draft202012Validator

    strict = {"type": "object", "additionalProperties": False, **_strict(schema)}
    return Draft202012Validator(strict)


def _strict(schema):
    """The schema, nullable as JSON schema says it, nested objects closed."""

    def closed(mapping):
        made = dict(mapping)
        if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
            if isinstance(made.get("enum"), list):
                made["enum"] = [*made["enum"], None]
        if isinstance(made.get("properties"), dict) and made["properties"]:
            made.setdefault("additionalProperties", False)
        return made

    return json.loads(schema, object_hook=closed)
