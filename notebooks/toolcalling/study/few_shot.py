"""What can be had without training: examples in the prompt, better descriptions."""

# The two tools, told apart in words as clear as the policy of the data card.
BETTER = {
    "search_knowledge_base": (
        "Search what only this company knows: its documents, rules, people, projects, "
        "contracts, prices it pays, decisions, sites, and anything with a name of its "
        "own that the public would not know."
    ),
    "search_google": (
        "Search what anyone could look up: other companies and their products, laws, "
        "places, prices on offer, the news. Also when the question mentions our "
        "office, trip or customer."
    ),
}


def examples(rows):
    """Four training rows to show: a contrast pair, a public one with a cue, no tool."""
    pair = next(row["family"] for row in rows if row["slice"] == "contrast")
    shown = [row for row in rows if row["family"] == pair]
    for name in ("cue_reversed", "no_tool"):
        shown.append(next(row for row in rows if row["slice"] == name))
    return shown


def with_examples(conversation, shown, task):
    """The conversation, its prompt opened by solved examples.

    A call is followed by a tool's response and a closing word: a user's message
    right behind a call or a response would not be a turn of its own.
    """
    opening, messages = conversation["prompt"][0], []
    for row in shown:
        example = task.conversation(row)
        messages += example["prompt"][1:] + example["completion"]
        if row["tool_name"]:
            messages += [
                {"role": "tool", "name": row["tool_name"], "content": "found"},
                {"role": "assistant", "content": "Here is what I found."},
            ]
    prompt = [opening, *messages, *conversation["prompt"][1:]]
    return {**conversation, "prompt": prompt}
