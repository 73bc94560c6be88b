"""Train a base on generated rows, in order and one epoch; what it then can do."""

import re
import time
from collections import Counter
from dataclasses import replace

from torch.utils.data import SequentialSampler

from .. import evaluation, general
from ..calls import START_RESPONSE, TURN_ENDS, parse_reply
from ..decoding.grammar import lark_grammar
from ..general import catalogue, duplicates
from ..judging import matching
from ..speed.frozen_embeddings import merge_embeddings
from ..study import unseen_tools
from ..tasks import check_lengths, dataset
from ..training import CPUTrainer, fine_tune
from . import bfcl

# Tools that no training row declares; the dev set asks for them alone.
DEV_FIELDS = ("bakery", "huts", "printshop", "radio", "vet")
SHARED = "finder"  # tools that search over everything: in both
KINDS = (
    "one", "near", "swapped", "taken", "talk", "ask", "answered", "several",
    "response", "policy",
)  # fmt: skip
# Shares of the kinds of rows, of those tried the best on unseen tools; as of
# general.rows. First values that are said outright, and small sets of tools.
MIX = {
    "plain": 0.45, "one": 0.17, "near": 0.12, "swapped": 0.08, "taken": 0.07,
    "talk": 0.06, "ask": 0.02, "answered": 0.01, "several": 0.04, "response": 0.03,
    "policy": 0, "empty_names": 0.02, "small": 0.8,
}  # fmt: skip
MODES = ("free", "constrained")
# What no reply under the grammar can be.
INVALID = (
    "malformed", "undeclared tool", "undeclared parameter", "required value missing",
    "wrong type",
)  # fmt: skip


class InOrder(CPUTrainer):
    """The rows as they come: eight of one tool set, whose beginning is computed once."""

    def _get_train_sampler(self, train_dataset=None):
        return SequentialSampler(train_dataset or self.train_dataset)


