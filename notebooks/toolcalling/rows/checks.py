"""What only all rows together show: ids, families, duplicates, contradictions.

Linear in rows. Faults are "file:line: field: reason".
"""

import json
import re
from collections import Counter

from ..judging.matching import normalised


def fill_in(split, placed):
    """Give rows without id, family or slice one; {field: how many rows lacked it}.

    placed: [(line number, turn from 0, example)]. A row without a family is one of
    its own, together with rows of the same message.
    """
    missing, first, family = Counter(), {}, None
    taken = {example["id"] for *_, example in placed}
    for number, turn, example in placed:
        if example["id"] is None:
            missing["id"] += not turn
            example["id"] = f"{split}-{number}"
            while example["id"] in taken:  # of another row, which gives it
                example["id"] += "a"
        if turn:
            example["id"] += f".{turn + 1}"
        if example["family"] is None:
            missing["family"] += not turn
            if not turn:
                family = first.setdefault(_said(example), f"{split}-{number}")
            example["family"] = family
        if example["slice"] is None:
            missing["slice"] += not turn
            example["slice"] = _kind(example)
    return missing


def told(missing):
    """What fill_in derived in all splits, as a sentence; None for nothing."""
    how = {
        "id": "the line's number stands for it",
        "family": "each is one of its own: give messages that differ only slightly one "
        "family, or they may stand on both sides of the split",
        "slice": "grouped by what is due",
    }
    parts = [f"{missing[k]} without {k} ({how[k]})" for k in how if missing[k]]
    return f"rows {', '.join(parts)}." if parts else None


def gaps(placed, tools):
    """What the rows lack or bring that a reader should know, a sentence each.

    placed: {split: [(place, example)]}; tools: JSON schemas.
    """
    every = [example for pairs in placed.values() for _, example in pairs]
    own = sum(example["developer"] is not None for example in every)
    if own:
        yield (
            f"{own} rows have a system message of their own; it stands in the place of "
            "the policy."
        )
    later = len(every) - len({place for pairs in placed.values() for place, _ in pairs})
    if later:
        yield f"conversations of several turns give {later} more rows, one a reply."
    silent = any(not example["calls"] for example in every)
    for split in placed:
        due = {c["name"] for _, example in placed[split] for c in example["calls"]}
        names = [t["function"]["name"] for t in tools]
        missing = [name for name in names if name not in due]
        if missing:
            yield f"no {split} row is due {', '.join(missing)}."
        if silent and all(example["calls"] for _, example in placed[split]):
            yield f"no {split} row goes without a call."


def _said(example):
    """What the user says before the first reply that a row teaches."""
    return tuple(
        _same_text(m["content"]) for m in example["messages"] if m["role"] == "user"
    )


def _kind(example):
    if any(m["role"] == "tool" for m in example["messages"][-1:]):
        return "after a result"
    return ("no call", "one call", "several calls")[min(len(example["calls"]), 2)]


def faults(splits, free):
    """What is wrong among all rows.

    splits: {split: [(place, example)]}; place: "file:line". free: whether an
    argument is free text, of (tool, argument): such arguments contradict nothing.
    """
    ids, families, messages = {}, {}, {}
    for split, placed in splits.items():
        for place, example in placed:
            other = ids.setdefault(example["id"], place)
            if other != place:
                yield f"{place}: id: {example['id']!r} is given at {other} too"
            elsewhere = families.setdefault(example["family"], split)
            if elsewhere != split:
                families[example["family"]] = split  # once for each change
                yield (
                    f"{place}: family: {example['family']!r} is in {elsewhere} too. A "
                    "family stays in one split."
                )
            key, due = asked(example), _due(example, free)
            known = messages.setdefault(key, (place, split, due))
            if known[0] == place:
                continue
            if known[2] != due:
                yield (
                    f"{place}: contradicts {known[0]}: the same message, another call "
                    "due. Keep one, or tell them apart."
                )
            elif known[1] != split:
                yield (
                    f"{place}: the same message as {known[0]}, in {known[1]}. Keep it "
                    "in one split; a greeting's answer can have weight 0."
                )


def asked(example):
    """What two rows share that ask the same."""
    messages = [
        {**m, "content": _same_text(m["content"])}
        if isinstance(m["content"], str)
        else m
        for m in example["messages"]
    ]
    own = [tool["function"]["name"] for tool in example["tools"] or ()]
    return json.dumps([messages, own, example["developer"]], sort_keys=True)


def _due(example, free):
    """The calls due, without free text; what two rows must agree on."""
    calls = [
        [
            call["name"],
            {
                name: _same_value(value)
                for name, value in call["arguments"].items()
                if not free(call["name"], name)
            },
        ]
        for call in example["calls"]
    ]
    return sorted(json.dumps(call, sort_keys=True) for call in calls)


def _same_text(text):
    """A message without case, blanks and punctuation, but for those of a number.

    judging.matching drops these too; but "-5" and "1.5" ask other things than 5 and 15.
    """
    plain = " ".join(text.casefold().split())
    return re.sub(r"[ ,./\-_*^]+(?!\d)", "", plain) or plain


def _same_value(value):
    """A due value so that equal ones, as the judge compares them, are the same."""
    if isinstance(value, str):
        return normalised(value)
    if isinstance(value, list):
        return [_same_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _same_value(inner) for key, inner in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
