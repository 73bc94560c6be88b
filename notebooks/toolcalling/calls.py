"""FunctionGemma's function calls as text: write one, read a reply back.

    <start_function_call>call:NAME{key:<escape>text<escape>,n:3}<end_function_call>

The grammar: bare keys; strings between two <escape> tokens, with nothing
escaped inside; numbers, true, false and None bare; mappings in {}, lists
in []. Standard library only.
"""

import re
from dataclasses import dataclass, field

START_DECLARATION = "<start_function_declaration>"
END_DECLARATION = "<end_function_declaration>"
START_CALL = "<start_function_call>"
END_CALL = "<end_function_call>"
START_RESPONSE = "<start_function_response>"
END_RESPONSE = "<end_function_response>"
ESCAPE = "<escape>"
# In the order of their token ids, 46 to 52.
CONTROL_TOKENS = (
    START_DECLARATION, END_DECLARATION, START_CALL, END_CALL,
    START_RESPONSE, END_RESPONSE, ESCAPE,
)  # fmt: skip
TURN_ENDS = ("<end_of_turn>", "<eos>")

MAX_DEPTH = 64  # of nested mappings and lists; keeps recursion bounded

RESERVED = (  # a tokenizer makes a token of each, wherever it stands; of <unused7> too
    *CONTROL_TOKENS, *TURN_ENDS, "<start_of_turn>", "<bos>", "<pad>", "<unk>", "<mask>",
    "<start_of_image>", "<end_of_image>", "<image_soft_token>", "[multimodal]",
)  # fmt: skip
_RESERVED = re.compile("|".join(map(re.escape, RESERVED)) + r"|<unused\d+>")
_SPACE = re.compile(r"\s*")
# One rule for names: what OpenAI and MCP allow, a digit in front too.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HEAD = re.compile(rf"\s*call(?:\s*:\s*|\s+)({NAME.pattern})\s*")
KEY = re.compile(r"[^\s<>{}\[\],:\"'](?:[^<>{}\[\],:\"'\n]*[^\s<>{}\[\],:\"'])?")
_BARE = re.compile(r"[^<{}\[\],]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "None": None}


@dataclass
class FunctionCall:
    """One call: the function's name and its arguments by name."""

    name: str
    arguments: dict = field(default_factory=dict)


@dataclass
class Reply:
    """A model's reply, read.

    calls: the well-formed calls, in order. content: the text around them.
    problems: what was rejected, one sentence each; empty for a clean reply.
    """

    calls: list[FunctionCall] = field(default_factory=list)
    content: str = ""
    problems: list[str] = field(default_factory=list)


class _Rejected(Exception):
    """Why a block is no call, and where in the text that was seen."""

    def __init__(self, reason, position):
        super().__init__(reason)
        self.position = position


def neutralise(text):
    """Text with every control token broken by a blank: `< escape>`.

    A tokenizer turns the text of a control token into that token wherever it
    stands, so a user or a document could open a call or end a turn.
    """
    return _RESERVED.sub(lambda m: m[0][0] + " " + m[0][1:], text)


def render_call(call):
    """The call as FunctionGemma writes it, keys sorted without regard to case.

    Control-token text inside strings is neutralised. Raises ValueError where
    the format cannot carry a name, a key or a value.
    """
    if not NAME.fullmatch(call.name):
        raise ValueError(f"A function cannot be named {call.name!r}.")
    return f"{START_CALL}call:{call.name}{render_value(dict(call.arguments))}{END_CALL}"


def render_value(value, depth=1):
    """A value as it stands in a call; ValueError as render_call raises it."""
    if depth > MAX_DEPTH:
        raise ValueError(f"Arguments are nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        return ESCAPE + neutralise(value) + ESCAPE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not KEY.fullmatch(key):
                raise ValueError(f"An argument cannot be named {key!r}.")
        keys = sorted(value, key=str.lower)
        pairs = [f"{key}:{render_value(value[key], depth + 1)}" for key in keys]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(render_value(v, depth + 1) for v in value) + "]"
    if value is None or (isinstance(value, (int, float)) and value - value == 0):
        return str(value)
    raise ValueError(f"The format has no way to write {value!r}.")


def parse_reply(text):
    """Read what the model wrote: calls, the text around them, what was rejected.

    Never raises for a string. Everything from the first
    <start_function_response> on is cut: the model stops there, what follows is
    invented. Only <start_function_call> opens a call. A block that breaks the
    grammar anywhere is rejected whole, and its text stays in the content: a tool
    should rather not run than run with half its arguments.
    """
    text = text.partition(START_RESPONSE)[0]
    reply, content, at = Reply(), [], 0
    while at < len(text):
        start = text.find(START_CALL, at)
        end = _turn_end(text, at, start)
        if end is not None:
            content.append(text[at:end])
            break
        if start < 0:
            content.append(text[at:])
            break
        content.append(text[at:start])
        try:
            call, at = _parse_call(text, start + len(START_CALL))
        except _Rejected as rejected:
            reply.problems.append(f"{rejected} (at character {rejected.position})")
            at = max(rejected.position, start + len(START_CALL))
            content.append(text[start:at])
            continue
        reply.calls.append(call)
        at = _skip_end_marker(text, at, call, reply)
    reply.content = "".join(content)
    return reply


def _turn_end(text, at, before):
    """Where the turn ends, if it does before the next call."""
    stop = before if before >= 0 else len(text)
    found = [p for p in (text.find(t, at, stop) for t in TURN_ENDS) if p >= 0]
    return min(found, default=None)


def _skip_end_marker(text, at, call, reply):
    """Past the end marker. A stop token can have eaten it: then stay."""
    following = text.find(START_CALL, at)
    turn_end = _turn_end(text, at, following)
    stop = turn_end if turn_end is not None else following
    marker = text.find(END_CALL, at, stop if stop >= 0 else len(text))
    if marker < 0:
        return at
    if text[at:marker].strip():
        reply.problems.append(f"text after the arguments of {call.name} was ignored")
    return marker + len(END_CALL)


def _parse_call(text, at):
    head = _HEAD.match(text, at)
    if not head:
        raise _Rejected("a call must begin with 'call:' and a function's name", at)
    at = head.end()
    if text.startswith("{", at):
        arguments, at = _parse_mapping(text, at, 1)
    elif text.startswith(END_CALL, at):
        arguments = {}
    else:
        raise _Rejected(f"the arguments of {head[1]} must open with '{{'", at)
    return FunctionCall(head[1], arguments), at


def _space(text, at):
    return _SPACE.match(text, at).end()


def _separator(text, at, closing, inside):
    """Past ',' or the closing bracket: (closed, position)."""
    at = _space(text, at)
    if text.startswith(closing, at):
        return True, at + 1
    if text.startswith(",", at):
        return False, at + 1
    if at >= len(text):
        raise _Rejected(f"{inside} is not closed", at)
    raise _Rejected(f"{inside} needs ',' or '{closing}' here", at)


def _parse_mapping(text, at, depth):
    _check_depth(depth, at)
    at, result, closed = _space(text, at + 1), {}, False
    if text.startswith("}", at):
        return result, at + 1
    while not closed:
        at = _space(text, at)
        key = KEY.match(text, at)
        if not key:
            raise _Rejected("an argument's name is missing", at)
        at = _space(text, key.end())
        if not text.startswith(":", at):
            raise _Rejected(f"':' is missing after {key[0]!r}", at)
        if key[0] in result:
            raise _Rejected(f"{key[0]!r} is given twice", at)
        result[key[0]], at = _parse_value(text, at + 1, depth)
        closed, at = _separator(text, at, "}", "the mapping")
    return result, at


def _parse_list(text, at, depth):
    _check_depth(depth, at)
    at, result, closed = _space(text, at + 1), [], False
    if text.startswith("]", at):
        return result, at + 1
    while not closed:
        value, at = _parse_value(text, at, depth)
        result.append(value)
        closed, at = _separator(text, at, "]", "the list")
    return result, at


def _check_depth(depth, at):
    if depth > MAX_DEPTH:
        raise _Rejected(f"nested deeper than {MAX_DEPTH} levels", at)


def _parse_value(text, at, depth):
    at = _space(text, at)
    if text.startswith(ESCAPE, at):
        start = at + len(ESCAPE)
        end = text.find(ESCAPE, start)
        if end < 0:
            raise _Rejected("a string is not closed", len(text))
        return text[start:end], end + len(ESCAPE)
    if text.startswith("{", at):
        return _parse_mapping(text, at, depth + 1)
    if text.startswith("[", at):
        return _parse_list(text, at, depth + 1)
    bare = _BARE.match(text, at)
    if not bare or not bare[0].strip():
        raise _Rejected("a value is missing", at)
    return _read_bare(bare[0].strip(), at), bare.end()


def _read_bare(token, at):
    """true, false, None, a strict JSON number, or else bare words as a string."""
    if token in _WORDS:
        return _WORDS[token]
    if token[0] in "\"'":
        raise _Rejected(f"a string stands between {ESCAPE} tokens, not in quotes", at)
    number = _NUMBER.fullmatch(token)
    if not number:
        return token
    if number[1] is None and number[2] is None:
        if len(token) > 4000:  # Python refuses to read longer integers
            raise _Rejected("a number has over 4000 digits", at)
        return int(token)
    value = float(token)
    if value - value != 0:
        raise _Rejected(f"the number {token[:20]} is out of range", at)
    return value
