"""One training run of the study, from its name to its figures."""

import time
from dataclasses import replace

import torch

from .. import evaluation, models, workspace
from ..calls import CONTROL_TOKENS
from ..judging import forced_choice
from ..setup.embedded_model import FIRST_ID
from ..training import fine_tune
from . import declarations, few_shot, fresh_tools, plan, unseen_tools


def perform(run, choice, task, hardware):
    """Train the run and measure it; a record for study.jsonl, JSON types only."""
    start = time.perf_counter()
    model, tokenizer = models.load_model(choice, hardware)
    stamp = workspace.stamp(choice, task) | {"data": plan.data_hash(run, task)}
    record = {"run": run.key, **vars(run), **stamp}
    if run.kind == plan.MEAN:
        mean_of_seeds(model, tokenizer, choice, task, hardware)
    elif run.kind not in plan.UNTRAINED:
        kept = replace(task, rows=plan.split_rows(run, task))
        train(run, model, tokenizer, kept, hardware)
        task = kept
        if run in of_seeds():
            torch.save(model.state_dict(), _weights(run, choice, task))
    record["minutes"] = round((time.perf_counter() - start) / 60, 2)
    record["device"] = hardware.name
    record |= measure(run, model, tokenizer, task, hardware)
    if plan.asked_with_variants(run):
        record["variants"] = variants(run, model, tokenizer, task, hardware)
    if run == plan.Run() or run.kind == "zero-shot":
        record["unseen"] = unseen_tools.judge_all(model, tokenizer, hardware)
    return record


def of_seeds():
    """The runs whose weights plan.MEAN takes the mean of."""
    return [plan.Run(seed=seed) for seed in plan.SEEDS]


def mean_of_seeds(model, tokenizer, choice, task, hardware):
    """Give model the mean of the seeds' weights; seeds that are not kept are trained."""
    start, total = {n: t.clone() for n, t in model.state_dict().items()}, None
    for run in of_seeds():
        path = _weights(run, choice, task)
        if not path.is_file():
            model.load_state_dict(start)
            train(run, model, tokenizer, task, hardware)
            torch.save(model.state_dict(), path)
        weights = torch.load(path, weights_only=True)
        total = weights if total is None else {
            name: total[name] + weight for name, weight in weights.items()
        }  # fmt: skip
    model.load_state_dict({name: t / len(plan.SEEDS) for name, t in total.items()})


def _weights(run, choice, task):
    folder = workspace.folder(choice, task) / "seeds"
    folder.mkdir(exist_ok=True)
    return folder / f"{run.seed}-{plan.data_hash(run, task)}.pt"


def train(run, model, tokenizer, task, hardware):
    """Fine-tune model as the run says and leave it so."""
    recipe, varied = plan.recipe(run), None
    if run.kind == "untrained start":
        table = model.get_input_embeddings().weight.data
        last = FIRST_ID + len(CONTROL_TOKENS)
        table[FIRST_ID:last] = table[last]  # the next unused token, untrained too
    if run.kind == "pure bfloat16":
        model.to(torch.bfloat16)
        recipe = recipe | {"bf16": False}
    if run.kind in plan.VARIED:
        rows, names = task.rows["train"], run.kind == "varied names"
        drawn = declarations.varied_tools(rows, task, run.seed, names)
        varied = list(map(declarations.conversation, rows, drawn))
    if run.kind == plan.FRESH:
        rows = task.rows["train"]
        varied, groups = fresh_tools.fresh_tools(rows, task, run.seed)
        grouped = [{**row, "family": g} for row, g in zip(rows, groups, strict=True)]
        task = replace(task, rows={**task.rows, "train": grouped})
    fine_tune(
        model, tokenizer, task, hardware, run.seed, recipe,
        freeze=run.kind not in ("all trained", "reference"),
        families=run.kind not in ("random batches", "reference"),
        pick=plan.picked_on_dev(run), train=varied,
    )  # fmt: skip


def conversations_of(run, task):
    """The test's conversations as the run asks them."""
    if run.kind == "better descriptions":
        better = declarations.described(task.tools, few_shot.BETTER)
        task = replace(task, tools=tuple(better))
    asked = task.conversations("test")
    if run.kind == "4 examples":
        shown = few_shot.examples(task.rows["train"])
        asked = [few_shot.with_examples(c, shown, task) for c in asked]
    return asked


def measure(run, model, tokenizer, task, hardware):
    """Replies and forced choice on the test, one entry per row.

    outcomes: of evaluation.judge. Where plan.asked_closely, also names, of the
    functions called; choice, log-probabilities of the two calls; and call,
    log-probability that the reply begins with a call. Where the run is trained, also
    dev_correct, a count, and dev_choice and dev_call, on the dev rows.
    """
    asked, closely = conversations_of(run, task), plan.asked_closely(run)
    replies = evaluation.generate_replies(model, tokenizer, asked, hardware)
    judged = evaluation.judge_rows(replies, task.rows["test"], task)
    found = _columns(judged, named=closely)
    if closely:
        found |= _choice(model, tokenizer, asked, hardware)
    if closely and run.kind not in plan.UNTRAINED:
        asked = task.conversations("dev")
        replies = evaluation.generate_replies(model, tokenizer, asked, hardware)
        judged = evaluation.judge_rows(replies, task.rows["dev"], task)
        found["dev_correct"] = sum(j.correct for j in judged)
        dev = _choice(model, tokenizer, asked, hardware)
        found |= {f"dev_{name}": values for name, values in dev.items()}
    return found


def _columns(judged, named):
    found = {"outcomes": [j.outcome for j in judged]}
    return found | ({"names": [list(j.names) for j in judged]} if named else {})


def _choice(model, tokenizer, asked, hardware):
    names = [tool["function"]["name"] for tool in asked[0]["tools"]]
    forced = forced_choice.forced_choice(model, tokenizer, asked, hardware, names)
    return {
        "choice": [[round(x, 2) for x in pair] for pair in forced["tools"]],
        "call": [round(x, 2) for x in forced["call"]],
    }


def variants(run, model, tokenizer, task, hardware, only=None):
    """{variant of the declarations: {"outcomes"} per row, of plan.Run() "names" too}

    only: names of the variants asked, None for all.
    """
    found, rows = {}, task.rows["test"]
    for variant in declarations.variants(task)[1:]:  # the original is measured already
        if only and variant.name not in only:
            continue
        asked = [declarations.conversation(row, variant) for row in rows]
        replies = evaluation.generate_replies(model, tokenizer, asked, hardware)
        judged = [
            declarations.judge(reply, row, variant)
            for reply, row in zip(replies, rows, strict=True)
        ]
        found[variant.name] = _columns(judged, named=run == plan.Run())
    if run in (plan.Run(), plan.Run(plan.FRESH)):
        found |= _under_grammar(model, tokenizer, task, hardware)
    return found


def _under_grammar(model, tokenizer, task, hardware):
    """The new names again, where replies may hold no other: {"renamed, grammar": ...}."""
    found, rows = {}, task.rows["test"]
    for variant in declarations.variants(task):
        if variant.name in ("renamed", "flipped"):
            asked = [declarations.conversation(row, variant) for row in rows]
            replies = evaluation.generate_replies(
                model, tokenizer, asked, hardware, constrained=True
            )
            judged = [
                declarations.judge(reply, row, variant)
                for reply, row in zip(replies, rows, strict=True)
            ]
            found[f"{variant.name}, grammar"] = _columns(judged, named=False)
    return found
