"""One training run of the study, from its name to its figures."""

import tempfile
import time

import torch

from .. import evaluation, models, tasks
from ..calls import CONTROL_TOKENS
from ..judging import forced_choice
from ..setup.embedded_model import FIRST_ID
from ..speed.frozen_embeddings import freeze_embeddings, merge_embeddings
from ..training import FamilySampler, PickOnDev
from ..workspace import data_hash
from . import few_shot, plan, robustness, unseen_tools
from .augmentation import varied_tools


def perform(run, choice, hardware):
    """Train the run and measure it; a record for study.jsonl, JSON types only."""
    rows, start = plan.split_rows(run), time.perf_counter()
    model, tokenizer = models.load_model(choice, hardware)
    record = {"run": run.key, **vars(run), "base": choice.name, "data": data_hash()}
    if run.kind not in plan.UNTRAINED:
        pick = train(run, model, tokenizer, rows, hardware)
        record |= {"dev": pick.epochs, "epoch": pick.epoch} if pick else {}
    record["minutes"] = round((time.perf_counter() - start) / 60, 2)
    record["device"] = hardware.name
    record |= measure(run, model, tokenizer, rows, hardware)
    if plan.asked_with_variants(run):
        record["variants"] = variants(model, tokenizer, rows["test"], hardware)
    if plan.asked_all(run) or run.kind == "zero-shot":
        record["unseen"] = unseen_tools.judge_all(model, tokenizer, hardware)
    return record


def train(run, model, tokenizer, rows, hardware):
    """Fine-tune model as the run says and leave it so; its PickOnDev, or None."""
    from datasets import Dataset, Features, Json, List
    from transformers import PrinterCallback
    from trl import SFTConfig

    from ..speed.shared_prefix import SharedPrefixSFTTrainer

    if run.kind == "untrained start":
        table = model.get_input_embeddings().weight.data
        last = FIRST_ID + len(CONTROL_TOKENS)
        table[FIRST_ID:last] = table[last]  # the next unused token, untrained too
    if run.kind == "pure bfloat16":
        model.to(torch.bfloat16)
    if run.kind not in ("all trained", "reference"):
        freeze_embeddings(model)
    tools = tasks.tool_schemas()
    columns = Features({n: List(Json()) for n in ("prompt", "completion", "tools")})
    asked = {
        part: [tasks.to_conversation(row, tools) for row in rows[part]]
        for part in ("train", "dev")
    }
    if run.kind in plan.VARIED:
        names = run.kind == "varied names"
        varied = varied_tools(rows["train"], tools, run.seed, names)
        asked["train"] = list(map(robustness.conversation, rows["train"], varied))
    data = {part: Dataset.from_list(asked[part], features=columns) for part in asked}
    recipe, pick = plan.recipe(run), None
    if plan.picked_on_dev(run):
        pick = PickOnDev(tokenizer, rows["dev"], tools, hardware)
    else:
        recipe |= {"eval_strategy": "no"}

    class Trainer(SharedPrefixSFTTrainer):
        def _get_train_sampler(self, train_dataset=None):
            if run.kind in ("random batches", "reference"):
                return super()._get_train_sampler(train_dataset)
            return FamilySampler(rows["train"], self.args.train_batch_size, run.seed)

    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder, report_to="none", seed=run.seed, disable_tqdm=True,
            bf16=hardware.bf16 and run.kind != "pure bfloat16",
            use_cpu=hardware.device == "cpu", logging_steps=10**6, **recipe,
        )  # fmt: skip
        trainer = Trainer(
            model=model, args=config, train_dataset=data["train"],
            eval_dataset=data["dev"], processing_class=tokenizer,
            callbacks=[pick] if pick else [],
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    merge_embeddings(model)
    if pick:
        model.load_state_dict(pick.weights)
        pick.weights = None
    model.to(torch.float32).eval()
    return pick


def conversations_of(run, rows):
    """The test's conversations as the run asks them."""
    tools = tasks.tool_schemas()
    if run.kind == "better descriptions":
        tools = few_shot.better_descriptions(tools)
    asked = [tasks.to_conversation(row, tools) for row in rows["test"]]
    if run.kind == "4 examples":
        shown = few_shot.examples(tasks.load_splits()["train"])
        asked = [few_shot.with_examples(c, shown) for c in asked]
    return asked


def measure(run, model, tokenizer, rows, hardware):
    """Replies and forced choice on the test, one entry per row, and what they cost.

    outcomes, names: of evaluation.judge; choice: log-probabilities of the two calls;
    call: log-probability that the reply begins with a call (neither choice nor call
    for ablations). Of plan.Run() also its replies, and dev_choice: as choice, on the
    dev rows.
    """
    asked, rows, dev = conversations_of(run, rows), rows["test"], rows["dev"]
    tools = asked[0]["tools"]
    start = time.perf_counter()
    replies = evaluation.generate_replies(model, tokenizer, asked, hardware)
    seconds = time.perf_counter() - start
    judged = [
        evaluation.judge(reply, row["tool_name"], tools)
        for reply, row in zip(replies, rows, strict=True)
    ]
    choice = {}
    if run.kind not in plan.ABLATIONS:
        choice = _choice(model, tokenizer, asked, hardware)
    if plan.asked_all(run):
        dev = [tasks.to_conversation(row, tools) for row in dev]
        dev_choice = _choice(model, tokenizer, dev, hardware)["choice"]
        choice |= {"dev_choice": dev_choice, "replies": replies}
    prompts = evaluation.render_prompts(tokenizer, asked)
    tokens = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    return {
        "ids": [row["id"] for row in rows],
        "outcomes": [j.outcome for j in judged],
        "names": [list(j.names) for j in judged],
        **choice,
        "entities": evaluation.entities_kept(rows, replies),
        "ms_per_reply": round(1000 * seconds / len(rows), 1),
        "prompt_tokens": round(sum(map(len, tokens)) / len(tokens), 1),
    }


def _choice(model, tokenizer, asked, hardware):
    names = [tool["function"]["name"] for tool in asked[0]["tools"]]
    forced = forced_choice.forced_choice(model, tokenizer, asked, hardware, names)
    return {
        "choice": [[round(x, 2) for x in pair] for pair in forced["tools"]],
        "call": [round(x, 2) for x in forced["call"]],
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
