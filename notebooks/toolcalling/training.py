"""Notebook 04's training: its settings, a trainer for a CPU, the epoch picked on dev,
and going on where a run was stopped."""

import json
import math
import os
import random
import shutil
import tempfile
from pathlib import Path

import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback

from . import evaluation
from .speed.frozen_embeddings import (
    add_rows,
    freeze_embeddings,
    merge_embeddings,
    plain_weights,
)
from .speed.shared_prefix import SharedPrefixSFTTrainer
from .tasks import check_lengths, dataset
from .workspace import save_json

# SFTConfig's settings in notebook 04, of which a test says that they are its own.
RECIPE = {
    "num_train_epochs": 4, "learning_rate": 5e-5, "lr_scheduler_type": "linear",
    "warmup_steps": 0.1, "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 8, "max_length": 512, "completion_only_loss": True,
    "packing": False, "activation_checkpointing": False, "eval_strategy": "epoch",
}  # fmt: skip


class CPUTrainer(SharedPrefixSFTTrainer):
    """SFTTrainer for a CPU: the same loss, in a fraction of the time.

    What all prompts of a batch begin with is computed once (SharedPrefixSFTTrainer);
    of the embedding matrix only the control tokens' rows are trained, so that a step
    takes less time and memory (freeze_embeddings); and rows of one `family`, where
    the training data has such a column, stay in one batch (FamilySampler).
    freeze=False trains the matrix too.
    """

    def __init__(self, model, *args, freeze=True, **kwargs):
        if freeze:
            freeze_embeddings(model)
        super().__init__(model, *args, **kwargs)

    def _get_train_sampler(self, train_dataset=None):
        if "family" not in self.train_dataset.column_names:
            return super()._get_train_sampler(train_dataset)
        families, size = self.train_dataset["family"], self.args.train_batch_size
        return FamilySampler(families, size, self.args.seed)


