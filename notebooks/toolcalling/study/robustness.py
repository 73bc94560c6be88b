"""The same rows under changed declarations: does a model read the schemas, or
does it know the two tools by heart?"""

import json
import re
from dataclasses import dataclass

from .. import evaluation, tasks
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

    tools: JSON schemas, in the order declared. developer: the developer message.
    expected: a row's tool_name (None included) -> the tool due here, or None.
    """

    name: str
    tools: list[dict]
    developer: str
    expected: dict[str | None, str | None]


def variants():
    """The original declarations and five changes to them, each of its own schemas.

    original; order: declared the other way round; reworded: descriptions in other
    words; renamed: two new names; third tool: one unrelated tool more; flipped:
    each name stands for what the other stood for, in schema and policy, so the
    label turns round. Where names change, meanings keep their places.
    """
    return [
        variant("original", tasks.tool_schemas()),
        variant("order", tasks.tool_schemas()[::-1]),
        variant("reworded", _reworded(tasks.tool_schemas())),
        variant("renamed", tasks.tool_schemas(), RENAMED),
        variant("third tool", office_tools.tool_set(3)),
        variant("flipped", tasks.tool_schemas(), FLIPPED),
    ]


def conversation(row, variant):
    """The row as TRL's prompt-completion conversation under the variant.

    As tasks.to_conversation; KeyError for a tool the task has not.
    """
    due = {**row, "tool_name": variant.expected[row["tool_name"]]}
    return tasks.to_conversation(due, variant.tools, variant.developer)


def judge(reply, row, variant):
    """evaluation.judge against the tool due under the variant.

    Judgement.called is a name as the variant declares it.
    """
    due = variant.expected[row["tool_name"]]
    return evaluation.judge(reply, due, variant.tools)


def variant(name, tools, names=SAME):
    """The task declared with these schemas of its two tools, under other names.

    names: {own name: name shown}, in schemas, policy and label alike.
    """
    return Variant(
        name,
        json.loads(_replace(json.dumps(tools), names)),
        _replace(tasks.DEVELOPER, names),
        {**names, None: None},
    )


def _replace(text, names):
    """All names in one pass, so that two can trade places."""
    return re.sub("|".join(names), lambda found: names[found[0]], text)


def _reworded(tools):
    for tool in tools:
        function = tool["function"]
        function["description"] = REWORDED[function["name"]]
        function["parameters"]["properties"]["query"]["description"] = REWORDED_QUERY
    return tools
