"""What the study trains: its runs, and what each changes in notebook 04's recipe.

A run is a Run: what is trained, on which rows, with which seed. training_run.py
performs it.
"""

import hashlib
import json
import math
import random
from dataclasses import dataclass

from ..training import RECIPE, epochs_for
from . import few_shot

SEEDS = (42, 43, 44, 45, 46)
SMALL, FIRST, ALL = 160, 400, 1200  # rows of an ablation, of the first recipe, all
CURVE = (20, 40, 80, SMALL)
DEV = 80  # rows of dev that pick the epoch up to FIRST
STEPS = {SMALL: 120, FIRST: 300}  # of training at the least, up to so many rows
# What a kind of run changes in the recipe, in words beside it.
ABLATIONS = {
    "full sequence": {"completion_only_loss": False},
    "untrained start": {},  # control tokens begin as any other unused token
    "pure bfloat16": {},  # weights and Adam in bfloat16, no autocast
    "all trained": {},  # the whole embedding matrix too
    "random batches": {},  # families not kept together
    "more contrast": {},  # triples in the place of plain rows
    "varied tools": {},  # declared in either order and in several words
    "varied names": {},  # the same, and under several names, flipped ones too
    "reference": {  # the public guide's: all trained, random batches
        "lr_scheduler_type": "constant", "warmup_steps": 0,
        "num_train_epochs": 8, "per_device_train_batch_size": 4,
        "completion_only_loss": False,
    },
}  # fmt: skip
LONG = "twice as long"  # on FIRST rows
# No prefix to share: three times as long, so with one seed only.
VARIED = ("varied tools", "varied names")
UNTRAINED = ("zero-shot", "better descriptions", "4 examples")
FRESH = "fresh tools"  # a quarter of ALL rows under fresh names; fresh_tools.py
MEAN = "mean of five"  # one model, its weights the mean of those of SEEDS


@dataclass(frozen=True)
class Run:
    """kind: "ours", LONG, MEAN, FRESH, of ABLATIONS, or of UNTRAINED, asked as it is.

    split: None for the files' own rows, or 0 to 4.
    """

    kind: str = "ours"
    rows: int = ALL
    seed: int = 42
    split: int | None = None

    @classmethod
    def of(cls, record):
        """The Run that a record is of."""
        return cls(*(record[key] for key in ("kind", "rows", "seed", "split")))

    @property
    def key(self):
        if self.kind in UNTRAINED:
            return self.kind
        split = "" if self.split is None else f", split {self.split}"
        return f"{self.kind}, {self.rows} rows, seed {self.seed}{split}"


def every_run():
    """Every run of the study, the most telling first."""
    first, *others = SEEDS[:3]
    runs = [Run(kind, rows=0) for kind in UNTRAINED]
    runs += [Run(rows=n) for n in (ALL, FIRST, SMALL)]
    runs += [*(Run(seed=seed) for seed in SEEDS[1:]), Run(MEAN)]
    runs += [Run(FRESH, seed=seed) for seed in (first, *others)]
    runs += [Run(rows=n, seed=seed) for n in (FIRST, SMALL) for seed in others]
    runs += [Run(kind, SMALL) for kind in ABLATIONS]
    runs += [Run(rows=n) for n in CURVE[:-1]]
    shared = [kind for kind in ABLATIONS if kind not in VARIED]
    runs += [Run(kind, SMALL, seed) for seed in others for kind in shared]
    runs += [Run(split=split) for split in range(5)]
    runs += [Run(LONG, FIRST, seed) for seed in (first, *others)]
    return runs + [Run(rows=n, seed=seed) for seed in others for n in CURVE[:-1]]


def picked_on_dev(run):
    """Is the best epoch on dev kept, as in notebook 04, or the last one?

    Dev replies cost a fifth of a run, and on dev the last epoch is mostly the best.
    """
    return run.rows >= FIRST and run.split is None


def recipe(run):
    """SFTConfig's settings of a run.

    Few rows are passed more often, until they are STEPS steps: so 20 rows and 160 are
    trained equally long, and differ in nothing but the rows.
    """
    found = RECIPE | ABLATIONS.get(run.kind, {})
    least = STEPS[SMALL if run.rows <= SMALL else FIRST] * (
        2 if run.kind == LONG else 1
    )
    return found | {"num_train_epochs": epochs_for(run.rows, least, found)}


def steps(run):
    """Of the optimiser, over all epochs."""
    found = recipe(run)
    batches = math.ceil(run.rows / found["per_device_train_batch_size"])
    return found["num_train_epochs"] * batches


def asked_closely(run):
    """Are the names called and the likelier call kept, beside the outcomes?"""
    return run.kind in (*UNTRAINED, MEAN, FRESH) or (
        run.kind == "ours" and run.rows == ALL and picked_on_dev(run)
    )


def asked_with_variants(run):
    """Is the model asked with changed declarations too (declarations.py)?"""
    of_first = (*(Run(rows=n) for n in (ALL, FIRST, SMALL)), Run(LONG, FIRST))
    return run.kind in ("zero-shot", FRESH, *VARIED) or run in of_first


def split_rows(run, task):
    """{"train", "dev", "test"} of a run; whole families in each.

    The files' own rows, or all of them dealt anew: a fifth to test, DEV to dev.
    """
    rows = {split: list(part) for split, part in task.rows.items()}
    if run.rows <= FIRST:
        rows["dev"] = rows["dev"][:DEV]
    if run.kind == "more contrast":
        return rows | {"train": _more_contrast(rows["train"], run.rows)}
    if run.split is None:
        return rows | {"train": rows["train"][: run.rows]}
    from sklearn.model_selection import StratifiedGroupKFold

    rows = [row for part in rows.values() for row in part]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(
        rows, [str(row["tool_name"]) for row in rows], [row["family"] for row in rows]
    )
    rest, test = list(folds)[run.split]
    families = {}
    for i in rest:
        families.setdefault(rows[i]["family"], []).append(rows[i])
    order = list(families.values())
    random.Random(run.split).shuffle(order)
    dealt = {"dev": [], "train": [], "test": [rows[i] for i in test]}
    for family in order:
        part = "dev" if len(dealt["dev"]) + len(family) <= DEV else "train"
        if part == "dev" or len(dealt["train"]) + len(family) <= run.rows:
            dealt[part] += family
    return dealt


def data_hash(run, task):
    """The first 12 hex digits of the sha256 of what a run is made of and judged by.

    Policy, tools, and the rows that it uses: so rows that are added behind leave a
    record valid.
    """
    rows = split_rows(run, task)
    if not picked_on_dev(run):
        rows["dev"] = []
    if run.kind == "4 examples":
        rows["train"] = few_shot.examples(task.rows["train"])
    elif run.kind in UNTRAINED:
        rows["train"] = []
    said = [
        [row["user_content"], row["calls"], row["reply"]]
        for split in ("train", "dev", "test")
        for row in rows[split]
    ]
    text = json.dumps([task.developer, list(task.tools), said])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _more_contrast(rows, count):
    """The first rows without the plain ones, whole triples in their place."""
    chosen = [row for row in rows[:count] if row["slice"] != "plain"]
    triples = {}
    for row in rows[count:]:
        if row["slice"] == "triple":
            triples.setdefault(row["family"], []).append(row)
    for family in triples.values():
        if len(chosen) + len(family) <= count:
            chosen += family
    return chosen
