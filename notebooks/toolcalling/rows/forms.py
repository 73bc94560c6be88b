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
    tools, developer    a row's own, else None
"""

import json

from ..calls import NAME
from ..judging.arguments import argument_problems, without_null

SHORT = ("user_content", "tool_name", "tool_arguments", "reply")
BOTH = ("id", "family", "slice", "accepted")
LONG = ("messages", "tools", "metadata", "parallel_tool_calls")
ANSWERED = "the calls before it have no tool result yet"


def examples(row, tools, normalise):
    """(examples, faults) of one row. A row of several turns teaches each reply.

    tools: the task's, JSON schemas. normalise: makes a row's own tools into such.
    Faults are "field: reason".
    """
    long = "messages" in row
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
        if key in row and not _is_text(row[key])
    ]
    own = None
    if row.get("tools") is not None:
        try:
            own = normalise(row["tools"])
        except ValueError as error:
            faults += [f"tools: {line}" for line in str(error).splitlines()]
            return [], faults
    made, more = (_long if long else _short)(row)
    faults += more
    if faults:
        return [], faults
    declared = {t["function"]["name"]: t["function"] for t in own or tools}
    for example in made:
        faults += _call_faults(example, declared)
        example |= {key: row.get(key) for key in ("id", "family", "slice")}
        example |= {"tools": own}
        names = [call["name"] for call in example["calls"]]
        example["tool_name"] = " + ".join(names) or None
    faults += _accepted(row.get("accepted"), made)
    for example in made:
        del example["field"]
    return made, faults


def _is_text(value):
    return isinstance(value, str) and bool(value.strip())


def _short(row):
    """The short form: one message, and one call or a reply in words."""
    faults = []
    if not _is_text(row.get("user_content")):
        faults.append("user_content: a text that is not empty is needed")
    name, reply, calls = row.get("tool_name"), row.get("reply"), []
    if name is None:
        if not _is_text(reply):
            faults.append("reply: needed where tool_name is null")
        if row.get("tool_arguments") is not None:
            faults.append("tool_arguments: there is no tool_name that they belong to")
    elif not _is_text(name):
        faults.append("tool_name: the name of a tool is needed, or null")
    else:
        if reply is not None:
            faults.append(
                "reply: a row with tool_name has none. Words beside a call go into "
                "messages."
            )
        arguments, problem = _arguments(row.get("tool_arguments"))
        if problem:
            faults.append(f"tool_arguments: {problem}")
        calls = [{"name": name, "arguments": arguments}]
    if faults:
        return [], faults
    text = row["user_content"]
    example = _example([{"role": "user", "content": text}], calls, reply or "")
    return [example | {"field": "tool_arguments"}], []


def _example(messages, calls, reply, developer=None):
    said = [m["content"] for m in messages if m["role"] == "user"]
    return {
        "user_content": said[-1] if said else "",
        "messages": messages,
        "calls": calls,
        "reply": reply,
        "developer": developer,
        "accepted": None,
    }


def _arguments(given):
    """(mapping, None) of a mapping or of JSON text; ({}, what is wrong) else."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return {}, "the JSON text cannot be read"
    if not isinstance(given, dict):
        return {}, "a JSON object is needed, as a mapping or as text"
    return given, None


def _long(row):
    """OpenAI's form: an example for each reply of the assistant."""
    messages, faults = row["messages"], []
    if not isinstance(messages, list) or not messages:
        return [], ["messages: a list of messages is needed"]
    made, before, developer, waiting = [], [], None, []
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            return [], [f"{where}: a mapping is needed"]
        role = {"model": "assistant", "function": "tool"}.get(
            message.get("role"), message.get("role")
        )
        text, problem = _text(message.get("content"), role)
        if problem:
            faults.append(f"{where}.content: {problem}")
        if role in ("system", "developer") and number == 0:
            developer = text
        elif role == "user":
            if waiting:
                faults.append(f"{where}: {ANSWERED}")
            elif before and before[-1]["role"] == "tool":
                faults.append(
                    f"{where}: the assistant's answer is missing between a tool's "
                    "result and the next message"
                )
            if not _is_text(text):
                faults.append(f"{where}.content: a text that is not empty is needed")
            before.append({"role": "user", "content": text})
        elif role == "assistant":
            if waiting:
                faults.append(f"{where}: {ANSWERED}")
            calls, more = _calls(message, where)
            faults += more
            waiting = [(call.pop("id"), call["name"]) for call in calls]
            if not calls and not _is_text(text):
                faults.append(f"{where}: neither words nor tool_calls")
            if message.get("weight") != 0 and not faults:
                example = _example(list(before), calls, text, developer)
                made.append(example | {"field": f"{where}.tool_calls"})
            before.append(_assistant(calls, text))
        elif role == "tool":
            name, problem = _answered(message, waiting)
            if problem:
                faults.append(f"{where}: {problem}")
            before.append({"role": "tool", "name": name, "content": text})
        else:
            faults.append(f"{where}.role: {role!r} is none of user, assistant, tool "
                          "(system or developer only first)")  # fmt: skip
    if not faults and before[-1]["role"] != "assistant":
        faults.append(
            f"messages[{len(messages) - 1}]: the last message must be the assistant's, "
            "since that is what is learnt"
        )
    if not faults and not any(m["role"] == "user" for m in before):
        faults.append("messages: no message of a user")
    if not faults and not made:
        faults.append("messages: every reply has weight 0, so there is nothing to learn")
    return made, faults


