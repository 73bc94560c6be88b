"""One row of each kind, for the tools of a set.

Each function gives {"messages", "calls", "reply", "said"}: what comes after the
developer message, and what is due.
"""

from . import catalogue, replies, small_talk
from .grammar import expand, slots
from .messages import compose, dressed, join, lowered
from .tool_sets import BROAD, alike


def assistant(calls, reply):
    """The assistant's message as the chat template takes it."""
    message = {"role": "assistant"}
    if reply or not calls:
        message["content"] = reply
    if calls:
        message["tool_calls"] = [{"type": "function", "function": c} for c in calls]
    return message


def conversation(developer, row, tool_set, kind):
    """A row as rows.rows gives it, under a developer message and a set of tools."""
    return {
        "prompt": [developer, *row["messages"]],
        "completion": [assistant(row["calls"], row["reply"])],
        "tools": tool_set.schemas, "kind": kind, "said": row["said"],
    }  # fmt: skip


def row(text, calls=(), reply="", said=None, before=()):
    """A row that ends in the user's text. before: what was said till then."""
    messages = [*before, {"role": "user", "content": text}]
    return {
        "messages": messages,
        "calls": list(calls),
        "reply": reply,
        "said": said or {},
    }


def said_in(messages):
    """{"0.name": words} of the values in the Messages of calls 0, 1, ..."""
    return {
        f"{number}.{name}": words
        for number, message in enumerate(messages)
        for name, words in message.said.items()
    }


def one(draw, tool_set):
    """A call of any of the tools."""
    message = compose(draw.choice(tool_set.shown), draw, tool_set.day)
    before = ()
    if draw.random() < 0.06:  # in the middle of a conversation
        asked, answer = small_talk.talk(draw, tool_set.shown)
        before = ({"role": "user", "content": asked}, assistant((), answer))
    text = dressed(message, draw)
    return row(text, [message.call], said=said_in([message]), before=before)


def near(draw, tool_set):
    """A call of a tool beside which others of its field are declared."""
    fields = [shown.tool.field for shown in tool_set.shown]
    able = [s for s in tool_set.shown if fields.count(s.tool.field) > 1]
    message = compose(draw.choice(able or tool_set.shown), draw, tool_set.day)
    return row(dressed(message, draw), [message.call], said=said_in([message]))


def swapped(draw, tool_set):
    """Two rows, whose calls differ in two values that have changed places."""
    able = [s for s in tool_set.shown if s.tool.swappable]
    ordered = [s for s in tool_set.shown if s.tool.ordered]
    if ordered and draw.random() < 0.3:
        return _told_otherwise(draw, tool_set, draw.choice(ordered))
    shown = draw.choice(able)
    pair = draw.choice(shown.tool.swappable)
    fitting = [
        nodes
        for nodes in shown.tool.phrasings
        if set(pair) <= {name.lstrip("@") for name in slots(nodes)}
    ]
    first = compose(
        shown, draw, tool_set.day, None, phrasing=draw.choice(fitting)
    )  # an optional one of the pair may have been left out
    raws = {key: raw for key, raw in first.raws.items()}
    if not set(pair) <= raws.keys():
        picked = [shown.declared[key].pick(draw, tool_set.day.date) for key in pair]
        first = compose(
            shown, draw, tool_set.day, dict(zip(pair, picked)),
            phrasing=draw.choice(fitting),
        )  # fmt: skip
        raws = dict(first.raws)
    a, b = pair
    raws[a], raws[b] = raws[b], raws[a]
    second = compose(shown, draw, tool_set.day, raws, phrasing=draw.choice(fitting))
    return [
        row(dressed(message, draw), [message.call], said=said_in([message]))
        for message in (first, second)
    ]


def _told_otherwise(draw, tool_set, shown):
    """Two rows of a tool with a least and a most: the same, told in another order."""
    pair = set(draw.choice(shown.tool.ordered))
    fitting = [
        nodes
        for nodes in shown.tool.phrasings
        if pair <= {name.lstrip("@") for name in slots(nodes)}
    ]
    nodes = draw.sample(fitting, min(2, len(fitting)))
    first = compose(shown, draw, tool_set.day, phrasing=nodes[0])
    kept = {key: raw for key, raw in first.raws.items() if key in pair}
    if draw.random() < 0.5:  # else with other values
        kept = {}
    second = compose(shown, draw, tool_set.day, kept, phrasing=nodes[-1])
    return [
        row(dressed(message, draw), [message.call], said=said_in([message]))
        for message in (first, second)
    ]


def taken(draw, tool_set):
    """A request whose tool is not declared, mostly of a field that is."""
    declared = {shown.tool.key for shown in tool_set.shown}
    fields = catalogue.by_field()
    wanted = tool_set.fields if draw.random() < 0.7 else fields.keys()
    barred = declared | BROAD | alike(declared)
    able = [t for f in sorted(wanted) for t in fields[f] if t.key not in barred]
    able = able or [t for t in catalogue.tools() if t.key not in barred]
    tool = draw.choice(able)
    message = compose(tool_set.undeclared(tool, draw), draw, tool_set.day)
    return row(dressed(message, draw), reply=replies.decline(tool, draw))