def training_rows(seed, count, log=print, **shares):
    """count rows without the dev set's tools, and without near duplicates.

    Near duplicates are those of texts that a model is judged by, BFCL's among them.
    Their number is told. The whole set of one goes, so that every batch of eight
    still shares its tools.
    """
    fields = {tool.field for tool in catalogue.tools()} - set(DEV_FIELDS)
    rows = general.rows(seed, count + count // 10 + 80, fields=fields, **shares)
    texts = duplicates.judged_texts(bfcl.fetch())
    _, dropped = duplicates.without_near(rows, texts)
    log(f"near duplicates dropped: {len(dropped)} of {len(rows)}")
    without = {row["set"] for row, *_ in dropped}
    return [row for row in rows if row["set"] not in without][:count]


def dev_rows(count=160, seed=900_000):
    """Rows of tools that training never declares. The seed is no training's."""
    return general.rows(seed, count, policy=0, fields={*DEV_FIELDS, SHARED})


def plain_rows(count=160, seed=900_001):
    """The same of requests that say every value outright."""
    none = dict.fromkeys(KINDS, 0)
    return general.rows(seed, count, plain=1, made_up=0, fields={*DEV_FIELDS}, **none)


def train(model, tokenizer, rows, hardware, folder, rate, seed=1, log_steps=20):
    """Train model in place, one epoch; [{"step", "loss", "accuracy"}].

    folder: of the checkpoints; a training that was stopped goes on from the last.
    """
    from transformers import PrinterCallback
    from transformers.trainer_utils import get_last_checkpoint
    from trl import SFTConfig

    longest = check_lengths(tokenizer, rows)
    config = SFTConfig(
        output_dir=str(folder), num_train_epochs=1, learning_rate=rate,
        lr_scheduler_type="linear", warmup_steps=0.1, per_device_train_batch_size=8,
        max_length=longest, completion_only_loss=True, activation_checkpointing=False,
        logging_steps=log_steps, save_steps=50, save_total_limit=1, seed=seed,
        report_to="none", disable_tqdm=True, bf16=hardware.bf16,
        use_cpu=hardware.device == "cpu",
    )  # fmt: skip
    trainer = InOrder(
        model=model, args=config, train_dataset=dataset(map(conversation, rows)),
        processing_class=tokenizer,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    merge_embeddings(model)
    model.float().eval()
    return [
        {"step": e["step"], "loss": e["loss"], "accuracy": e["mean_token_accuracy"]}
        for e in trainer.state.log_history
        if "loss" in e
    ]


def tune(model, tokenizer, task, hardware, share=0.0, seed=42):
    """Fine-tune model on a task as notebook 04 does, in place; its PickOnDev.

    share: of general rows among those trained on, from 0 to below 1, so that the
    model keeps calling other tools too. They are drawn from the seed, of tool sets
    that the base was not trained on, whole sets in a batch.
    """
    own = task.conversations("train")
    sets = round(len(own) * share / (1 - share) / 8)
    kept = training_rows(1_000_000 + seed, 8 * sets) if sets else []
    rows = [*task.rows["train"], *({"family": row["set"]} for row in kept)]
    return fine_tune(
        model, tokenizer, replace(task, rows={**task.rows, "train": rows}), hardware,
        seed, train=own + list(map(conversation, kept)),
    )  # fmt: skip


def conversation(row):
    """A generated row as training takes it, without what is only told about it."""
    return {name: row[name] for name in ("prompt", "completion", "tools")}


def prompts(part, wheel=None, limit=None):
    """[{"id", "prompt", "tools", "accepted"}] of a part.

    part: "dev", "dev_plain", "unseen" or one of bfcl.PARTS.
    """
    if part == "unseen":
        return unseen_tools.load_prompts()[:limit]
    made = {"dev": dev_rows, "dev_plain": plain_rows}.get(part)
    if made is None:
        return bfcl.load_part(part, wheel)[:limit]
    found = []
    for number, row in enumerate(made()[:limit]):
        due = row["completion"][0].get("tool_calls", [])
        accepted = matching.due_calls([call["function"] for call in due])
        found.append({**row, "id": str(number), "accepted": accepted})
    return found


def measure(model, tokenizer, hardware, asked, mode, tokens=160):
    """(figures, replies, what is wrong with each or None), free or constrained.

    tokens: of a reply at the most.

    figures: {"right", "n", "due": [right, n] where a call is due, "none": [right, n] where
    none is, "tool": due ones with the right tool, "misses": {kind: number},
    "invalid": those of the kinds INVALID, "unconstrained": prompts whose tools no
    grammar expresses, asked free and left out of "invalid", "tokens": as given, "ms":
    of a reply}
    """
    start, able = time.perf_counter(), [True] * len(asked)
    if mode == "constrained":
        able = [_expressible(prompt["tools"]) for prompt in asked]
    replies = [None] * len(asked)
    for wanted in {*able}:
        at = [i for i, fits in enumerate(able) if fits == wanted]
        found = evaluation.generate_replies(
            model, tokenizer, [asked[i] for i in at], hardware, max_new_tokens=tokens,
            constrained=wanted and mode == "constrained",
        )  # fmt: skip
        for i, reply in zip(at, found, strict=True):
            replies[i] = reply
    wrong = [
        matching.judge_reply(reply, p["tools"], p["accepted"])
        for reply, p in zip(replies, asked, strict=True)
    ]
    ms = round(1000 * (time.perf_counter() - start) / len(asked))
    figures = counted(asked, replies, wrong, able) | {"tokens": tokens, "ms": ms}
    return figures, replies, wrong


def counted(asked, replies, wrong, able):
    """The figures of measure but for the tokens and the time.

    able: for each prompt, whether a grammar could hold its reply.
    """
    kinds = [w and _kind(w, r) for w, r in zip(wrong, replies)]
    due = [w is None for w, p in zip(wrong, asked) if p["accepted"]]
    none = [w is None for w, p in zip(wrong, asked) if not p["accepted"]]
    tool = sum(
        sorted(c.name for c in parse_reply(reply).calls)
        == sorted(a["name"] for a in p["accepted"])
        for reply, p in zip(replies, asked)
        if p["accepted"]
    )
    return {
        "right": wrong.count(None), "n": len(wrong), "due": [sum(due), len(due)],
        "none": [sum(none), len(none)], "tool": tool,
        "misses": dict(Counter(filter(None, kinds))),
        "invalid": sum(k in INVALID for k, fits in zip(kinds, able) if fits),
        "unconstrained": able.count(False),
    }  # fmt: skip


def _expressible(tools):
    try:
        lark_grammar(tools)
    except ValueError:
        return False
    return True


def _kind(problem, reply):
    """A miss in two or three words, for counting."""
    problem = re.sub(r"'[^']*'", "", problem).split(": ")[0]  # no names, no values
    ended = any(end in reply for end in (START_RESPONSE, *TURN_ENDS))
    if problem == "malformed" and not ended:
        return "cut"
    for words, kind in {
        "malformed": "malformed", "none due": "a needless call",
        "no call": "no call", " due": "another number of calls",
        "unknown function": "undeclared tool", "instead of": "another tool",
        "required": "required value missing", "not declared": "undeclared parameter",
        "has not the type": "wrong type", "not expected": "value not asked for",
        "another value": "another value", "is missing": "value missing",
    }.items():  # fmt: skip
        if words in problem:
            return kind
    return "other"
