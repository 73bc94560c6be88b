"""Training rows under fresh names: what is declared is what is called."""

import json
import re

import pytest

from toolcalling.judging.arguments import argument_problem
from toolcalling.study import declarations, fresh_tools
from toolcalling.training import FamilySampler


@pytest.fixture(scope="module")
def made(task):
    rows = task.rows["train"]
    conversations, groups = fresh_tools.fresh_tools(rows, task, seed=1)
    return list(zip(rows, conversations, groups, strict=True))


def fresh(made):
    return [one for one in made if one[2].startswith("fresh")]


def test_a_share_of_the_families_is_whole_and_the_rest_is_as_it_was(made, task):
    families = {row["family"] for row, _, _ in made}
    drawn = {row["family"] for row, _, _ in fresh(made)}
    assert len(drawn) == round(fresh_tools.SHARE * len(families))
    for row, conversation, group in made:
        if row["family"] not in drawn:
            assert group == row["family"] and conversation == task.conversation(row)
    groups = [group for _, _, group in fresh(made)]
    sizes = {groups.count(group) for group in groups}
    assert max(sizes) <= fresh_tools.SIZE and len(set(groups)) > 20


def test_what_is_called_is_declared_in_tools_and_policy(made):
    names, parameters = set(), set()
    for row, conversation, _ in fresh(made):
        declared = {t["function"]["name"]: t["function"] for t in conversation["tools"]}
        policy = conversation["prompt"][0]["content"]
        for name in declared:
            assert re.search(rf"(?<![\\w-]){re.escape(name)}(?![\\w-])", policy)
        for call in conversation["completion"][0].get("tool_calls", ()):
            call = call["function"]
            schema = declared[call["name"]]["parameters"]
            assert argument_problem(call["arguments"], schema) is None
            assert [*call["arguments"].values()] == [
                row["calls"][0]["arguments"]["query"]
            ]
            names.add(call["name"])
            parameters |= set(call["arguments"])
    assert len(names) > 20 and len(parameters) > 5
    assert not names & set(declarations.RENAMED.values())


def test_rows_of_a_group_share_their_declarations_and_fill_a_batch(made):
    shown = {}
    for _, conversation, group in fresh(made):
        text = json.dumps([conversation["prompt"][0], conversation["tools"]])
        assert shown.setdefault(group, text) == text
    order = list(FamilySampler([group for _, _, group in made], 8, seed=3))
    batches = [order[i : i + 8] for i in range(0, len(order), 8)]
    whole = [g for g in shown if sum(o[2] == g for o in made) == fresh_tools.SIZE]
    for group in whole:
        held = [b for b in batches if any(made[i][2] == group for i in b)]
        assert len(held) <= 2


def test_where_a_tool_is_absent_its_rows_are_due_no_call(made):
    lacking = [o for o in fresh(made) if len(o[1]["tools"]) == 1]
    assert 0.05 < len(lacking) / len(fresh(made)) < 0.4
    silent = [c for row, c, _ in lacking if row["calls"]
              and "tool_calls" not in c["completion"][0]]  # fmt: skip
    assert silent and len(silent) < len(lacking)
    for conversation in silent:
        assert conversation["completion"][0]["content"] == fresh_tools.NOTHING
        assert conversation["prompt"][0]["content"].count(". ") == 1


def test_a_seed_gives_the_same_again_and_another_others(task, made):
    rows = task.rows["train"]
    again = fresh_tools.fresh_tools(rows, task, seed=1)
    assert again[0] == [c for _, c, _ in made]
    assert fresh_tools.fresh_tools(rows, task, seed=2)[0] != again[0]