def talk(draw, tool_set):
    """A message that needs no tool."""
    asked, answer = small_talk.talk(draw, tool_set.shown)
    return row(asked, reply=answer)


def ask(draw, tool_set):
    """A request that lacks a required value."""
    message, _ = _lacking(draw, tool_set)
    return row(dressed(message, draw), reply=replies.ask(message.missing, draw))


def answered(draw, tool_set):
    """A request that lacks a value, the question for it, and the answer: call."""
    message, shown = _lacking(draw, tool_set)
    missing = message.missing[0]
    declared, name = shown.declared[missing.key], shown.names[missing.key]
    alike = [
        message.raws[p.key]
        for p in shown.tool.parameters
        if p.spec == missing.spec and p.key in message.raws
    ]
    for _ in range(20):
        raw = declared.pick(draw, tool_set.day.date)
        if raw not in alike:
            break
    words = declared.say(raw, draw, tool_set.day.told, False)
    arguments = {**message.call["arguments"], name: declared.write(raw)}
    before = (
        {"role": "user", "content": dressed(message, draw)},
        assistant((), replies.ask(message.missing, draw)),
    )
    said = said_in([message]) | {f"0.{name}": words}
    call = {"name": shown.name, "arguments": arguments}
    return row(replies.given_late(words, draw), [call], said=said, before=before)


def _lacking(draw, tool_set):
    """(a Message without a required value, its tool)."""
    shown = draw.choice([s for s in tool_set.shown if s.tool.lacking])
    nodes, part = draw.choice(shown.tool.lacking)
    return compose(shown, draw, tool_set.day, drop=part, phrasing=nodes), shown


def several(draw, tool_set):
    """Two calls, now and then three, of different tools or of one."""
    count = 3 if draw.random() < 0.18 else 2
    if len(tool_set.shown) >= count and draw.random() < 0.62:
        chosen = draw.sample(tool_set.shown, count)
    else:
        chosen = [draw.choice([s for s in tool_set.shown if s.names])] * count
        if same := _once_more(draw, tool_set, chosen[0]):
            return same
    for _ in range(20):
        messages = [compose(shown, draw, tool_set.day) for shown in chosen]
        if len({str(m.call) for m in messages}) == count:
            break
    text = join(messages[0].sentence)
    for message in messages[1:]:
        text = text if text[-1] in ".?!" else f"{text}."
        joint = expand("{joint}", draw)
        closed = joint[-1] in ".!?"
        text += (
            f" {joint} {join(message.sentence if closed else lowered(message.pieces))}"
        )
    if draw.random() < 0.2:
        text = expand("{greeting_plain} ", draw) + text
    return row(text, [m.call for m in messages], said=said_in(messages))


def _once_more(draw, tool_set, shown):
    """The same call again with one other value, said in short; None if none fits."""
    message = compose(shown, draw, tool_set.day)
    able = [
        p
        for p in shown.tool.parameters
        if p.key in message.raws
        and p.required
        and p.spec.split()[0]
        in ("person", "text", "code", "int", "date", "place", "num")
        and not p.after
        and not any(other.after == p.key for other in shown.tool.parameters)
    ]
    if not able or draw.random() < 0.35:
        return None
    parameter = draw.choice(able)
    declared, name = shown.declared[parameter.key], shown.names[parameter.key]
    alike = [p.key for p in shown.tool.parameters if p.spec == parameter.spec]
    for _ in range(20):
        raw = declared.pick(draw, tool_set.day.date)
        if raw not in [message.raws.get(key) for key in alike]:
            break
    words = declared.say(raw, draw, tool_set.day.told, False)
    arguments = {**message.call["arguments"], name: declared.write(raw)}
    text = join(message.sentence)
    text = text if text[-1] in ".?!" else f"{text}."
    given = {"value": words, "noun": replies.the(parameter.noun)}
    short = len(alike) == 1 and parameter.spec.split()[0] in ("person", "text", "place")
    text += " " + expand("{same_for}" if short else "{once_more}", draw, given)
    said = said_in([message, message]) | {f"1.{name}": words}
    return row(
        text, [message.call, {"name": shown.name, "arguments": arguments}], said=said
    )


def response(draw, tool_set):
    """The user's request, the call and the tool's response: answer from that."""
    shown = draw.choice(tool_set.shown)
    able = [s for s in tool_set.shown if s.tool.answers]
    if able and draw.random() < 0.6:
        shown = draw.choice(able)
    message = compose(shown, draw, tool_set.day)
    told, answer = replies.respond(shown, message, draw, tool_set.day, tool_set.naming)
    made = row(dressed(message, draw), reply=answer)
    made["messages"] += [
        assistant([message.call], ""),
        {"role": "tool", "name": shown.name, "content": told},
    ]
    return made


KINDS = {
    "one": one, "near": near, "taken": taken, "talk": talk, "ask": ask,
    "answered": answered, "several": several, "response": response,
}  # fmt: skip
