"""Tools as people declare them, made into what FunctionGemma's format can carry.

Python functions with docstrings, OpenAI's schemas, MCP's and Gemini's. What the
format cannot show to the model is refused, with the tool and the parameter.
"""

import copy
import inspect
import json
import re
import types

from ..calls import KEY, NAME, neutralise
from .reading import read_text

# Names of types as Gemini, BFCL and Python spell them, in lower case.
_TYPES = {
    "string": "string", "str": "string", "integer": "integer", "int": "integer",
    "number": "number", "float": "number", "double": "number", "boolean": "boolean",
    "bool": "boolean", "array": "array", "list": "array", "tuple": "array",
    "object": "object", "dict": "object", "null": "null",
}  # fmt: skip
# The released chat template takes these for keywords and shows no such parameter.
SWALLOWED = ("description", "type", "properties", "required", "nullable")


def load_tools(folder):
    """JSON schemas of folder's tools.py or tools.json, in their order.

    ValueError names every tool and parameter that cannot be carried.
    """
    module, listed = folder / "tools.py", folder / "tools.json"
    if module.is_file() and listed.is_file():
        raise ValueError(f"{folder.name}/ holds tools.py and tools.json. Keep one.")
    if module.is_file():
        return tool_schemas(_functions(module))
    if listed.is_file():
        try:
            tools = json.loads(read_text(listed))
        except json.JSONDecodeError as error:
            raise ValueError(f"tools.json: not valid JSON ({error})") from None
        return normalise_tools(tools, "tools.json")
    raise ValueError(
        f"{folder.name}/ has no tools. Write tools.py (typed functions with "
        "docstrings) or tools.json (a list of JSON schemas) there."
    )


def tool_schemas(functions):
    """JSON schemas of Python functions, read from signature and docstring."""
    from transformers.utils import get_json_schema

    schemas, faults = [], []
    for function in functions:
        try:
            schema = get_json_schema(_plain_docstring(function))
        except Exception as error:  # transformers raises several of its own
            faults.append(f"{function.__name__}: {error}".strip())
            continue
        schema["function"].pop("return", None)  # not part of a declaration
        schemas.append(schema)
    if faults:
        raise ValueError("The tools were refused. Mend these:\n" + "\n".join(faults))
    return normalise_tools(schemas, "tools.py")


def normalise_tools(tools, where="tools"):
    """Tools of any common form as OpenAI's, with types that the format knows.

    tools: a list of schemas, or of functions. Raises ValueError with all faults.
    """
    if isinstance(tools, dict):
        tools = [tools]
    if not isinstance(tools, (list, tuple)) or not tools:
        raise ValueError(f"{where}: a list of tools is needed, at least one.")
    if all(callable(tool) for tool in tools):
        return tool_schemas(tools)
    found, faults = [], []
    for number, tool in enumerate(tools, 1):
        made, own = _normalise(tool, number)
        faults += [f"{where}: {fault}" for fault in own]
        found.append(made)
    names = [tool["function"]["name"] for tool in found if tool]
    faults += [
        f"{where}: {name!r} is declared {names.count(name)} times"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if faults:
        raise ValueError("The tools were refused. Mend these:\n" + "\n".join(faults))
    return found


def _functions(module):
    """Public functions that a file defines, in its order."""
    made = types.ModuleType(module.stem)
    try:
        exec(compile(read_text(module), module.name, "exec"), made.__dict__)
    except Exception as error:
        kind = type(error).__name__
        raise ValueError(f"tools.py does not run ({kind}: {error}).") from error
    functions = [
        value
        for name, value in vars(made).items()
        if inspect.isfunction(value)
        and value.__module__ == made.__name__
        and not name.startswith("_")
    ]
    if not functions:
        raise ValueError("tools.py defines no function. Write one for each tool.")
    return functions


def _plain_docstring(function):
    """The function, `name (str): text` in its docstring written as `name: text`."""
    text = inspect.getdoc(function)
    if not text or not re.search(r"^\s+\w+ ?\([^)\n]*\):", text, re.M):
        return function
    copied = types.FunctionType(
        function.__code__, function.__globals__, function.__name__,
        function.__defaults__, function.__closure__,
    )  # fmt: skip
    copied.__annotations__ = function.__annotations__
    copied.__kwdefaults__ = function.__kwdefaults__
    copied.__doc__ = re.sub(r"^(\s+\w+) ?\([^)\n]*\):", r"\1:", text, flags=re.M)
    return copied


def _normalise(tool, number):
    """(schema, faults) of one tool; the schema is None where it has no name."""
    function = tool.get("function", tool) if isinstance(tool, dict) else tool
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None, [f"tool {number}: a mapping with a name is needed"]
    name, faults = function["name"], []
    if not NAME.fullmatch(name):
        faults.append(
            f"{name}: a call can only carry letters, digits, _ . - in a tool's name. "
            "Rename it."
        )
    given = next(
        (function[k] for k in ("parameters", "inputSchema", "input_schema")
         if function.get(k) is not None),
        {},
    )  # fmt: skip
    if not isinstance(given, dict):
        return None, [f"{name}: parameters must be a JSON schema, a mapping"]
    parameters = copy.deepcopy(given)
    parameters["type"] = "object"  # without it the template's braces do not close
    parameters.pop("additionalProperties", None)
    parameters.setdefault("properties", {})
    faults += [f"{name}: {fault}" for fault in _object_faults(parameters, "")]
    made = {
        "name": name,
        "description": neutralise(str(function.get("description") or "")),
        "parameters": parameters,
    }
    return {"type": "function", "function": made}, faults


def _object_faults(schema, at):
    """Normalise an object's properties in place; what can't be carried."""
    properties = schema.get("properties")
    if properties is None:
        properties = schema["properties"] = {}
    if not isinstance(properties, dict):
        yield f"{at or 'parameters'}: properties must be a mapping"
        return
    for name in schema.get("required") or []:
        if name not in properties:
            yield f"parameter {at}{name}: required, but not declared"
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
        if key in schema:
            yield f"{where}: {key} cannot be declared. Give it one type."
            return
    kind = schema.get("type")
    if kind is None and isinstance(schema.get("enum"), list):
        kinds = {type(v) for v in schema["enum"] if v is not None}
        kind = {str: "string", int: "integer"}.get(*kinds) if len(kinds) == 1 else None
    if isinstance(kind, list):
        yield f"{where}: several types ({', '.join(map(str, kind))}). Choose one."
        return
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        yield f"{where}: type {kind!r} is unknown. Known: string, integer, number, " + (
            "boolean, array, object."
        )
        return
    schema["type"] = kind = _TYPES[kind.lower()]
    choices = schema.get("enum")
    if choices is not None:
        if not isinstance(choices, list) or not choices:
            yield f"{where}: enum must be a list with at least one value"
        elif kind != "string":  # the template shows an enum of strings only
            shown = "One of " + ", ".join(map(str, choices)) + "."
            if shown not in schema.get("description", ""):
                schema["description"] = f"{schema.get('description', '')} {shown}".strip()
    if kind == "object":
        schema.pop("additionalProperties", None)
        yield from _object_faults(schema, below)
    elif kind == "array" and isinstance(schema.get("items"), dict) and schema["items"]:
        yield from _value_faults(schema["items"], f"{where}, its items", below)


def _unwrap_null(schema):
    """Optional values in every spelling as `nullable`."""
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
    if schema.get("nullable") and isinstance(schema.get("enum"), list):
        schema["enum"] = [v for v in schema["enum"] if v is not None]
