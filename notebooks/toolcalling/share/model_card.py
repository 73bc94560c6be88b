"""The model card of a tuned model, every figure from its own run."""

from .. import models

# Hub ids of the bases that this series names otherwise.
HUB_ID = {"gemma-3-270m-embedded": "google/gemma-3-270m"}
HUB_ID |= {models.FUNCTIONGEMMA.split("/")[1]: models.FUNCTIONGEMMA}


def model_card(core, task):
    """A huggingface_hub.ModelCard from the content of notebook 06's core.json.

    core: that dict. task: what the model was trained on; whoever calls it needs its
    developer message and tools, word for word.
    """
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    base, after = HUB_ID.get(core["base"]), core["after"]
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=task.name,
            dataset_name=f"{task.name} test, data {core['data']}",
            metric_type="accuracy",
            metric_name="strictly correct",
            metric_value=round(after["strict"], 4),
        )
    ]
    data = ModelCardData(
        language="en",
        license="gemma",
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["function-calling", "tool-calling"],
        base_model=base,
        model_name=f"{core['base']} for {task.name}",
        eval_results=results,
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_text(core, task)}")


def _text(core, task):
    names = ", ".join(f"`{name}`" for name in task.tool_names)
    training = core["training"]
    lines = [
        f"# {core['base']}, fine-tuned: {task.title}",
        "",
        f"Calls {names}, or answers in words where none is due. Tuned from "
        f"{core['base']} in {len(training['dev_by_epoch'])} epochs, of which epoch "
        f"{training['epoch']} was kept by its replies to the dev prompts.",
        "",
        "## How good it is",
        "",
        f"On {core['after']['n']} test prompts of families that training never saw "
        f"(files {core['data']}). Strictly correct: exactly the "
        "calls due, well-formed, with the right arguments, or no call where none is due.",
        "",
        "| | correct | rate | 95% interval |",
        "|---|---|---|---|",
        _row("strictly correct, before", core["before"]),
        _row("strictly correct, after", core["after"]),
    ]
    lines += [
        _row(name if name.startswith("recall") else name.replace("_", " "), rate)
        for name, rate in core["measures"].items()
        if name != "macro_f1"
    ]
    low, high = core["interval"]
    lines += [
        "",
        "Wilson intervals, each prompt counted for itself; with whole families drawn "
        f"anew, the strict rate is between {low:.1%} and {high:.1%}.",
        "",
        "## How to ask it",
        "",
        "Pass the tools' schemas to `tokenizer.apply_chat_template(messages, "
        "tools=...)` with exactly this developer message first, and stop at the "
        "tokens that its generation settings name:",
        "",
        *(f"> {line}".rstrip() for line in task.developer.splitlines()),
        "",
        "## Limits",
        "",
        "- These tools, this developer message, messages as in its training rows. Nothing "
        "else was measured.",
        "- Check every call before you run it: the table above says how often it is "
        "the wrong one.",
        "",
        "## Licence",
        "",
        "The [Gemma Terms of Use](https://ai.google.dev/gemma/terms) hold for this "
        "model as for the one it was made from.",
        "",
    ]
    return "\n".join(lines)


def _row(name, rate):
    low, high = rate["wilson"]
    return (
        f"| {name} | {rate['correct']}/{rate['n']} | {rate['strict']:.1%} "
        f"| {low:.1%} to {high:.1%} |"
    )
