"""Are these the calls that were due? The syntax-tree rules of BFCL, without BFCL.

For tools the training never saw: does the model still call them, and only when due?
Rules after the Berkeley Function-Calling Leaderboard's ast_checker (bfcl-eval
2026.3.23, ShishirPatil/gorilla), written anew; standard library only.
"""

from .function_calls import parse_reply

# By exact type, so that True is no integer. BFCL's own names stand beside JSON
# schema's; other names ("any") are not checked.
_TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "tuple": (list,),
    "object": (dict,),
    "dict": (dict,),
    "null": (type(None),),
}
_NORMALISED = str.maketrans("'", '"', " ,./-_*^")


def judge_reply(text, tools, accepted):
    """What is wrong with a reply, in a few words; None if it is right.

    text: the reply, control tokens kept. tools, accepted: as in check(). A block
    that breaks the grammar is "malformed: ..." even where no call is due; BFCL
    would let that pass as no call.
    """
    reply = parse_reply(text)
    if reply.problems:
        return f"malformed: {reply.problems[0]}"
    return check(reply.calls, tools, accepted)


def check(calls, tools, accepted):
    """What is wrong with a reply's calls, in a few words; None if they are right.

    calls: list of FunctionCall. tools: the JSON schemas declared. accepted: the
    calls due, in any order, [{"name": str, "arguments": {parameter: [value, ...]}}];
    empty where no call is due. A parameter may have any of its values; "" among
    them means it may be omitted. An accepted mapping gives a list of values for
    each key in the same way; an accepted list is compared in order, item by item.
    The type is the schema's; BFCL would also take that of an accepted value, for
    the names of variables.
    """
    if len(calls) != len(accepted):
        return f"{_count(calls)}, {len(accepted) or 'none'} due"
    schemas = {tool["function"]["name"]: tool["function"] for tool in tools}
    return _pairing_problem(calls, schemas, accepted)


def _count(calls):
    return {0: "no call", 1: "1 call"}.get(len(calls), f"{len(calls)} calls")


def _pairing_problem(calls, schemas, accepted):
    """None if each accepted call can have a call of its own that fits it."""
    if not accepted:
        return None
    due, *later = accepted
    problems = []
    # Calls of the same function first: their problem says most.
    for i in sorted(range(len(calls)), key=lambda i: calls[i].name != due["name"]):
        problem = _call_problem(calls[i], schemas, due)
        if problem is None:
            problem = _pairing_problem(calls[:i] + calls[i + 1 :], schemas, later)
        if problem is None:
            return None
        problems.append(problem)
    return problems[0]


def _call_problem(call, schemas, due):
    if call.name not in schemas:
        return f"unknown function {call.name}"
    if call.name != due["name"]:
        return f"function {call.name} instead of {due['name']}"
    parameters = schemas[call.name].get("parameters") or {}
    return _arguments_problem(call.arguments, parameters, due["arguments"])


def _arguments_problem(arguments, parameters, accepted):
    properties = parameters.get("properties") or {}
    for name in parameters.get("required") or []:
        if name not in arguments:
            return f"required parameter {name!r} is missing"
    for name, value in arguments.items():
        if name not in properties:
            return f"parameter {name!r} is not declared"
        if name not in accepted:
            return f"parameter {name!r} was not expected"
        if not _has_type(value, properties[name]):
            return f"parameter {name!r} has not the type its schema asks: {value!r}"
        if not _matches_any(value, accepted[name]):
            return f"parameter {name!r} has another value than accepted: {value!r}"
    for name, answers in accepted.items():
        if name not in arguments and "" not in answers:
            return f"parameter {name!r} is missing, which this request needs"
    return None


def _has_type(value, schema):
    """Does the value, with what it holds, have its schema's types?"""
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(type(value) in _TYPES.get(kind, (type(value),)) for kind in kinds):
        return False
    if isinstance(value, list):
        return all(_has_type(item, schema.get("items") or {}) for item in value)
    if isinstance(value, dict):
        inner = schema.get("properties") or {}
        return all(_has_type(v, inner.get(key) or {}) for key, v in value.items())
    return True


def _matches_any(value, answers):
    return any(_matches(value, answer) for answer in answers)


def _matches(value, answer):
    if isinstance(value, str) and isinstance(answer, str):
        return _normalised(value) == _normalised(answer)
    if isinstance(value, list) and isinstance(answer, list):
        return len(value) == len(answer) and all(map(_matches, value, answer))
    if isinstance(value, dict) and isinstance(answer, dict):
        return value.keys() <= answer.keys() and all(
            _matches_any(value[key], answers) if key in value else "" in answers
            for key, answers in answer.items()
        )
    # Python holds True equal to 1.
    return isinstance(value, bool) == isinstance(answer, bool) and value == answer


def _normalised(text):
    """Without blanks and , . / - _ * ^, in lower case, ' as "."""
    return text.translate(_NORMALISED).lower()
