"""One training run of the study, from its name to its figures.

A run is a Run: what is trained, on which rows, with which seed. perform() trains
it as notebook 04 does, but for what its kind changes, and measures it on the test.
"""

import random
import tempfile
import time
from dataclasses import dataclass

import torch

from . import (
    conversations,
    evaluation,
    few_shot,
    forced_choice,
    models,
    robustness,
    unseen_tools,
)
from .embedded_model import FIRST_ID
from .finetuning import FamilySampler, PickOnDev
from .frozen_embeddings import freeze_embeddings, merge_embeddings
from .function_calls import CONTROL_TOKENS
from .workspace import data_hash

SEEDS = (42, 43, 44, 45, 46)
SMALL = 160  # rows of an ablation
CURVE = (20, 40, 80, 160)
LEAST = 320  # rows passed through the model in training, counted over epochs
# SFTConfig's settings in notebook 04, of which a test says that they are its own.
RECIPE = {
    "num_train_epochs": 6, "learning_rate": 5e-5, "lr_scheduler_type": "linear",
    "warmup_steps": 0.1, "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 8, "max_length": 512, "completion_only_loss": True,
    "packing": False, "activation_checkpointing": False, "eval_strategy": "epoch",
    "save_strategy": "no",
}  # fmt: skip
# What a kind of run changes in the recipe, in words beside it.
ABLATIONS = {
    "full sequence": {"completion_only_loss": False},
    "untrained start": {},  # control tokens begin as any other unused token
    "pure bfloat16": {},  # weights and Adam in bfloat16, no autocast
    "random batches": {},  # families not kept together
    "all trained": {},  # the whole embedding matrix too
    "reference": {  # the public guide's: all trained, random batches, last epoch kept
        "lr_scheduler_type": "constant", "warmup_steps": 0,
        "num_train_epochs": 8, "per_device_train_batch_size": 4,
        "completion_only_loss": False,
    },
}  # fmt: skip
UNTRAINED = ("zero-shot", "better descriptions", "4 examples")


@dataclass(frozen=True)
class Run:
    """kind: "ours", of ABLATIONS, or of UNTRAINED, which is asked as it is.

    split: None for the files' own rows, or 0 to 4.
    """

    kind: str = "ours"
    rows: int = 400
    seed: int = 42
    split: int | None = None

    @property
    def key(self):
        if self.kind in UNTRAINED:
            return self.kind
        split = "" if self.split is None else f", split {self.split}"
        return f"{self.kind}, {self.rows} rows, seed {self.seed}{split}"


def plan():
    """Every run of the study, the most telling first."""
    runs = [Run(kind, rows=0) for kind in UNTRAINED]
    runs += [Run(seed=seed) for seed in SEEDS]
    runs += [Run(rows=n, seed=seed) for n in CURVE[::-1] for seed in SEEDS[:3]]
    runs += [Run(kind, SMALL, seed) for seed in SEEDS[:3] for kind in ABLATIONS]
    return runs + [Run(split=split) for split in range(5)]