def fine_tune(
    model, tokenizer, task, hardware, seed=42, recipe=RECIPE, freeze=True,
    families=True, pick=True, train=None,
):  # fmt: skip
    """Train model on the task in place, in one call; its PickOnDev, or None.

    recipe: settings of SFTConfig; its bf16 is the hardware's unless given, and its
    max_length grows to the longest row. freeze: of the embedding matrix only the
    control tokens' rows are trained. families: kept together in batches. pick: keep
    the epoch that answers dev best, else the last. train: conversations in the place
    of the task's, one for each row.
    """
    from transformers import PrinterCallback
    from trl import SFTConfig

    asked = {"train": train or task.conversations("train")}
    asked["dev"] = task.conversations("dev")
    longest = check_lengths(tokenizer, asked["train"] + asked["dev"])
    recipe = recipe | {"max_length": max(recipe["max_length"], longest)}
    data = {part: dataset(asked[part]) for part in asked}
    if families:
        names = [row["family"] for row in task.rows["train"]]
        data["train"] = data["train"].add_column("family", names)
    pick = PickOnDev(tokenizer, task, hardware) if pick else None
    if not pick:
        recipe = recipe | {"eval_strategy": "no"}
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(**{
            "output_dir": folder, "report_to": "none", "seed": seed,
            "disable_tqdm": True, "bf16": hardware.bf16, "logging_steps": 10**6,
            "save_strategy": "no", "use_cpu": hardware.device == "cpu", **recipe,
        })  # fmt: skip
        trainer = CPUTrainer(
            model=model, args=config, train_dataset=data["train"],
            eval_dataset=data["dev"], processing_class=tokenizer,
            callbacks=[pick] if pick else [], freeze=freeze,
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    merge_embeddings(model)
    if pick:
        pick.restore(model)
        pick.weights = None
    model.to(torch.float32).eval()
    return pick


def epochs_for(rows, least, recipe=RECIPE):
    """Epochs in which so many rows make at least so many steps.

    So few rows are trained as long as many, and differ in nothing but the rows.
    """
    batches = math.ceil(rows / recipe["per_device_train_batch_size"])
    return max(recipe["num_train_epochs"], math.ceil(least / batches))


class FamilySampler(Sampler):
    """Row numbers, batch by batch, whole families together; shuffled anew each epoch.

    families: the family of each row. Batches come as even in size as they allow.
    """

    def __init__(self, families, batch_size, seed):
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self.members = {}
        for number, family in enumerate(families):
            self.members.setdefault(family, []).append(number)

    def __len__(self):
        return sum(map(len, self.members.values()))

    def set_epoch(self, epoch):
        """Which epoch's order comes next; a trainer that goes on calls it."""
        self.epoch = epoch

    def __iter__(self):
        rng = random.Random(self.seed)
        for _ in range(self.epoch):
            self._order(rng)
        self.epoch += 1
        return iter(self._order(rng))

    def _order(self, rng):
        families = list(self.members.values())
        rng.shuffle(families)
        families.sort(key=len, reverse=True)  # larger ones first; sort is stable
        batches = [[] for _ in range(-(-len(self) // self.batch_size))]
        for family in families:
            min(batches, key=len).extend(family)
        rng.shuffle(batches)
        return [number for batch in batches for number in batch]


def last_checkpoint(folder, made_of):
    """The newest whole checkpoint in folder of a run made of the same, or None.

    made_of: what the run depends on, as JSON: model, data, settings. Checkpoints
    made of anything else are removed.
    """
    folder, note = Path(folder), Path(folder, "made_of.json")
    made_of = json.loads(json.dumps(made_of, default=str))
    try:
        same = json.loads(note.read_text(encoding="utf-8")) == made_of
    except (OSError, ValueError):
        same = False
    if not same:
        drop_checkpoints(folder)
        save_json(note, made_of)
    whole = [p.parent for p in folder.glob(f"checkpoint-*/{PickOnDev.FILE}")]
    return max(whole, key=lambda p: int(p.name.split("-")[1]), default=None)


def drop_checkpoints(folder):
    """Remove the checkpoints of a run that has ended."""
    for path in Path(folder).glob("checkpoint-*"):
        shutil.rmtree(path)


class PickOnDev(TrainerCallback):
    """Judges the replies to the dev prompts after each epoch; keeps the best weights.

    task: whose dev rows are asked, under its own policy and tools. epochs: [{"epoch",
    "step", "correct", "n", "loss", "outcomes"}]; epoch and correct: of the best, the
    later one on a tie; weights: its state dict, on the CPU, as merge_embeddings would
    leave the model. A training from the start begins them anew; with each checkpoint
    they are written, and a resumed one reads them. log_dir: where TensorBoard's
    events of it go, each outcome's share and some replies in full; None for nowhere.
    A folder of its own: of several files that are being written in one folder,
    TensorBoard follows only the newest.
    """

    SHOWN = 8  # replies written to TensorBoard, from all over the dev set
    FILE = "picked.pt"  # written last: a checkpoint that has it is whole

    def __init__(self, tokenizer, task, hardware, log_dir=None):
        self.tokenizer, self.task, self.rows = tokenizer, task, task.rows["dev"]
        self.hardware, self.log_dir = hardware, log_dir
        self.asked = task.conversations("dev")
        self.epochs, self.epoch, self.correct, self.weights = [], 0, -1, None

    def on_train_begin(self, args, state, control, **_):
        if not state.global_step:  # not resumed
            self.epochs, self.epoch, self.correct = [], 0, -1
            if self.log_dir:
                shutil.rmtree(self.log_dir, ignore_errors=True)
        elif (kept := self._file(args, state)).is_file():
            vars(self).update(torch.load(kept, weights_only=True))

    def on_save(self, args, state, control, **_):
        kept = ("epochs", "epoch", "correct", "weights")
        path = self._file(args, state)
        torch.save({name: getattr(self, name) for name in kept}, f"{path}-")
        os.replace(f"{path}-", path)

    def _file(self, args, state):
        return Path(args.output_dir, f"checkpoint-{state.global_step}", self.FILE)

    def restore(self, model):
        """The best epoch's weights into model, which is a plain one again."""
        merge_embeddings(model)
        model.load_state_dict(self.weights)

    def on_evaluate(self, args, state, control, model, metrics, **_):
        replies = evaluation.generate_replies(
            model, self.tokenizer, self.asked, self.hardware
        )
        judged = evaluation.judge_rows(replies, self.rows, self.task)
        outcomes = evaluation.score(self.rows, judged)["outcomes"]
        entry = {
            "epoch": round(state.epoch), "step": state.global_step,
            "correct": outcomes.get("correct", 0), "n": len(replies),
            "loss": metrics["eval_loss"], "outcomes": outcomes,
        }  # fmt: skip
        self.epochs.append(entry)
        print(
            "epoch {epoch}: dev loss {loss:.3f}, {correct}/{n} correct".format(**entry),
            flush=True,
        )
        if self.log_dir:
            self._log(entry, replies, judged)
        if entry["correct"] >= self.correct:
            self.correct, self.epoch = entry["correct"], entry["epoch"]
            self._keep(model)

    def _keep(self, model):
        """In the place of those kept before: a model's memory once, not twice."""
        weights, tied = plain_weights(model), {}
        if self.weights is None:
            self.weights = {
                name: tied.setdefault(t.data_ptr(), torch.empty_like(t, device="cpu"))
                for name, t in weights.items()
            }
        for name, kept in self.weights.items():
            kept.copy_(weights[name].detach())
        add_rows(model, self.weights)

    def _log(self, entry, replies, judged):
        from torch.utils.tensorboard import SummaryWriter

        step, each = entry["step"], max(1, len(replies) // self.SHOWN)
        lines = ["| message | reply | outcome |", "|---|---|---|"]
        for row, reply, j in list(zip(self.rows, replies, judged))[::each]:
            reply = reply.replace("|", " ").replace("\n", " ")
            lines.append(f"| {row['user_content']} | `{reply}` | {j.outcome} |")
        with SummaryWriter(str(self.log_dir)) as writer:
            for outcome in evaluation.OUTCOMES:
                share = entry["outcomes"].get(outcome, 0) / entry["n"]
                writer.add_scalar(f"dev/{outcome}", share, step)
            writer.add_text("dev/replies", "\n".join(lines), step)
