"""Training rows under declarations that vary: so a model must read them."""

import copy
import random

from .robustness import COMPANY, FLIPPED, PUBLIC, SAME, variant

# Other words for the two tools, none of them those that the test is asked with.
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


# Names to show in their place: half the time their own, then traded, telling,
# telling nothing. None of those that the test is asked with but the traded ones.
NAMES = (
    SAME, SAME, SAME, SAME, FLIPPED,
    {COMPANY: "find_in_handbook", PUBLIC: "find_online"},
    {COMPANY: "search_one", PUBLIC: "search_two"},
    {COMPANY: "search_two", PUBLIC: "search_one"},
)  # fmt: skip


def varied_tools(rows, task, seed, names=False):
    """One robustness.Variant per row: order and descriptions drawn by family.

    names: draw the tools' names too. The own descriptions are among the choices;
    parameters stay. Families share a draw, so that they still share their prompt's
    beginning in a batch.
    """
    draw, found = random.Random(seed), {}
    for family in dict.fromkeys(row["family"] for row in rows):
        own = list(copy.deepcopy(task.tools))
        for tool in own:
            function = tool["function"]
            words = WORDINGS[function["name"]]
            function["description"] = draw.choice([function["description"], *words])
        draw.shuffle(own)
        found[family] = variant(
            task, "varied", own, draw.choice(NAMES) if names else SAME
        )
    return [found[row["family"]] for row in rows]
