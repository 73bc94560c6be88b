"""The same rows under changed declarations.

To test: does a model read the schemas, or does it know the two tools by heart?
And to train: under declarations that vary, so that it has to read them.
"""

import copy
import json
import random
import re
from dataclasses import dataclass, replace

from .. import evaluation
from ..tasks import Task
from .office_tools import tool_set

COMPANY, PUBLIC = "search_knowledge_base", "search_google"
SAME = {COMPANY: COMPANY, PUBLIC: PUBLIC}
RENAMED = {COMPANY: "lookup_company_docs", PUBLIC: "web_search"}
FLIPPED = {COMPANY: PUBLIC, PUBLIC: COMPANY}
REWORDED = {
    COMPANY: "Look up the firm's own files, rules and records of its projects.",
    PUBLIC: "Find facts that are open to everyone.",
}
REWORDED_QUERY = "The words to look for"

# To train with. None of the words that the test is asked with.
WORDINGS = {
    COMPANY: (
        "Search what the company has written down about itself.",
        "Answers from the company's internal documents and project data.",
        "Internal search: handbooks, policies, people, projects.",
    ),
    PUBLIC: (
        "Search the public web.",
        "Answers that anyone outside the company could find too.",
        "Web search for what has been published.",
    ),
}
# Half the time their own names, then flipped, telling, telling nothing. Of those
# that the test is asked with only the flipped ones.
NAMES = (
    SAME, SAME, SAME, SAME, FLIPPED,
    {COMPANY: "find_in_handbook", PUBLIC: "find_online"},
    {COMPANY: "search_one", PUBLIC: "search_two"},
    {COMPANY: "search_two", PUBLIC: "search_one"},
)  # fmt: skip


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
    reworded = described(task.tools, REWORDED)
    for tool in reworded:
        query = tool["function"]["parameters"]["properties"]["query"]
        query["description"] = REWORDED_QUERY
    return [
        variant(task, "original", task.tools),
        variant(task, "order", task.tools[::-1]),
        variant(task, "reworded", reworded),
        variant(task, "renamed", task.tools, RENAMED),
        variant(task, "third tool", tool_set(task.tools, 3)),
        variant(task, "flipped", task.tools, FLIPPED),
    ]


def varied_tools(rows, task, seed, names=False):
    """A Variant per row, to train with: order and descriptions drawn by family.

    names: draw the tools' names too. The own descriptions are among the choices;
    parameters stay. Families share a draw, so that they still share their prompt's
    beginning in a batch.
    """
    draw, found = random.Random(seed), {}
    for family in dict.fromkeys(row["family"] for row in rows):
        words = {}
        for function in (tool["function"] for tool in task.tools):
            choices = [function["description"], *WORDINGS[function["name"]]]
            words[function["name"]] = draw.choice(choices)
        tools = list(described(task.tools, words))
        draw.shuffle(tools)
        shown = draw.choice(NAMES) if names else SAME
        found[family] = variant(task, "varied", tools, shown)
    return [found[row["family"]] for row in rows]


def described(tools, words):
    """Copies of the schemas, described in the words given for each name."""
    tools = copy.deepcopy(tools)
    for tool in tools:
        tool["function"]["description"] = words[tool["function"]["name"]]
    return tools


def variant(task, name, tools, names=SAME):
    """The task declared with these schemas of its two tools, under other names.

    names: {own name: name shown}, in schemas, policy and label alike.
    """
    tools = tuple(json.loads(_replace(json.dumps(tools), names)))
    declared = replace(task, tools=tools, developer=_replace(task.developer, names))
    return Variant(name, declared, {**names, None: None})


def _replace(text, names):
    """All names in one pass, so that two can change places."""
    return re.sub("|".join(names), lambda found: names[found[0]], text)


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
