"""What fine-tuning here adds to a Trainer: whole families in a batch, and the epoch
picked on dev."""

import random
import shutil

import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback

from . import evaluation, tasks
from .speed.frozen_embeddings import add_rows, plain_weights


class FamilySampler(Sampler):
    """Row numbers, batch by batch, whole families together; shuffled anew each time.

    rows: as tasks.load_rows gives them. Batches come as even in size as
    the families allow.
    """

    def __init__(self, rows, batch_size, seed):
        self.rows, self.batch_size = rows, batch_size
        self.random = random.Random(seed)

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        families = {}
        for number, row in enumerate(self.rows):
            families.setdefault(row["family"], []).append(number)
        families = list(families.values())
        self.random.shuffle(families)
        families.sort(key=len, reverse=True)  # larger ones first; sort is stable
        batches = [[] for _ in range(-(-len(self.rows) // self.batch_size))]
        for family in families:
            min(batches, key=len).extend(family)
        self.random.shuffle(batches)
        return (number for batch in batches for number in batch)


class PickOnDev(TrainerCallback):
    """Judges the replies to the dev prompts after each epoch; keeps the best weights.

    epochs: [{"epoch", "step", "correct", "n", "loss", "outcomes"}]; epoch and
    correct: of the best, the later one on a tie; weights: its state dict, on the
    CPU, as merge_embeddings would leave the model. A training from the start begins
    them anew. log_dir: where TensorBoard's events of it go, each outcome's share and some
    replies in full; None for nowhere. A folder of its own: of several files that
    are being written in one folder, TensorBoard follows only the newest.
    """

    SHOWN = 8  # replies written to TensorBoard, from all over the dev set

    def __init__(self, tokenizer, rows, tools, hardware, log_dir=None):
        self.tokenizer, self.rows, self.tools = tokenizer, rows, tools
        self.hardware, self.log_dir = hardware, log_dir
        self.asked = [tasks.to_conversation(row, tools) for row in rows]
        self.epochs, self.epoch, self.correct, self.weights = [], 0, -1, None

    def on_train_begin(self, args, state, control, **_):
        if not state.global_step:  # not resumed
            self.epochs, self.epoch, self.correct = [], 0, -1
            if self.log_dir:
                shutil.rmtree(self.log_dir, ignore_errors=True)

    def on_evaluate(self, args, state, control, model, metrics, **_):
        replies = evaluation.generate_replies(
            model, self.tokenizer, self.asked, self.hardware
        )
        judged = [
            evaluation.judge(reply, row["tool_name"], self.tools)
            for reply, row in zip(replies, self.rows, strict=True)
        ]
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
