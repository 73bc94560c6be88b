"""Training rows under declarations that vary: so a model must read them."""

import copy
import random

# Other words for the two tools, none of them those that the test is asked with.
WORDINGS = {
    "search_knowledge_base": (
        "Search what the company has written down about itself.",
        "Answers from the company's internal documents and project data.",
        "Internal search: handbooks, policies, people, projects.",
    ),
    "search_google": (
        "Search the public web.",
        "Answers that anyone outside the company could find too.",
        "Web search for what has been published.",
    ),
}


def varied_tools(rows, tools, seed):
    """One list of tool schemas per row: order and descriptions drawn by family.

    The own description is among the choices. Names and parameters stay. Families
    share a draw, so that they still share their prompt's beginning in a batch.
    """
    draw, found = random.Random(seed), {}
    for family in dict.fromkeys(row["family"] for row in rows):
        found[family] = copy.deepcopy(tools)
        for tool in found[family]:
            function = tool["function"]
            words = WORDINGS[function["name"]]
            function["description"] = draw.choice([function["description"], *words])
        draw.shuffle(found[family])
    return [found[row["family"]] for row in rows]
