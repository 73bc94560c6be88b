"""Strict tool-call accuracy as a metric for the `evaluate` library.

    metric = evaluate.load("metrics/tool_call")
    metric.compute(predictions=replies, references=due, tools=schemas)

Loaded by path, works without a network.
"""

import json
from types import SimpleNamespace

import datasets
import evaluate

from toolcalling.evaluation import judge
from toolcalling.evaluation import measures
from toolcalling.evaluation import rate
from toolcalling.rows.folder import is_free

_DESCRIPTION = """Share of replies that are strictly right: exactly the FunctionGemma
calls that are due, well-formed, with the right arguments, or no call where no tool is
due."""

_INPUTS = """
predictions: the model's replies as text, control tokens kept.
references: what is due: "" for no call; the name of a tool, whose arguments then need
only be valid; or JSON text of the calls, [{"name": ..., "arguments": {...}}, ...].
tools: JSON schemas of the tools (list of {"type": "function", "function": ...}).
free_text: arguments that only have to be there, "argument" or "tool.argument".
Returns strict (0 to 1), wilson_low, wilson_high, correct, n, one count per outcome
that occurred, and the rates of toolcalling.evaluation.measures that need no family.
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

    def _compute(self, predictions, references, tools=None, free_text=()):
        if not tools:
            raise ValueError("compute(..., tools=schemas) is needed to judge calls.")
        due = [
            json.loads(text) if text.lstrip().startswith("[") else text or None
            for text in references
        ]
        free = is_free(free_text)
        judged = [
            judge(reply, calls, tools, free)
            for reply, calls in zip(predictions, due, strict=True)
        ]
        result = rate([j.correct for j in judged])
        result["wilson_low"], result["wilson_high"] = result.pop("wilson")
        for j in judged:
            result[j.outcome] = result.get(j.outcome, 0) + 1
        rows = [
            {
                "calls": [{"name": calls}] if isinstance(calls, str) else calls or [],
                "family": number,
                "slice": "",
            }
            for number, calls in enumerate(due)
        ]
        task = SimpleNamespace(tools=tools, leak=None)
        for name, value in measures(rows, judged, task).items():
            result[name] = value["strict"] if isinstance(value, dict) else value
        # "correct" is both the total and an outcome: the same count.
        result["correct"] = sum(j.correct for j in judged)
        return result
