"""Generate replies, judge each into one outcome, score them with intervals."""

from collections import Counter
from dataclasses import dataclass

from .function_calls import parse_reply

OUTCOMES = (
    "correct", "wrong_tool", "several_calls", "no_call",
    "malformed", "unknown_tool", "bad_arguments",
)  # fmt: skip


def render_prompts(tokenizer, conversations):
    """The prompts as text, ready for the model to continue."""
    return [
        tokenizer.apply_chat_template(
            c["prompt"], tools=c["tools"], add_generation_prompt=True, tokenize=False
        )
        for c in conversations
    ]


def generate_replies(
    model, tokenizer, conversations, hardware, batch_size=20, max_new_tokens=64
):
    """Greedy replies, one text per conversation, control tokens kept.

    Batches hold prompts of like length, padded left. A batch that does not fit
    the GPU's memory is halved; RuntimeError where even one prompt does not fit.
    """
    import torch
    from tqdm import tqdm

    prompts = render_prompts(tokenizer, conversations)
    lengths = [len(ids) for ids in tokenizer(prompts)["input_ids"]]
    order = sorted(range(len(prompts)), key=lengths.__getitem__, reverse=True)
    replies = [""] * len(prompts)
    with tqdm(total=len(prompts), unit="reply") as progress:
        while order:
            batch = order[:batch_size]
            try:
                texts = _generate(
                    model, tokenizer, [prompts[i] for i in batch],
                    hardware, max_new_tokens,
                )  # fmt: skip
            except torch.cuda.OutOfMemoryError:
                if len(batch) == 1:
                    raise RuntimeError(
                        "One prompt alone does not fit the GPU's memory. Close other "
                        "programs that use it, or set CUDA_VISIBLE_DEVICES='' to run "
                        "on the CPU."
                    ) from None
                torch.cuda.empty_cache()
                batch_size = len(batch) // 2
                continue
            for index, text in zip(batch, texts, strict=True):
                replies[index] = text
            order = order[len(batch) :]
            progress.update(len(batch))
    return replies


def _generate(model, tokenizer, prompts, hardware, max_new_tokens):
    import torch

    inputs = tokenizer(
        prompts, add_special_tokens=False, padding=True, return_tensors="pt"
    ).to(model.device)
    with torch.no_grad(), hardware.autocast():
        output = model.generate(
            **inputs, max_new_tokens=max_new_tokens, do_sample=False
        )
    stops = set(model.generation_config.eos_token_id)
    replies = []
    for ids in output[:, inputs["input_ids"].shape[1] :].tolist():
        end = next((i + 1 for i, t in enumerate(ids) if t in stops), len(ids))
        replies.append(tokenizer.decode(ids[:end], skip_special_tokens=False))
    return replies


@dataclass(frozen=True)
class Judgement:
    """outcome: one of OUTCOMES. called: the tool of a single call, else None."""

    outcome: str
    called: str | None = None

    @property
    def correct(self):
        return self.outcome == "correct"


def judge(reply, expected, tools):
    """Judge one reply against the tool that is due (None: no tool).

    Correct is strict: exactly one well-formed call of that tool with valid
    arguments and nothing rejected; or no call where none is due. A call where
    none is due counts as wrong_tool.
    """
    parsed = parse_reply(reply)
    if parsed.problems:
        return Judgement("malformed")
    if len(parsed.calls) > 1:
        return Judgement("several_calls")
    if not parsed.calls:
        return Judgement("correct" if expected is None else "no_call")
    call = parsed.calls[0]
    schemas = {tool["function"]["name"]: tool["function"] for tool in tools}
    if call.name not in schemas:
        return Judgement("unknown_tool")
    if call.name != expected:
        return Judgement("wrong_tool", call.name)
    if argument_problem(call.arguments, schemas[call.name].get("parameters")):
        return Judgement("bad_arguments", call.name)
    return Judgement("correct", call.name)


def judge_label(guessed, expected):
    """Judge a classifier's answer, a tool's name or None, as a reply's is."""
    if guessed == expected:
        return Judgement("correct", guessed)
    return Judgement("no_call" if guessed is None else "wrong_tool", guessed)


def argument_problem(arguments, schema):
    """What the tool's JSON schema has against the arguments; None if nothing.

    Stricter than the schema: no argument it does not name, no blank text.
    """
    from jsonschema import Draft202012Validator

    strict = {"type": "object", "additionalProperties": False, **(schema or {})}
    error = next(Draft202012Validator(strict).iter_errors(arguments), None)
    if error:
        return error.message
    blank = [k for k, v in arguments.items() if isinstance(v, str) and not v.strip()]
    return f"{blank[0]!r} is blank" if blank else None


def score(rows, judgements):
    """Counts, strict accuracy and its Wilson interval, overall and per slice.

    Returns {"n", "correct", "strict", "wilson": [low, high], "outcomes": {...},
    "slices": {slice: the same without slices and outcomes}}; rates from 0 to 1.
    """
    slices = {}
    for row, judged in zip(rows, judgements, strict=True):
        slices.setdefault(row["slice"], []).append(judged.correct)
    outcomes = Counter(judged.outcome for judged in judgements)
    return {
        **rate([judged.correct for judged in judgements]),
        "outcomes": {o: outcomes[o] for o in OUTCOMES if outcomes[o]},
        "slices": {name: rate(slices[name]) for name in sorted(slices)},
    }


def rate(hits):
    """{"n", "correct", "strict", "wilson"} of a list of booleans."""
    n, correct = len(hits), sum(hits)
    return {
        "n": n,
        "correct": correct,
        "strict": correct / n if n else 0.0,
        "wilson": wilson(correct, n),
    }


def wilson(correct, n, confidence=0.95):
    """Wilson score interval of a rate: [low, high]; [0, 1] where n is 0."""
    from scipy.stats import binomtest

    if n == 0:
        return [0.0, 1.0]
    interval = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return [float(interval.low), float(interval.high)]


def mcnemar(before, after):
    """Exact McNemar test of paired booleans: (fixed, broken, two-sided p)."""
    from scipy.stats import binomtest

    pairs = list(zip(before, after, strict=True))
    fixed = sum(a and not b for b, a in pairs)
    broken = sum(b and not a for b, a in pairs)
    if fixed + broken == 0:
        return 0, 0, 1.0
    return fixed, broken, float(binomtest(fixed, fixed + broken).pvalue)


def confusion(rows, judgements, tools):
    """Expected tool -> {called tool or "other": count}; None is "no tool".

    "other" under "no tool" is mostly right: no call. Elsewhere it is a miss.
    """
    names = [tool["function"]["name"] for tool in tools]
    table = {n: dict.fromkeys([*names, "other"], 0) for n in [*names, "no tool"]}
    for row, judged in zip(rows, judgements, strict=True):
        called = judged.called if judged.called in names else "other"
        table[row["tool_name"] or "no tool"][called] += 1
    return table
