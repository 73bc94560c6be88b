"""To train with: the two tools under names that mean nothing, or something else.

As Hammer does (arXiv 2410.04587), names of tools and of the parameter are drawn fresh,
so that a model has to read the declarations. A share of the families is drawn into
groups that fill a batch; each group has declarations of its own, so that its rows still
share the beginning of their prompts. In one group of five a tool is absent, and rows
that are due it are due no call.
"""

import json
import random
import re
from dataclasses import replace

from ..general.names import Names
from .declarations import (
    COMPANY,
    FLIPPED,
    PUBLIC,
    WORDINGS,
    Variant,
    conversation,
    described,
    variant,
)

SHARE, SIZE = 0.25, 8  # of the families; rows of a group
ABSENT = 0.2  # of the groups lack a tool
NOTHING = "I have no tool for that."
# None of the names that the test is asked with.
WORDS = {
    COMPANY: ("search_intranet", "company_archive", "ask_our_files", "staff_wiki",
              "internal_records", "house_documents"),
    PUBLIC: ("search_internet", "public_lookup", "ask_the_web", "open_sources",
             "world_facts", "online_search"),
}  # fmt: skip
PARAMETER = ("query", "q", "keywords", "search_terms", "question", "text")


def fresh_tools(rows, task, seed, share=SHARE):
    """(conversations, groups): per row what it is trained as, and with which rows.

    groups: a name per row, for CPUTrainer's `family`; rows that keep the task's own
    declarations keep their family's.
    """
    draw = random.Random(seed)
    families = list(dict.fromkeys(row["family"] for row in rows))
    chosen = draw.sample(families, round(share * len(families)))
    members = {family: [] for family in chosen}
    for row in rows:
        if row["family"] in members:
            members[row["family"]].append(row)
    drawn, group, count = {}, None, SIZE
    for family, own in members.items():
        if count + len(own) > SIZE:
            group, count = (f"fresh {len(drawn)}", _fresh(task, draw)), 0
        drawn[family] = group
        count += len(own)
    made, groups = [], []
    for row in rows:
        name, shown = drawn.get(row["family"], (row["family"], None))
        groups.append(name)
        made.append(_conversation(row, shown) if shown else task.conversation(row))
    return made, groups


def _fresh(task, draw):
    """A Variant with the parameter's name beside it, and perhaps a tool less."""
    naming = Names(draw, empty=0.5)
    if draw.random() < 0.2:
        names = FLIPPED
    else:
        names = {tool: naming.tool(WORDS[tool], "tools") for tool in (COMPANY, PUBLIC)}
    parameter = naming.parameters({"query": PARAMETER})["query"]
    words = {
        tool["function"]["name"]: draw.choice(
            [tool["function"]["description"], *WORDINGS[tool["function"]["name"]]]
        )
        for tool in task.tools
    }
    tools = list(described(task.tools, words))
    draw.shuffle(tools)
    made = variant(task, "fresh", tools, names)
    text = json.dumps(made.task.tools).replace('"query"', json.dumps(parameter))
    shown = replace(made.task, tools=tuple(json.loads(text)))
    expected = dict(made.expected)
    if draw.random() < ABSENT:
        gone = draw.choice((COMPANY, PUBLIC))
        shown = _without(shown, expected[gone])
        expected[gone] = None
    return Variant(parameter, shown, expected)


def _without(task, name):
    """The task without a tool, in the declarations and in the policy."""
    first, *policy = task.developer.split("\n")
    named = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    parts = "\n".join(policy).split(". ")
    kept = [part for part in parts if not named.search(part)]
    left = tuple(tool for tool in task.tools if tool["function"]["name"] != name)
    return replace(task, tools=left, developer="\n".join([first, ". ".join(kept)]))


def _conversation(row, shown):
    """The row as the group declares it; shown.name is the parameter's."""
    calls = [
        {**call, "arguments": {shown.name: call["arguments"]["query"]}}
        for call in row["calls"]
    ]
    if calls and shown.expected[row["tool_name"]] is None:
        row = {**row, "calls": [], "tool_name": None, "reply": NOTHING}
        return shown.task.conversation(row)
    return conversation({**row, "calls": calls}, shown)
