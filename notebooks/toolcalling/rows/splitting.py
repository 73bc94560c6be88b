"""Split rows by family, where a folder has no dev or test file.

Imports nothing of ours.
"""

import random
from collections import Counter

SHARE = {"test": 0.2, "dev": 0.15}


def split_by_family(placed, wanted, seed=0):
    """{"train": rows, ...} with whole families in each, alike in what is due.

    placed: [(place, example)]; wanted: which of "dev" and "test" to split off, each
    its SHARE of the rows. Families of one label (their commonest) are shuffled with
    the seed and dealt. ValueError where there are too few families.
    """
    families = {}
    for pair in placed:
        families.setdefault(pair[1]["family"], []).append(pair)
    if len(families) < 1 + len(wanted):
        raise ValueError(
            f"{len(families)} families are too few to split off {' and '.join(wanted)}. "
            "Write more rows, or the files yourself."
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
    names, parts, at = [name for _, name in sorted(order)], {}, 0
    for split in wanted:
        parts[split] = []
    total, kept = len(placed), []
    shares = {split: SHARE[split] * total for split in wanted}
    carry = dict.fromkeys(wanted, 0.0)
    for name in names:
        rows = families[name]
        at += len(rows)
        owed = {s: shares[s] * at / total - carry[s] for s in wanted}
        split = max(wanted, key=owed.get, default=None)
        if split and owed[split] >= len(rows) / 2:
            parts[split] += rows
            carry[split] += len(rows)
        else:
            kept += rows
    for split in wanted:
        if not parts[split]:
            last = kept[-1][1]["family"]
            parts[split] = [pair for pair in kept if pair[1]["family"] == last]
            kept = [pair for pair in kept if pair[1]["family"] != last]
    return {"train": kept, **parts}