def epochs(run):
    """Passes over the rows: the recipe's, more for few rows.

    As many steps at least as 160 rows have in two epochs.
    """
    recipe = RECIPE | ABLATIONS.get(run.kind, {})
    return max(recipe["num_train_epochs"], LEAST // run.rows)


def split_rows(run):
    """{"train", "dev", "test"} of a run; whole families in each.

    The files' own rows, or all of them dealt anew: a fifth to test, 80 to dev.
    """
    rows = conversations.load_splits()
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
        part = "dev" if len(dealt["dev"]) + len(family) <= 80 else "train"
        if part == "dev" or len(dealt["train"]) + len(family) <= run.rows:
            dealt[part] += family
    return dealt


def perform(run, choice, hardware):
    """Train the run and measure it; a record for study.jsonl, JSON types only."""
    rows, start = split_rows(run), time.perf_counter()
    model, tokenizer = models.load_model(choice, hardware)
    record = {"run": run.key, **vars(run), "base": choice.name, "data": data_hash()}
    if run.kind not in UNTRAINED:
        pick = train(run, model, tokenizer, rows, hardware)
        record |= {"dev": pick.epochs, "epoch": pick.epoch}
    record["minutes"] = round((time.perf_counter() - start) / 60, 2)
    record["device"] = hardware.name
    record |= measure(run, model, tokenizer, rows, hardware)
    if run in (Run(), Run("zero-shot", 0)):
        record["variants"] = variants(model, tokenizer, rows["test"], hardware)
        record["unseen"] = unseen_tools.judge_all(model, tokenizer, hardware)
    return record


def train(run, model, tokenizer, rows, hardware):
    """Fine-tune model as the run says and leave it so; returns its PickOnDev."""
    from datasets import Dataset, Features, Json, List
    from transformers import PrinterCallback
    from trl import SFTConfig

    from .shared_prefix import SharedPrefixSFTTrainer

    if run.kind == "untrained start":
        table = model.get_input_embeddings().weight.data
        last = FIRST_ID + len(CONTROL_TOKENS)
        table[FIRST_ID:last] = table[last]  # the next unused token, untrained too
    if run.kind == "pure bfloat16":
        model.to(torch.bfloat16)
    if run.kind not in ("all trained", "reference"):
        freeze_embeddings(model)
    tools = conversations.tool_schemas()
    columns = Features({n: List(Json()) for n in ("prompt", "completion", "tools")})
    data = {
        part: Dataset.from_list(
            [conversations.to_conversation(row, tools) for row in rows[part]],
            features=columns,
        )
        for part in ("train", "dev")
    }
    recipe = RECIPE | ABLATIONS.get(run.kind, {}) | {"num_train_epochs": epochs(run)}
    random_order = run.kind in ("random batches", "reference")

    class Trainer(SharedPrefixSFTTrainer):
        def _get_train_sampler(self, train_dataset=None):
            if random_order:
                return super()._get_train_sampler(train_dataset)
            return FamilySampler(rows["train"], self.args.train_batch_size, run.seed)

    pick = PickOnDev(tokenizer, rows["dev"], tools, hardware)
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder, report_to="none", seed=run.seed, disable_tqdm=True,
            bf16=hardware.bf16 and run.kind != "pure bfloat16",
            use_cpu=hardware.device == "cpu", logging_steps=10**6, **recipe,
        )  # fmt: skip
        trainer = Trainer(
            model=model, args=config, train_dataset=data["train"],
            eval_dataset=data["dev"], processing_class=tokenizer, callbacks=[pick],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    if run.kind == "reference":
        pick.epoch = pick.epochs[-1]["epoch"]
    else:
        model.load_state_dict(pick.weights)
    merge_embeddings(model)
    pick.weights = None
    model.to(torch.float32).eval()
    return pick


def conversations_of(run, rows):
    """The test's conversations as the run asks them."""
    tools = conversations.tool_schemas()
    if run.kind == "better descriptions":
        tools = few_shot.better_descriptions(tools)
    asked = [conversations.to_conversation(row, tools) for row in rows["test"]]
    if run.kind == "4 examples":
        shown = few_shot.examples(conversations.load_splits()["train"])
        asked = [few_shot.with_examples(c, shown) for c in asked]
    return asked


def measure(run, model, tokenizer, rows, hardware):
    """Replies and forced choice on the test, one entry per row, and what they cost.

    outcomes, names: of evaluation.judge; choice: log-probabilities of the two calls;
    call: log-probability that the reply begins with a call. Replies only of the
    first run, for the file to stay small.
    """
    asked, rows = conversations_of(run, rows), rows["test"]
    tools = asked[0]["tools"]
    start = time.perf_counter()
    replies = evaluation.generate_replies(model, tokenizer, asked, hardware)
    seconds = time.perf_counter() - start
    judged = [
        evaluation.judge(reply, row["tool_name"], tools)
        for reply, row in zip(replies, rows, strict=True)
    ]
    names = [tool["function"]["name"] for tool in tools]
    forced = forced_choice.forced_choice(model, tokenizer, asked, hardware, names)
    prompts = evaluation.render_prompts(tokenizer, asked)
    tokens = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    return {
        "ids": [row["id"] for row in rows],
        "outcomes": [j.outcome for j in judged],
        "names": [list(j.names) for j in judged],
        "choice": [[round(x, 2) for x in pair] for pair in forced["tools"]],
        "call": [round(x, 2) for x in forced["call"]],
        "entities": evaluation.entities_kept(rows, replies),
        **({"replies": replies} if run == Run() else {}),
        "ms_per_reply": round(1000 * seconds / len(rows), 1),
        "prompt_tokens": round(sum(map(len, tokens)) / len(tokens), 1),
    }


def variants(model, tokenizer, rows, hardware):
    """{variant of the declarations: {"outcomes", "names"} per row}"""
    found = {}
    for variant in robustness.variants()[1:]:  # the original is measured already
        asked = [robustness.conversation(row, variant) for row in rows]
        replies = evaluation.generate_replies(model, tokenizer, asked, hardware)
        judged = [
            robustness.judge(reply, row, variant)
            for reply, row in zip(replies, rows, strict=True)
        ]
        found[variant.name] = {
            "outcomes": [j.outcome for j in judged],
            "names": [list(j.names) for j in judged],
        }
    return found
