"""Rows as people have them, each made into the examples that it teaches.

The series' own short form, one message and what is due; and OpenAI's `messages`,
with several calls, several turns, tool results and tools of a row's own. An
example is a dict:

    id, family, slice   texts; None where the row gives none
    user_content        the last message of the user
    messages            what comes before the reply, without the developer message
    calls               the calls due, [{"name", "arguments"}]; [] for none
    tool_name           the name of the call due, "a + b" for several, None for none
    reply               the words due, before calls or alone; "" for none
    accepted            per call due, further values of its arguments
    facts               what the words due must hold (use.answers), for the last
                        reply of a row; None where the row does not say
    tools, developer    a row's own, else None
"""

from difflib import get_close_matches

from ..calls import KEY, NAME
from ..judging.arguments import argument_problems, tidied
from .messages import example, is_text, read_arguments, read_messages
from .reading import read_json

SHORT = ("user_content", "tool_name", "tool_arguments", "reply")
BOTH = ("id", "family", "slice", "accepted")
LONG = ("messages", "tools", "facts", "metadata", "parallel_tool_calls")


def examples(row, tools, normalise):
    """(examples, faults) of one row. A row of several turns teaches each reply.

    tools: the task's, JSON schemas. normalise: makes a row's own tools into such.
    Faults are "field: reason".
    """
    long = "messages" in row
    close = get_close_matches("messages", row, 1, 0.8)
    if close and not long:
        return [], [f"{close[0]}: no such field. Did you mean messages?"]
    known = BOTH + (LONG if long else SHORT)
    faults = [
        f"{key}: no such field. Known: {', '.join(known)}."
        + ("" if long else " A conversation of several turns goes into messages.")
        for key in row
        if key not in known
    ]
    faults += [
        f"{key}: a text that is not empty is needed, or leave it out"
        for key in ("id", "family", "slice")
        if key in row and not is_text(row[key])
    ]
    own = None
    if long and row.get("tools") is not None:
        try:
            own = row["tools"]
            own = normalise(read_json(own) if isinstance(own, str) else own)
        except ValueError as error:
            faults += [f"tools: {line}" for line in str(error).splitlines()]
            return [], faults
    made, more = (read_messages if long else _short)(row)
    faults += more
    if faults:
        return [], faults
    declared = {t["function"]["name"]: t["function"] for t in own or tools}
    for one in made:
        faults += _call_faults(one, declared)
        one |= {key: row.get(key) for key in ("id", "family", "slice")}
        one |= {"tools": own}
        names = [call["name"] for call in one["calls"]]
        one["tool_name"] = " + ".join(names) or None
    if not faults:
        faults += _accepted(row.get("accepted"), made, declared)
        faults += _facts(row.get("facts"), made)
    for one in made:
        del one["field"]
    return made, faults


def _short(row):
    """The short form: one message, and one call or a reply in words."""
    faults = []
    if not is_text(row.get("user_content")):
        faults.append("user_content: a text that is not empty is needed")
    name, reply, calls = row.get("tool_name"), row.get("reply"), []
    if name is None:
        if not is_text(reply):
            faults.append("reply: needed where tool_name is null")
        if row.get("tool_arguments") is not None:
            faults.append("tool_arguments: there is no tool_name that they belong to")
    elif not is_text(name) or name.lower() in ("none", "null", "no tool"):
        faults.append(
            f"tool_name: {name!r} is no tool's name. Write null, without quotes, where "
            "no tool is due."
        )
    else:
        if reply is not None:
            faults.append(
                "reply: a row with tool_name has none. Words beside a call go into "
                "messages."
            )
        arguments, problem = read_arguments(row.get("tool_arguments"))
        if problem:
            faults.append(f"tool_arguments: {problem}")
        calls = [{"name": name, "arguments": arguments}]
    if faults:
        return [], faults
    asked = [{"role": "user", "content": row["user_content"]}]
    return [example(asked, calls, reply or "") | {"field": "tool_arguments"}], []


def _call_faults(one, declared):
    """What is wrong with the calls due; optional arguments that are null go away."""
    for number, call in enumerate(one["calls"]):
        short = one["field"] == "tool_arguments"
        at = one["field"] if short else f"{one['field']}[{number}]"
        if call["name"] not in declared:
            field = "tool_name" if short else f"{at}.name"
            known = ", ".join(declared) or "none"
            yield f"{field}: unknown tool {call['name']!r} (known: {known})"
            continue
        schema = declared[call["name"]].get("parameters")
        call["arguments"] = tidied(call["arguments"], schema)
        for problem in argument_problems(call["arguments"], schema):
            yield f"{at}: {problem}"
        for key in _keys(call["arguments"]):
            if not KEY.fullmatch(key):
                yield f"{at}: the format cannot carry the name {key!r}. Rename it."
    for message in one["messages"]:
        for call in message.get("tool_calls", ()):
            call = call["function"]
            if not NAME.fullmatch(call["name"]):
                yield f"messages: a call cannot carry {call['name']!r}. Rename it."
            elif call["name"] in declared:
                schema = declared[call["name"]].get("parameters")
                call["arguments"] = tidied(call["arguments"], schema)


def _keys(value):
    """Every key of a value, at every depth."""
    if isinstance(value, dict):
        yield from value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)


def _accepted(given, made, declared):
    """Note a row's further values beside its last calls; what is wrong with them."""
    if given is None:
        return
    due = made[-1]["calls"]
    if (
        not isinstance(given, list)
        or len(given) != len(due)
        or not all(isinstance(own, dict) for own in given)
    ):
        yield f"accepted: a list of {len(due)} mappings, one for each call due"
        return
    for call, own in zip(due, given):
        schema = declared[call["name"]].get("parameters")
        for name, values in own.items():
            if name not in call["arguments"]:
                yield f"accepted: {call['name']} is due no argument {name!r}"
            elif not isinstance(values, list) or not values:
                yield f"accepted: {name}: a list of values is needed"
            else:
                for value in values:
                    if value == "":  # may be left out
                        continue
                    tried = {**call["arguments"], name: value}
                    for problem in argument_problems(tried, schema):
                        yield f"accepted: {problem}"
    made[-1]["accepted"] = given


def _facts(given, made):
    """Note a row's facts beside its last reply; what is wrong with them."""
    if given is None:
        return
    if not isinstance(given, list) or not all(map(_is_fact, given)):
        yield "facts: a list of texts, numbers, true or false, or lists of these"
    elif not made[-1]["reply"]:
        yield "facts: the last message says nothing that could hold them"
    else:
        made[-1]["facts"] = given


def _is_fact(value):
    if isinstance(value, list):
        return bool(value) and all(map(_is_fact, value))
    return isinstance(value, (int, float)) or is_text(value)
