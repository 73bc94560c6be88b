"""Split rows by family, where a folder has no dev or test file.

Imports nothing of ours.
"""

import random
from collections import Counter

SHARE = {"test": 0.2, "dev": 0.15}


def split_by_family(placed, wanted, asked, seed=0):
    """{"train": rows, ...} with whole families in each, alike in what is due.

    placed: [(place, example)]; wanted: which of "dev" and "test" to split off, each
    its SHARE of the rows. asked: of an example, what it asks; families with a
    question in common count as one. Families of one label (their commonest) are
    shuffled with the seed and dealt. ValueError where there are too few families.
    """
    families = _families(placed, asked)
    if len(families) < 1 + len(wanted):
        counted = (
            "1 family is" if len(families) == 1 else f"{len(families)} families are"
        )
        raise ValueError(
            f"{counted} too few to split off {' and '.join(wanted)}. "
            "Write more rows, or the files yourself; rows with the same message are one."
        )
    by_label = {}
    for name in sorted(families):
        labels = Counter(str(example["tool_name"]) for _, example in families[name])
        by_label.setdefault(labels.most_common(1)[0][0], []).append(name)
    draw, order = random.Random(seed), []
    for label in sorted(by_label):
        draw.shuffle(by_label[label])
        size = len(by_label[label])
        order += [((i + 0.5) / size, name) for i, name in enumerate(by_label[label])]
    # Dealt in turns, so that each part has its share of every label.
    parts, dealt, at = {"train": [], **{s: [] for s in wanted}}, Counter(), 0
    for _, name in sorted(order):
        size = len(families[name])
        at += size
        owed = {split: SHARE[split] * at - dealt[split] for split in wanted}
        split = max(wanted, key=owed.get)
        split = split if owed[split] >= size / 2 else "train"
        parts[split].append(name)
        dealt[split] += size
    for names in parts.values():
        if not names:  # families of very unlike size: whoever has most gives one
            names.append(max(parts.values(), key=len).pop())
    return {s: [p for name in own for p in families[name]] for s, own in parts.items()}


def _families(placed, asked):
    """{name: rows}, families joined where a row of each asks the same."""
    leads, first, found = {}, {}, {}

    def lead(name):
        while leads.setdefault(name, name) != name:
            leads[name] = leads[leads[name]]
            name = leads[name]
        return name

    for _, example in placed:
        own = lead(example["family"])
        leads[own] = lead(first.setdefault(asked(example), own))
    for pair in placed:
        found.setdefault(lead(pair[1]["family"]), []).append(pair)
    return found
