"""Strict tool-call accuracy as a metric for the `evaluate` library.

    metric = evaluate.load("metrics/tool_call")
    metric.compute(predictions=replies, references=tool_names, tools=schemas)

Loaded by path, works without a network.
"""

import datasets
import evaluate

from toolcalling.evaluation import judge
from toolcalling.evaluation import measures
from toolcalling.evaluation import rate

_DESCRIPTION = """Share of replies that are strictly right: exactly one well-formed
FunctionGemma call of the expected tool with valid arguments, or no call where no
tool is due."""

_INPUTS = """
predictions: the model's replies as text, control tokens kept.
references: the name of the tool that is due, "" for none.
tools: JSON schemas of the tools (list of {"type": "function", "function": ...}).
Returns strict (0 to 1), wilson_low, wilson_high, correct, n, one count per outcome
that occurred, and the rates call_rate, valid_single_call, no_tool_specificity,
macro_f1 and "recall NAME" per tool.
"""


class ToolCall(evaluate.Metric):
    """Judges each reply with toolcalling.evaluation.judge."""

    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "references": datasets.Value("string"),
                }
            ),
        )

    def _compute(self, predictions, references, tools=None):
        if not tools:
            raise ValueError("compute(..., tools=schemas) is needed to judge calls.")
        judged = [
            judge(reply, name or None, tools)
            for reply, name in zip(predictions, references, strict=True)
        ]
        result = rate([j.correct for j in judged])
        result["wilson_low"], result["wilson_high"] = result.pop("wilson")
        for j in judged:
            result[j.outcome] = result.get(j.outcome, 0) + 1
        rows = [
            {"tool_name": name or None, "family": i, "slice": "plain"}
            for i, name in enumerate(references)
        ]
        for name, value in measures(rows, judged, tools).items():
            if name not in ("consistency", "leak_rate"):  # need more than a name
                result[name] = value["strict"] if isinstance(value, dict) else value
        # "correct" is both the total and an outcome: the same count.
        result["correct"] = sum(j.correct for j in judged)
        return result
