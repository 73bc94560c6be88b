"""OpenAI's `messages` made into examples, one for each reply of the assistant.

Nothing is dropped in silence: what a field holds is used, or the row is refused.
"""

from ..calls import neutralise
from .reading import read_json, uncarried

ANSWERED = "the calls before it have no tool result yet"
_ROLES = {"model": "assistant", "function": "tool"}  # other names for the same
# "type", "index" and "annotations" say nothing that a prompt would hold.
_MESSAGE = (
    "role", "content", "name", "tool_calls", "function_call", "tool_call_id", "weight",
    "annotations", "type", "id",
)  # fmt: skip
_CALL = ("id", "type", "index", "function", "name", "arguments")


def is_text(value):
    """A text that is not blank?"""
    return isinstance(value, str) and bool(value.strip())


def example(messages, calls, reply, developer=None):
    """An example as rows.forms describes it, but for what the row says of all."""
    said = [m["content"] for m in messages if m["role"] == "user"]
    return {
        "user_content": said[-1] if said else "",
        "messages": messages,
        "calls": calls,
        "reply": reply,
        "developer": developer,
        "accepted": None,
        "facts": None,
    }


def read_arguments(given):
    """(mapping, None) of a mapping or of JSON text; ({}, what is wrong) else."""
    if isinstance(given, str):
        try:
            given = read_json(given)
        except ValueError as error:
            return {}, f"the JSON text cannot be read ({error}). Mend it."
        # Of a mapping this was looked at when its line was read.
        if fault := next(uncarried(given), None):
            return {}, fault.lstrip(": ")
    if not isinstance(given, dict):
        return {}, "a JSON object is needed, as a mapping or as text; {} for none"
    return given, None


def read_messages(row):
    """(examples, faults) of a row with messages."""
    messages = row["messages"]
    if not isinstance(messages, list) or not messages:
        return [], ["messages: a list of messages is needed"]
    made, faults, before, developer = [], [], [], None
    waiting, answered = [], []  # calls without a result yet; results by call
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            return [], [f"{where}: a mapping is needed"]
        role = message.get("role")
        role = _ROLES.get(role, role) if isinstance(role, str) else role
        faults += _fields(message, role, where)
        text, problem = _text(message.get("content"), role)
        if problem:
            faults.append(f"{where}.content: {problem}")
        if role in ("user", "assistant") and waiting:
            faults.append(f"{where}: {ANSWERED}")
        if role in ("system", "developer") and number == 0:
            developer = text
        elif role == "user":
            if before and before[-1]["role"] == "tool":
                faults.append(
                    f"{where}: the assistant's answer is missing between a tool's "
                    "result and the next message"
                )
            if not problem and not is_text(text):
                faults.append(f"{where}.content: a text that is not empty is needed")
            before.append({"role": "user", "content": text})
        elif role == "assistant":
            calls, more = _calls(message, where)
            faults += more
            waiting = [(n, c.pop("id"), c["name"]) for n, c in enumerate(calls)]
            answered = []
            if not calls and not more and not is_text(text):
                faults.append(f"{where}: neither words nor tool_calls")
            # A greeting before the user's first word answers no prompt.
            asked = any(m["role"] == "user" for m in before)
            if message.get("weight") != 0 and asked and not faults:
                new = example(list(before), calls, text, developer)
                made.append(new | {"field": f"{where}.tool_calls"})
            before.append(_assistant(calls, text))
        elif role == "tool":
            place, name, wrong = _answered(message, waiting)
            if wrong:
                faults.append(f"{where}: {wrong}")
            if not problem and not text:
                faults.append(
                    f"{where}.content: the result is empty, and the chat template would "
                    'show none. Write what came back, such as "done".'
                )
            # The template writes no ids: results stand in the order of their calls.
            start = len(before) - len(answered)
            result = {"role": "tool", "name": name, "content": _plain_keys(text)}
            answered = sorted([*answered, (place, result)], key=lambda pair: pair[0])
            before[start:] = [result for _, result in answered]
        else:
            faults.append(f"{where}.role: {role!r} is none of user, assistant, tool "
                          "(system or developer only first)")  # fmt: skip
    return made, faults or _ending(messages, before, made)


def _ending(messages, before, made):
    """What is wrong with a conversation whose messages are each right."""
    if not any(m["role"] == "user" for m in before):
        return ["messages: no message of a user. Write what the assistant answers."]
    if before[-1]["role"] != "assistant":
        return [
            f"messages[{len(messages) - 1}]: the last message must be the assistant's, "
            "since that is what is learnt"
        ]
    if not made:
        return [
            "messages: every reply has weight 0, so there is nothing to learn. Leave "
            "weight out of one."
        ]
    return []


def _fields(message, role, where):
    """Fields that would be dropped in silence."""
    for key, value in message.items():
        if key in _MESSAGE or not value:  # tables fill what a message lacks with null
            continue
        yield f"{where}.{key}: no such field. Known: {', '.join(_MESSAGE[:7])}."
    if role != "assistant":
        for key in ("tool_calls", "function_call"):
            if message.get(key):
                yield f"{where}.{key}: only the assistant calls. Set its role."
    elif message.get("tool_calls") and message.get("function_call"):
        yield f"{where}: both tool_calls and function_call. Keep tool_calls."
    weight = message.get("weight")
    if weight is not None and weight not in (0, 1):
        yield f"{where}.weight: {weight!r} is neither 0 (not learnt) nor 1"


def _text(content, role):
    """(a message's text, None), or what is wrong with it."""
    if content is None:
        return "", None
    if isinstance(content, str) or (role == "tool" and isinstance(content, dict)):
        return content, None
    if isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
    ):
        return "".join(part["text"] for part in content), None
    return "", "text is needed; images and sounds are not carried"


def _plain_keys(value):
    """A tool's result, the control-token text in its keys broken; values come later."""
    if isinstance(value, dict):
        return {neutralise(k): _plain_keys(v) for k, v in value.items()}
    return [_plain_keys(v) for v in value] if isinstance(value, list) else value


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
        if not isinstance(function, dict) or not is_text(function.get("name")):
            faults.append(f"{at}: a function with a name is needed")
            continue
        faults += [
            f"{at}.{key}: no such field. Known: name, arguments."
            for key in {**call, **function}
            if key not in _CALL and {**call, **function}[key]
        ]
        arguments, problem = read_arguments(function.get("arguments", {}))
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
            {"type": "function", "function": _plain_keys(call)} for call in calls
        ]
    return message


def _answered(message, waiting):
    """(place and name of the call that a tool's message answers, what is wrong).

    By its id, else by its name, else in order; waiting: [(place, id, name)],
    shortened.
    """
    if not waiting:
        return 0, "", "there is no call that this result answers"
    ids, at = [i for _, i, _ in waiting], 0
    given, name = message.get("tool_call_id"), message.get("name")
    if given is not None and any(i is not None for i in ids):
        if given not in ids:
            return 0, "", f"tool_call_id {given!r} is of no call before it"
        at = ids.index(given)
    elif name is not None:
        names = [n for *_, n in waiting]
        if name not in names:
            return 0, "", f"no call of {name!r} waits for a result"
        at = names.index(name)
    place, _, name = waiting.pop(at)
    return place, name, None
