"""The same rows under changed declarations: does a model read the schemas, or
does it know the two tools by heart?"""

import copy
import json
import re
from dataclasses import dataclass, replace

from .. import evaluation
from ..tasks import Task
from . import office_tools

COMPANY, PUBLIC = "search_knowledge_base", "search_google"
SAME = {COMPANY: COMPANY, PUBLIC: PUBLIC}
RENAMED = {COMPANY: "lookup_company_docs", PUBLIC: "web_search"}
FLIPPED = {COMPANY: PUBLIC, PUBLIC: COMPANY}
REWORDED = {
    COMPANY: "Look up the firm's own files, rules and records of its projects.",
    PUBLIC: "Find facts that are open to everyone.",
}
REWORDED_QUERY = "The words to look for"


@dataclass(frozen=True)
class Variant:
    """One way to declare the task.

    task: with these tools, in the order declared, and this developer message.
    expected: a row's tool_name (None included) -> the tool due here, or None.
    """

    name: str
    task: Task
    expected: dict[str | None, str | None]


def variants(task):
    """The original declarations and five changes to them, each of its own schemas.

    original; order: declared the other way round; reworded: descriptions in other
    words; renamed: two new names; third tool: one unrelated tool more; flipped:
    each name stands for what the other stood for, in schema and policy, so the
    label turns round. Where names change, meanings keep their places.
    """
    return [
        variant(task, "original", task.tools),
        variant(task, "order", task.tools[::-1]),
        variant(task, "reworded", _reworded(task.tools)),
        variant(task, "renamed", task.tools, RENAMED),
        variant(task, "third tool", office_tools.tool_set(task.tools, 3)),
        variant(task, "flipped", task.tools, FLIPPED),
    ]


def conversation(row, variant):
    """The row as TRL's prompt-completion conversation under the variant.

    As Task.conversation; KeyError for a tool the task has not.
    """
    due = variant.expected[row["tool_name"]]
    calls = [{**call, "name": due} for call in row["calls"]]
    return variant.task.conversation({**row, "tool_name": due, "calls": calls})


def judge(reply, row, variant):
    """evaluation.judge against the tool due under the variant.

    Judgement.called is a name as the variant declares it.
    """
    due = variant.expected[row["tool_name"]]
    return evaluation.judge(reply, due, variant.task.tools)


def variant(task, name, tools, names=SAME):
    """The task declared with these schemas of its two tools, under other names.

    names: {own name: name shown}, in schemas, policy and label alike.
    """
    return Variant(
        name,
        replace(
            task,
            tools=tuple(json.loads(_replace(json.dumps(tools), names))),
            developer=_replace(task.developer, names),
        ),
        {**names, None: None},
    )


def _replace(text, names):
    """All names in one pass, so that two can trade places."""
    return re.sub("|".join(names), lambda found: names[found[0]], text)


def _reworded(tools):
    tools = copy.deepcopy(tools)
    for tool in tools:
        function = tool["function"]
        function["description"] = REWORDED[function["name"]]
        function["parameters"]["properties"]["query"]["description"] = REWORDED_QUERY
    return tools
