"""What fine-tuning here adds to a Trainer: whole families in a batch, and the epoch
picked on dev."""

import random

from torch.utils.data import Sampler
from transformers import TrainerCallback

from . import conversations, evaluation


class FamilySampler(Sampler):
    """Row numbers, batch by batch, whole families together; shuffled anew each time.

    rows: as conversations.load_rows gives them. Batches come as even in size as
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

    epochs: [{"epoch", "correct", "n", "loss"}]; epoch and correct: of the best, the
    later one on a tie; weights: its state dict, on the CPU.
    """

    def __init__(self, tokenizer, rows, tools, hardware):
        self.tokenizer, self.rows, self.tools = tokenizer, rows, tools
        self.hardware = hardware
        self.asked = [conversations.to_conversation(row, tools) for row in rows]
        self.epochs, self.epoch, self.correct, self.weights = [], 0, -1, None

    def on_evaluate(self, args, state, control, model, metrics, **_):
        replies = evaluation.generate_replies(
            model, self.tokenizer, self.asked, self.hardware
        )
        correct = sum(
            evaluation.judge(reply, row["tool_name"], self.tools).correct
            for reply, row in zip(replies, self.rows, strict=True)
        )
        entry = {
            "epoch": round(state.epoch), "correct": correct, "n": len(replies),
            "loss": metrics["eval_loss"],
        }  # fmt: skip
        self.epochs.append(entry)
        print(
            "epoch {epoch}: dev loss {loss:.3f}, {correct}/{n} correct".format(**entry),
            flush=True,
        )
        if correct >= self.correct:
            self.correct, self.epoch = correct, entry["epoch"]
            self.weights = {
                name: tensor.detach().cpu().clone()
                for name, tensor in model.state_dict().items()
            }
