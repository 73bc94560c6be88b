"""Are these the calls that were due? One comparison of calls for the whole series.

Rules after the Berkeley Function-Calling Leaderboard's ast_checker (bfcl-eval
2026.3.23, ShishirPatil/gorilla), written anew: calls in any order, strings without
regard to case, blanks and some punctuation, several accepted values. Beyond BFCL,
for tasks of one's own: numbers by value, free text that only has to be there.
"""

from ..calls import parse_reply

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
FREE = object()  # among accepted values: any text does


def judge_reply(text, tools, accepted):
    """What is wrong with a reply by BFCL's rules, in a few words; None if nothing.

    text: the reply, control tokens kept. tools, accepted: as in check(). A block
    that breaks the grammar is "malformed: ..." even where no call is due; BFCL
    would let that pass as no call.
    """
    reply = parse_reply(text)
    if reply.problems:
        return f"malformed: {reply.problems[0]}"
    return check(reply.calls, tools, accepted)


def check(calls, tools, accepted):
    """What is wrong with a reply's calls by BFCL's rules; None if they are right.

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

    def problem(call, due):
        if call.name not in schemas:
            return f"unknown function {call.name}"
        if call.name != due["name"]:
            return f"function {call.name} instead of {due['name']}"
        parameters = schemas[call.name].get("parameters") or {}
        for name in parameters.get("required") or []:
            if name not in call.arguments:
                return f"required parameter {name!r} is missing"
        properties = parameters.get("properties") or {}
        for name, value in call.arguments.items():
            if name not in properties:
                return f"parameter {name!r} is not declared"
            if name in due["arguments"] and not _has_type(value, properties[name]):
                return f"parameter {name!r} has not the type its schema asks: {value!r}"
        return values_problem(call.arguments, due["arguments"])

    return pairing_problem(calls, accepted, problem)


def _count(calls):
    return {0: "no call", 1: "1 call"}.get(len(calls), f"{len(calls)} calls")


def due_calls(calls, accepted=None, free=lambda tool, argument: False):
    """Calls due as pairing_problem takes them.

    calls: [{"name", "arguments"}]; accepted: per call, {argument: further values};
    free: whether an argument of a tool is free text.
    """
    return [
        {
            "name": call["name"],
            "arguments": {
                name: [
                    FREE if free(call["name"], name) else _listed(value),
                    *map(_listed, more.get(name, ())),
                ]
                for name, value in call["arguments"].items()
            },
        }
        for call, more in zip(calls, accepted or [{}] * len(calls), strict=True)
    ]


def _listed(value):
    """A value as BFCL accepts it: a mapping holds a list of values for each key."""
    if isinstance(value, dict):
        return {key: [_listed(inner)] for key, inner in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list) else value


def same_call(call, due):
    """What a call differs in from the one due, in a few words; None if in nothing."""
    if call.name != due["name"]:
        return f"function {call.name} instead of {due['name']}"
    return values_problem(call.arguments, due["arguments"])


def pairing_problem(calls, accepted, problem):
    """None if each accepted call can have a call of its own that fits it.

    problem: of (call, accepted call), what is wrong or None.
    """
    found = [[problem(call, due) for call in calls] for due in accepted]
    taken = {}  # call -> accepted call

    def place(wanted, tried):
        """Give it a call that fits, others moved to another that fits them."""
        for at, wrong in enumerate(found[wanted]):
            if wrong is None and at not in tried:
                tried.add(at)
                if at not in taken or place(taken[at], tried):
                    taken[at] = wanted
                    return True
        return False

    for number, due in enumerate(accepted):
        if not place(number, set()):
            # Calls of the same function first, free ones: their problem says most.
            order = sorted(
                (calls[at].name != due["name"], at in taken, at)
                for at in range(len(calls))
            )
            told = (found[number][at] for *_, at in order)
            return next(filter(None, told), f"a call of {due['name']} is missing")
    return None


def values_problem(arguments, accepted):
    """What is wrong with arguments beside {parameter: [accepted value, ...]}."""
    for name, value in arguments.items():
        if name not in accepted:
            return f"parameter {name!r} was not expected"
        if not _matches_any(value, accepted[name]):
            return f"parameter {name!r} has another value than accepted: {value!r}"
    for name, answers in accepted.items():
        if name not in arguments and "" not in answers:
            return f"parameter {name!r} is missing, which this request needs"
    return None


def _has_type(value, schema):
    """Does the value, with what it holds, have its schema's types?"""
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if schema.get("nullable"):
        kinds.append("null")
    if not any(type(value) in _TYPES.get(kind, (type(value),)) for kind in kinds):
        return False
    if isinstance(value, list):
        return all(_has_type(item, schema.get("items") or {}) for item in value)
    if isinstance(value, dict):
        inner = schema.get("properties") or {}
        return all(_has_type(v, inner.get(key) or {}) for key, v in value.items())
    return True


def _matches_any(value, answers):
    return any(answer is FREE or _matches(value, answer) for answer in answers)


def _matches(value, answer):
    if isinstance(value, str) and isinstance(answer, str):
        return normalised(value) == normalised(answer)
    if isinstance(value, list) and isinstance(answer, list):
        return len(value) == len(answer) and all(map(_matches, value, answer))
    if isinstance(value, dict) and isinstance(answer, dict):
        return value.keys() <= answer.keys() and all(
            _matches_any(value[key], answers) if key in value else "" in answers
            for key, answers in answer.items()
        )
    # Python holds True equal to 1.
    return isinstance(value, bool) == isinstance(answer, bool) and value == answer


def normalised(text):
    """Without blanks and , . / - _ * ^, in lower case, ' as "."""
    return text.translate(_NORMALISED).lower()
