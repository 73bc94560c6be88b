"""Words that are due: asking back, declining, answering from a tool's response."""

from . import values
from .declarations import the
from .grammar import expand


def ability(tool):
    """What a tool does, to go on from "I can"."""
    says = tool.says[0].rstrip(".")
    return says[0].lower() + says[1:]


def decline(tool, draw):
    """Words for a request whose tool is not declared."""
    text = expand("{decline}", draw, {"ability": ability(tool)})
    return text[0].upper() + text[1:]


def ask(missing, draw):
    """A question for required values. missing: catalogue.Parameters."""
    if len(missing) > 1:
        wanted = values.and_list([the(p.noun) for p in missing])
        return expand("{ask_more}", draw, {"wanted": wanted})
    parameter = missing[0]
    noun, kind = parameter.noun, parameter.spec.split()[0]
    if noun.startswith("number of ") and not noun.startswith("number of the"):
        text = expand("{ask_count}", draw, {"things": noun.removeprefix("number of ")})
    elif noun.startswith(("whether", "what", "how")):
        text = expand("{ask_whether}", draw, {"wanted": noun})
    elif kind in ("person",):
        text = expand("{ask_who}", draw, {"wanted": the(noun)})
    elif kind == "enum" and noun.split()[0] not in ("state", "way", "position"):
        text = expand("{ask_which}", draw, {"wanted": noun})
    else:
        text = expand("{ask_what}", draw, {"wanted": the(noun)})
    return text[0].upper() + text[1:]


def given_late(words, draw):
    """The user's answer to such a question."""
    text = expand("{late}", draw, {"value": words})
    return text if text.startswith(words) else text[0].upper() + text[1:]


def respond(shown, message, draw, day, naming):
    """(a tool's response, the answer grounded in it) to a message's call."""
    tool = shown.tool
    way = draw.random()
    if tool.answers and way < 0.72:
        drawn = {word: values.plain(spec, draw, day.date) for word, spec in tool.fields}
        response = {naming.field(word): value for word, value in drawn.items()}
        words = {word: _in_words(value) for word, value in drawn.items()}
        keyed = {key: message.said[shown.names[key]] for key in message.raws}
        known = {**keyed, **words}
        usable = [a for a in tool.answers if _named(a) <= known.keys()]
        text = _filled(draw.choice(usable or tool.answers), known)
        return response, text[0].upper() + text[1:]
    if tool.answers:
        return _nothing(shown, message, draw, naming)
    if way < 0.75:
        reference = values.plain("code @@-####", draw, day.date)
        state = draw.choice(("ok", "done", "success", "confirmed", "saved", True))
        key = draw.choice(("status", "result", "state"))
        response = {naming.field(key): state}
        if draw.random() < 0.75:
            key = draw.choice(
                ("reference", "confirmation_number", "entry_id", "receipt")
            )
            response[naming.field(key)] = reference
            return response, expand("{done_reference}", draw, {"reference": reference})
        return response, expand("{done}", draw)
    reason = expand("{failure}", draw)
    response = {
        naming.field("status"): draw.choice(("error", "failed", "rejected")),
        naming.field(draw.choice(("message", "reason", "detail"))): reason,
    }
    return response, expand("{not_done}", draw, {"reason": reason})


def _nothing(shown, message, draw, naming):
    """A look-up that found nothing, and words for it."""
    key, value = draw.choice(
        (("results", []), ("found", False), ("matches", 0), ("error", "not found"),
         ("message", "no entry"), ("status", "nothing found"))
    )  # fmt: skip
    texts = [v for v in message.call["arguments"].values() if isinstance(v, str)]
    words = [w for w in message.said.values() if w in texts]
    if words and draw.random() < 0.6:
        text = expand("{nothing_for}", draw, {"value": draw.choice(words)})
    else:
        text = expand("{nothing}", draw)
    return {naming.field(key): value}, text


def _in_words(value):
    if isinstance(value, list):
        return values.and_list([str(item) for item in value])
    return str(value)


def _named(answer):
    return {node[1] for node in answer if not isinstance(node, str)}


def _filled(answer, known):
    return "".join(n if isinstance(n, str) else known[n[1]] for n in answer)
