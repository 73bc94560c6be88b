"""How many rows of each kind, and which of them share a tool set. Imports nothing of ours."""

BATCH = 8  # rows that share one tool set, and so the beginning of their prompt


def plan(draw, count, shares):
    """[(flavour, kinds of the rows)] of the sets: eight rows each, the last fewer.

    draw: a random.Random. shares: {kind: part}, with the kinds of rows.rows.
    flavour: "near" (all tools of one field), "one" (each of another), "policy" or "plain".
    Counts are the shares' by largest remainder; whole policies and pairs of swapped
    rows, and plain rows only where the flavour fits, may shift a few.
    """
    wanted = _counts(count, shares)
    policy_sets = min(round(wanted.pop("policy") / BATCH), count // BATCH)
    plain_sets = round(wanted.pop("plain", 0) / BATCH)
    plain_sets = min(plain_sets, count // BATCH - policy_sets)
    rest = count - (policy_sets + plain_sets) * BATCH
    others = {k: share for k, share in shares.items() if k not in ("policy", "plain")}
    wanted = _counts(rest, others if any(others.values()) else {"near": 1})
    sizes = [BATCH] * (rest // BATCH) + [rest % BATCH] * (rest % BATCH > 0)
    flavours = _flavours(draw, len(sizes), wanted)
    sets = [[] for _ in sizes]

    def room(number, rows=1):
        return len(sets[number]) + rows <= sizes[number]

    for _ in range(wanted.pop("swapped", 0) // 2):
        able = [i for i in range(len(sets)) if room(i, 2)]
        fewest = min((len(sets[i]) for i in able), default=None)
        able = [i for i in able if len(sets[i]) == fewest]
        if able:
            sets[draw.choice(able)] += ["swapped", "swapped"]
    for flavour in ("near", "one"):
        slots = [
            i
            for i, own in enumerate(flavours)
            if own == flavour
            for _ in range(sizes[i] - len(sets[i]))
        ]
        draw.shuffle(slots)
        for i in slots[: wanted.pop(flavour, 0)]:
            sets[i].append(flavour)
    left = [kind for kind, number in wanted.items() for _ in range(number)]
    draw.shuffle(left)
    for i in range(len(sets)):
        while room(i):
            sets[i].append(left.pop() if left else flavours[i])
        draw.shuffle(sets[i])
    made = list(zip(flavours, sets))
    last = [made.pop()] if sizes and sizes[-1] < BATCH else []
    made += [("policy", ["policy"] * BATCH)] * policy_sets
    draw.shuffle(made)
    if plain_sets:  # the easy ones rather at the beginning
        at = [(draw.random(), one) for one in made]
        at += [
            (0.7 * draw.random(), ("plain", ["plain"] * BATCH))
            for _ in range(plain_sets)
        ]
        made = [one for _, one in sorted(at, key=lambda pair: pair[0])]
    return made + last


def _flavours(draw, number, wanted):
    near, one = wanted.get("near", 0), wanted.get("one", 0)
    share = near / (near + one) if near + one else 0.5
    found = ["near"] * round(number * share)
    found += ["one"] * (number - len(found))
    draw.shuffle(found)
    return found


def _counts(total, shares):
    """Whole numbers that add up to total, by largest remainder."""
    weight = sum(shares.values())
    exact = {kind: total * share / weight for kind, share in shares.items()}
    found = {kind: int(number) for kind, number in exact.items()}
    order = sorted(exact, key=lambda kind: found[kind] - exact[kind])
    for kind in order[: total - sum(found.values())]:
        found[kind] += 1
    return found
