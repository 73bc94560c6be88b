"""Tools as people declare them, made into what FunctionGemma's format can carry.

Python functions with docstrings, OpenAI's schemas, MCP's and Gemini's. What the
format cannot show to the model is refused, with the tool and the parameter.
"""

import copy

from ..calls import NAME, neutralise
from .functions import functions_of, raw_schemas
from .parameters import object_faults, schema_faults
from .reading import read_json, read_text, uncarried

# What holds the tools in MCP's tools/list and in Gemini's requests.
_WRAPPERS = ("tools", "functionDeclarations", "function_declarations")


def load_tools(folder):
    """JSON schemas of folder's tools.py or tools.json, in their order.

    ValueError names every tool and parameter that cannot be carried.
    """
    module, listed = folder / "tools.py", folder / "tools.json"
    if module.is_file() and listed.is_file():
        raise ValueError(f"{folder.name}/ holds tools.py and tools.json. Keep one.")
    if module.is_file():
        return tool_schemas(functions_of(module))
    if listed.is_file():
        text = read_text(listed)
        try:
            tools = read_json(text)
        except ValueError as error:
            raise ValueError(
                f"tools.json: not valid JSON ({error}). Write a list of JSON schemas."
            ) from None
        return normalise_tools(tools, "tools.json")
    raise ValueError(
        f"{folder.name}/ has no tools. Write tools.py (typed functions with "
        "docstrings) or tools.json (a list of JSON schemas) there."
    )


def tool_schemas(functions):
    """JSON schemas of Python functions, read from signature and docstring."""
    schemas, faults = raw_schemas(functions)
    _refuse(faults)
    return normalise_tools(schemas, "tools.py")


def normalise_tools(tools, where="tools"):
    """Tools of any common form as OpenAI's, with types that the format knows.

    tools: a list of schemas, or of functions. Raises ValueError with all faults.
    """
    tools = _unwrapped(tools)
    if not isinstance(tools, (list, tuple)) or not tools:
        raise ValueError(f"{where}: a list of tools is needed, at least one.")
    if all(callable(tool) for tool in tools):
        return tool_schemas(tools)
    _refuse([f"{where}: {fault}" for fault in uncarried(list(tools))])
    found, faults = [], []
    for number, tool in enumerate(tools, 1):
        made, own = _normalise(tool, number)
        faults += [f"{where}: {fault}" for fault in own]
        found.append(made)
    names = [tool["function"]["name"] for tool in found if tool]
    faults += [
        f"{where}: {name!r} is declared {names.count(name)} times. Rename one."
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    _refuse(faults)
    return found


def _refuse(faults):
    if faults:
        raise ValueError("The tools were refused. Mend these:\n" + "\n".join(faults))


def _unwrapped(tools):
    """The list of tools, taken out of what MCP and Gemini put around it."""
    for _ in range(2):  # Gemini: {"tools": [{"functionDeclarations": [...]}]}
        if isinstance(tools, dict):
            tools = [tools]
        if not isinstance(tools, (list, tuple)):
            return tools
        opened = []
        for tool in tools:
            own = tool if isinstance(tool, dict) and "name" not in tool else {}
            inner = next(
                (own[k] for k in _WRAPPERS if isinstance(own.get(k), list)), None
            )
            opened += [tool] if inner is None else inner
        tools = opened
    return tools


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
    faults += [f"{name}: {fault}" for fault in object_faults(parameters, "")]
    if not faults:
        faults += [f"{name}: {fault}" for fault in schema_faults(parameters)]
    made = {
        "name": name,
        "description": neutralise(str(function.get("description") or "")),
        "parameters": parameters,
    }
    return {"type": "function", "function": made}, faults