def _text(content, role):
    """(a message's text, None), or what is wrong with it."""
    if content is None:
        return "", None
    if isinstance(content, str) or (role == "tool" and isinstance(content, dict)):
        return content, None
    if isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str)
        for part in content
    ):
        return "".join(part["text"] for part in content), None
    return "", "text is needed; images and sounds are not carried"


def _calls(message, where):
    """([{"id", "name", "arguments"}], faults) of an assistant's message."""
    given = message.get("tool_calls")
    if given is None and message.get("function_call") is not None:
        given = [{"function": message["function_call"]}]
    if given is not None and not isinstance(given, list):
        return [], [f"{where}.tool_calls: a list is needed"]
    calls, faults = [], []
    for number, call in enumerate(given or []):
        at = f"{where}.tool_calls[{number}]"
        function = call.get("function", call) if isinstance(call, dict) else None
        if not isinstance(function, dict) or not _is_text(function.get("name")):
            faults.append(f"{at}: a function with a name is needed")
            continue
        arguments, problem = _arguments(function.get("arguments", {}))
        if problem:
            faults.append(f"{at}.arguments: {problem}")
        calls.append(
            {"id": call.get("id"), "name": function["name"], "arguments": arguments}
        )
    return calls, faults


def _assistant(calls, text):
    """An assistant's message as the chat template takes it."""
    message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"type": "function", "function": dict(call)} for call in calls
        ]
    return message


def _answered(message, waiting):
    """(the name of the call that a tool's message answers, what is wrong).

    By its id, else by its name, else in order; waiting: [(id, name)], shortened.
    """
    if not waiting:
        return "", "there is no call that this result answers"
    ids, at = [i for i, _ in waiting], 0
    given, name = message.get("tool_call_id"), message.get("name")
    if given is not None and any(i is not None for i in ids):
        if given not in ids:
            return "", f"tool_call_id {given!r} is of no call before it"
        at = ids.index(given)
    elif name is not None:
        names = [n for _, n in waiting]
        if name not in names:
            return "", f"no call of {name!r} waits for a result"
        at = names.index(name)
    return waiting.pop(at)[1], None


def _call_faults(example, declared):
    """What is wrong with the calls due; optional arguments that are null go away."""
    for number, call in enumerate(example["calls"]):
        at = example["field"] if example["field"] == "tool_arguments" else (
            f"{example['field']}[{number}]"
        )  # fmt: skip
        if call["name"] not in declared:
            field = "tool_name" if at == "tool_arguments" else f"{at}.name"
            known = ", ".join(declared)
            yield f"{field}: unknown tool {call['name']!r} (known: {known})"
            continue
        schema = declared[call["name"]].get("parameters")
        call["arguments"] = without_null(call["arguments"], schema)
        for problem in argument_problems(call["arguments"], schema):
            yield f"{at}: {problem}"
    for message in example["messages"]:
        for call in message.get("tool_calls", ()):
            if not NAME.fullmatch(call["function"]["name"]):
                yield f"messages: a call cannot carry {call['function']['name']!r}"


def _accepted(given, made):
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
        for name, values in own.items():
            if name not in call["arguments"]:
                yield f"accepted: {call['name']} is due no argument {name!r}"
            elif not isinstance(values, list) or not values:
                yield f"accepted: {name}: a list of values is needed"
    made[-1]["accepted"] = given
