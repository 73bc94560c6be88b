"""What a tool gave, as the model is shown it: plain values, nothing that acts.

A result is written by others: a ticket's text, a web page. Control-token text in it
is broken, names cannot break out of the format, and it cannot pose as another tool's.
"""

import json
import re
from collections.abc import Mapping

from ..calls import neutralise

LONGEST = 4000  # characters of a response, as JSON
_DEEPEST = 16
_NO_KEY = re.compile(r"[<>{}\[\],:\"'\n]")


def tool_message(name, result, longest=LONGEST):
    """The message {"role": "tool", "name", "content"} for a tool's result.

    A mapping stays one, anything else becomes {"value": ...}, None {"done": true}. A
    result of more than `longest` characters is not cut in the middle: the model is
    told that it is too long.
    """
    shown = {"done": True} if result is None else plain(result)
    if not isinstance(shown, dict) or not shown:  # the template leaves out an empty one
        shown = {"value": shown or "empty" if shown in ({}, [], "") else shown}
    length = len(json.dumps(shown, ensure_ascii=False))
    if length > longest:
        shown = error(f"the result is too long: {length} characters")
    if "name" in shown and "response" in shown:
        # The template would take these two for the tool's name and its response.
        shown = {"name": name, "response": shown}
    return {"role": "tool", "name": name, "content": shown}


def error(text):
    """The response of a call that gave none."""
    return {"error": neutralise(text)}


def plain(value, depth=0):
    """A value as JSON has it, control-token text broken in texts and names.

    What JSON has no form for, and what is nested too deep, becomes its text.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            made = {}
            for key, inner in value.items():
                key = _NO_KEY.sub("_", neutralise(str(key))).strip() or "_"
                while key in made:
                    key += "_"
                made[key] = plain(inner, depth + 1)
            return made
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(inner, depth + 1) for inner in value]
    return neutralise(str(value))
