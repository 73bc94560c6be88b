"""Conversations of many kinds for training, made by seed, eight to a tool set."""

import random

from ..tasks import FUNCTION_CALLING
from . import catalogue, kinds, mixture, policies
from . import plain as plainly
from .tool_sets import developer_text, draw_set

# What a set must have for rows of a kind.
_NEEDS = {
    "swapped": "swappable",
    "ask": "lacking",
    "answered": "lacking",
    "several": "parameters",
}


def rows(
    seed, count, *, one=0.13, near=0.19, swapped=0.10, taken=0.11, talk=0.12, ask=0.07,
    answered=0.03, several=0.07, response=0.06, policy=0.12, plain=0.0,
    empty_names=0.06, made_up=0.6, small=0.0, fields=None,
):  # fmt: skip
    """Generated conversations, as training takes them: count dicts with

        prompt, completion, tools   as Task.conversation gives them
        kind                        one of the shares' names
        set                         rows of one set stand together, eight of them
        said                        {"0.name": words}: what stands in the message for
                                    an argument of call 0; {} where no call is due

    The shares are parts of the whole, whatever they add up to:
    one         one call; the other tools are of other fields, or there are none
    near        one call; other tools of the same field are declared
    swapped     two rows, two values of one kind that change places (from and to)
    taken       the tool for the request is not declared: decline
    talk        small talk, questions about the assistant, texts to work on
    ask         a required value is missing: ask for it
    answered    the same, and the value comes in a second message: call
    several     two or three calls, of different tools or of one
    response    a tool has responded: answer from that, also "nothing found"
    policy      the developer message decides between tools that overlap
    plain       the message says every value outright; mostly nearer the beginning
    empty_names: the mean share of sets whose names tell nothing; none at the
    beginning, twice as many at the end. made_up: of the tools of plain rows, the share
    that is put together from parts. small: of the other sets, the share that has at
    most four tools or so. fields: whose tools are used, by the names
    of the files in fields/; None for all. With others held out, rows of those are a
    dev set of tools that training never declared.

    The same seed, count and shares give the same rows everywhere. ValueError for
    shares that are negative or all zero,
    and for unknown fields.
    """
    shares = {
        "one": one, "near": near, "swapped": swapped, "taken": taken, "talk": talk,
        "ask": ask, "answered": answered, "several": several, "response": response,
        "policy": policy, "plain": plain,
    }  # fmt: skip
    if min(shares.values()) < 0 or not sum(shares.values()):
        raise ValueError("Shares are not negative, and one is above zero.")
    made = []
    plan = mixture.plan(random.Random(f"general {seed}"), count, shares)
    with catalogue.only(fields):
        for number, (flavour, chosen) in enumerate(plan):
            draw = random.Random(f"general {seed} {number}")
            empty = 2 * empty_names * number / len(plan)
            for row in _batch(draw, flavour, chosen, empty, made_up, small):
                made.append({**row, "set": f"{seed}-{number}"})
    return made


def _batch(draw, flavour, chosen, empty_names, made_up, small):
    """The rows of one set. chosen: their kinds."""
    if flavour == "policy":
        yield from policies.batch(draw, len(chosen), FUNCTION_CALLING, empty_names)
        return
    if flavour == "plain":
        yield from plainly.batch(
            draw, len(chosen), FUNCTION_CALLING, empty_names, made_up
        )
        return
    tool_set = draw_set(
        draw,
        near=flavour == "near",
        needs=[need for kind, need in _NEEDS.items() if kind in chosen],
        broad="taken" not in chosen,
        empty_names=empty_names,
        small=small,
    )
    developer = {
        "role": "developer",
        "content": developer_text(tool_set, draw, FUNCTION_CALLING),
    }
    second, texts = None, set()
    for kind in chosen:
        for _ in range(8):  # no message twice in a set
            if kind != "swapped":
                row = kinds.KINDS[kind](draw, tool_set)
            elif second:
                row, second = second, None
                break
            else:
                row, second = kinds.swapped(draw, tool_set)
            if (text := str(row["messages"])) not in texts:
                break
        texts.add(text)
        yield kinds.conversation(developer, row, tool_set, kind)
