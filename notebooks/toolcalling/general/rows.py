"""Conversations of many kinds for training, made by seed, eight to a tool set."""

import random

from ..tasks import FUNCTION_CALLING
from . import kinds, policies
from .tool_sets import developer_text, draw_set

# What a set must have for rows of a kind.
_NEEDS = {
    "swapped": "swappable",
    "ask": "lacking",
    "answered": "lacking",
    "several": "parameters",
}
BATCH = 8  # rows that share one tool set, and so the beginning of their prompt


def rows(
    seed, count, *, one=0.13, near=0.19, swapped=0.10, taken=0.11, talk=0.12, ask=0.07,
    answered=0.03, several=0.07, response=0.06, policy=0.12, empty_names=0.06,
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
    empty_names: the mean share of sets whose names tell nothing; none at the
    beginning, twice as many at the end.

    The same seed, count and shares give the same rows everywhere. ValueError for
    shares that are negative or all zero.
    """
    shares = {
        "one": one, "near": near, "swapped": swapped, "taken": taken, "talk": talk,
        "ask": ask, "answered": answered, "several": several, "response": response,
        "policy": policy,
    }  # fmt: skip
    if min(shares.values()) < 0 or not sum(shares.values()):
        raise ValueError("Shares are not negative, and one is above zero.")
    made = []
    plan = _plan(random.Random(f"general {seed}"), count, shares)
    for number, wanted in enumerate(plan):
        draw = random.Random(f"general {seed} {number}")
        empty = 2 * empty_names * number / len(plan)
        for row in _batch(draw, wanted, empty):
            made.append({**row, "set": f"{seed}-{number}"})
    return made


def _plan(draw, count, shares):
    """Kinds of the rows of each set, a list of lists."""
    counts = _counts(count, shares)
    policy_sets = round(counts.pop("policy") / BATCH)
    rest = count - policy_sets * BATCH
    if rest <= 0:
        policy_sets, rest = count // BATCH, count % BATCH
    if rest and not any(counts.values()):
        counts["near"] = rest
    counts = _counts(rest, counts)
    counts["swapped"] -= counts["swapped"] % 2
    counts["talk"] += rest - sum(counts.values())
    sizes = [BATCH] * (rest // BATCH) + [rest % BATCH] * (rest % BATCH > 0)
    plain = counts["near"] + counts["one"]
    near_sets = round(len(sizes) * (counts["near"] / plain if plain else 0.5))
    flavours = ["near"] * near_sets + ["one"] * (len(sizes) - near_sets)
    draw.shuffle(flavours)
    sets = [[] for _ in sizes]
    singles = [kind for kind, n in counts.items() for _ in range(n)]
    pairs = counts["swapped"] // 2
    singles = [kind for kind in singles if kind != "swapped"]
    roomy = [i for i, size in enumerate(sizes) if size > 1]
    for i in range(pairs):
        if not i % max(len(roomy), 1):
            draw.shuffle(roomy)
        sets[roomy[i % len(roomy)]] += ["swapped", "swapped"]
    # A set takes plain rows of its flavour only: first those, then all the others.
    others = [kind for kind in singles if kind not in ("near", "one")]
    draw.shuffle(others)
    for flavour in ("near", "one"):
        own = [i for i, f in enumerate(flavours) if f == flavour]
        slots = [i for i in own for _ in range(sizes[i] - len(sets[i]))]
        draw.shuffle(slots)
        for i in slots[: counts[flavour]]:
            sets[i].append(flavour)
        for _ in range(counts[flavour] - len(slots)):
            others.append("near" if flavour == "one" else "one")
    for i, size in enumerate(sizes):
        while len(sets[i]) < size:
            sets[i].append(others.pop() if others else flavours[i])
        draw.shuffle(sets[i])
    whole, last = sets, []
    if sizes and sizes[-1] < BATCH:
        whole, last = sets[:-1], sets[-1:]
    whole = [
        *({"flavour": f, "kinds": s} for f, s in zip(flavours, whole)),
        *(
            {"flavour": "policy", "kinds": ["policy"] * BATCH}
            for _ in range(policy_sets)
        ),
    ]
    draw.shuffle(whole)
    return whole + [{"flavour": flavours[-1], "kinds": kinds_} for kinds_ in last]


def _counts(total, shares):
    """Whole numbers that add up to total, by largest remainder."""
    weight = sum(shares.values()) or 1
    exact = {kind: total * share / weight for kind, share in shares.items()}
    found = {kind: int(number) for kind, number in exact.items()}
    order = sorted(exact, key=lambda kind: found[kind] - exact[kind])
    for kind in order[: total - sum(found.values())]:
        found[kind] += 1
    return found


def _batch(draw, wanted, empty_names):
    """The rows of one set."""
    if wanted["flavour"] == "policy":
        yield from policies.batch(draw, len(wanted["kinds"]), FUNCTION_CALLING)
        return
    chosen = wanted["kinds"]
    tool_set = draw_set(
        draw,
        near=wanted["flavour"] == "near",
        needs=[need for kind, need in _NEEDS.items() if kind in chosen],
        broad="taken" not in chosen,
        empty_names=empty_names,
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
        yield {
            "prompt": [developer, *row["messages"]],
            "completion": [kinds.assistant(row["calls"], row["reply"])],
            "tools": tool_set.schemas,
            "kind": kind,
            "said": row["said"],
        }
