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
    shuffled with the seed and dealt label by label; each split gets one of them where
    there are enough. ValueError where there are too few families.
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
    draw, parts = random.Random(seed), {"train": [], **{s: [] for s in wanted}}
    for label in sorted(by_label):
        draw.shuffle(by_label[label])
        sizes = {name: len(families[name]) for name in by_label[label]}
        for split, names in _dealt(sizes, wanted).items():
            parts[split] += names
    for names in parts.values():
        if not names:  # families of very unlike size: whoever has most gives one
            names.append(max(parts.values(), key=len).pop())
    return {s: [p for name in own for p in families[name]] for s, own in parts.items()}


def _dealt(sizes, wanted):
    """{split: families} of one label: to each its share, none left out where it can be.

    sizes: {family: rows}, in the order in which they are dealt.
    """
    left, found = dict(sizes), {}
    for number, split in enumerate(wanted):
        share = SHARE[split] * sum(sizes.values())
        found[split], later = [], len(wanted) - number
        for name, size in list(left.items()):
            if len(left) > later and share - size / 2 >= -1e-9:
                found[split].append(name)
                share -= left.pop(name)
        if not found[split] and len(left) > later:
            found[split].append(min(left, key=left.get))
            del left[found[split][0]]
    return found | {"train": list(left)}


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
