"""BFCL's rules, each with a case on both sides; the prompts for unseen tools."""

import json
import re
from collections import Counter

import pytest

from conftest import ROOT
from near import cosines
from toolcalling.calls import FunctionCall, render_call
from toolcalling.evaluation import argument_problem
from toolcalling.judging import matching
from toolcalling.study.office_tools import OTHERS

DATA = ROOT / "data" / "unseen_tools"
UNSEEN = {
    tool["function"]["name"]: tool
    for tool in json.loads((DATA / "tools.json").read_text(encoding="utf-8"))
}
LINES = (DATA / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
ROWS = [json.loads(line) for line in LINES]
DUE = [row for row in ROWS if row["accepted"]]
# Every keyword that FunctionGemma's declarations swallow as a parameter's name.
KEYWORDS = {"description", "type", "properties", "required", "nullable"}


def declare(name, required, **properties):
    schema = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


STRING, NUMBER = {"type": "string"}, {"type": "number"}
TOOLS = [
    declare(
        "brew", ["drink"], drink=STRING, cups={"type": "integer"}, litres=NUMBER,
        iced={"type": "boolean"}, extras={"type": "array", "items": STRING},
        sizes={"type": "array", "items": NUMBER}, note={"type": ["string", "null"]},
        bean={"type": "object", "properties": {"grams": NUMBER}}, free={},
    ),
    declare("rinse", [], pot=STRING),
]  # fmt: skip


def due(name="brew", **arguments):
    """An accepted call; of brew with drink="tea" unless given."""
    if name == "brew":
        arguments = {"drink": ["tea"]} | arguments
    return {"name": name, "arguments": arguments}


def brew(**arguments):
    return FunctionCall("brew", {"drink": "tea"} | arguments)


@pytest.mark.parametrize(
    ("call", "accepted", "problem"),
    [
        (brew(), due(), None),
        (brew(), due(drink=["mate", "tea"]), None),
        (brew(), due(drink=["coffee"]), "another value"),
        (FunctionCall("brewer", {"drink": "tea"}), due(), "unknown"),
        (FunctionCall("rinse", {"pot": "tea"}), due(), "instead of brew"),
        (FunctionCall("brew"), due(), "required"),
        (FunctionCall("brew"), due(drink=["tea", ""]), "required"),
        (brew(sugar=1), due(), "not declared"),
        (brew(cups=1), due(), "not expected"),
        # "" means that it may be left out
        (brew(), due(cups=[1, ""]), None),
        (brew(cups=1), due(cups=[1, ""]), None),
        (brew(cups=2), due(cups=[1, ""]), "another value"),
        (brew(), due(cups=[1]), "'cups' is missing"),
        # types
        (brew(litres=2), due(litres=[2.0]), None),
        (brew(litres=2.0), due(litres=[2]), None),
        (brew(cups=2.0), due(cups=[2]), "type"),
        (brew(cups="2"), due(cups=[2]), "type"),
        (brew(cups=True), due(cups=[1]), "type"),
        (brew(litres=True), due(litres=[1]), "type"),
        (brew(iced=True), due(iced=[True]), None),
        (brew(iced=1), due(iced=[True]), "type"),
        (brew(iced="true"), due(iced=[True]), "type"),
        (brew(drink=3), due(drink=["3"]), "type"),
        (brew(note=None), due(note=[None]), None),
        (brew(cups=None), due(cups=[None]), "type"),
        (brew(free="x"), due(free=["x", 1]), None),
        (brew(free=True), due(free=[1]), "another value"),
        # strings: blanks, , . / - _ * ^ and case do not count, ' is "
        (brew(drink="T-E.a"), due(drink=["t e_a"]), None),
        (brew(drink="*,/^tea"), due(), None),
        (brew(drink="Earl's"), due(drink=['earl"s']), None),
        (brew(drink="tea!"), due(), "another"),
        (brew(drink="teas"), due(), "another"),
        # lists: in order, strings normalised inside
        (brew(extras=["Milk", "ice"]), due(extras=[["milk", "ice"]]), None),
        (brew(extras=["ice", "milk"]), due(extras=[["milk", "ice"]]), "another"),
        (brew(extras=["milk"]), due(extras=[["milk", "ice"]]), "another"),
        (brew(extras=[]), due(extras=[[], ""]), None),
        (brew(extras=["milk", 3]), due(extras=[["milk", 3]]), "type"),
        (brew(extras="milk"), due(extras=[["milk"]]), "type"),
        (brew(sizes=[1, 2.5]), due(sizes=[[1.0, 2.5]]), None),
        # mappings: a list of values for each key
        (brew(bean={"grams": 18, "kind": "Arabica"}),
         due(bean=[{"grams": [17, 18], "kind": ["arabica"]}]), None),
        (brew(bean={"grams": 18}),
         due(bean=[{"grams": [18], "kind": ["arabica", ""]}]), None),
        (brew(bean={"grams": 18}),
         due(bean=[{"grams": [18], "kind": ["arabica"]}]), "another"),
        (brew(bean={"grams": 18, "age": 1}),
         due(bean=[{"grams": [18]}]), "another"),
        (brew(bean={"grams": "18"}),
         due(bean=[{"grams": ["18"]}]), "type"),
        (brew(free=[{"a": 1}, {"a": 2}]),
         due(free=[[{"a": [1]}, {"a": [2, 3]}]]), None),
        (brew(free=[{"a": 1}, {"a": 4}]),
         due(free=[[{"a": [1]}, {"a": [2, 3]}]]), "another"),
    ],
)  # fmt: skip
def test_one_call(call, accepted, problem):
    found = matching.check([call], TOOLS, [accepted])
    assert found is None if problem is None else problem in found


def test_count_and_irrelevance():
    assert matching.check([], TOOLS, []) is None
    assert matching.check([brew()], TOOLS, []) == "1 call, none due"
    assert matching.check([], TOOLS, [due()]) == "no call, 1 due"
    twice = matching.check([brew(), brew()], TOOLS, [due()])
    assert twice == "2 calls, 1 due"


def test_several_calls_in_any_order_each_used_once():
    tea, coffee = brew(), brew(drink="coffee")
    both = [due(drink=["coffee"]), due()]
    assert matching.check([tea, coffee], TOOLS, both) is None
    assert "another value" in matching.check([tea, tea], TOOLS, both)
    assert "another value" in matching.check([tea, coffee], TOOLS, [due(), due()])
    # the first call that fits is not always the one to take
    either = [due(drink=["tea", "coffee"]), due()]
    assert matching.check([tea, coffee], TOOLS, either) is None
    pot = FunctionCall("rinse", {"pot": "x"})
    mixed = [due(drink=["coffee"]), due("rinse", pot=["x"])]
    assert "another value" in matching.check([pot, tea], TOOLS, mixed)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("{cups:2,drink:<escape>tea<escape>,iced:true,litres:1.5}", None),
        ("{cups:<escape>2<escape>,drink:<escape>tea<escape>}", "type"),
        ("{drink:<escape>tea<escape>,iced:<escape>true<escape>}", "type"),
        ("{drink:<escape>tea}", "malformed"),
        ("{drink:<escape>tea<escape>,}", "malformed"),
    ],
)
def test_replies_are_read(reply, problem):
    accepted = [due(cups=[2, ""], iced=[True, ""], litres=[1.5, ""])]
    text = f"<start_function_call>call:brew{reply}<end_function_call>"
    found = matching.judge_reply(text, TOOLS, accepted)
    assert found is None if problem is None else problem in found


def test_words_are_no_call():
    words = "I cannot brew tea.<end_of_turn>"
    assert matching.judge_reply(words, TOOLS, []) is None
    assert matching.judge_reply(words, TOOLS, [due()]) == "no call, 1 due"
    broken = "<start_function_call>brew"
    assert matching.judge_reply(broken, TOOLS, []).startswith("malformed: ")


def test_the_unseen_tools_are_new_and_varied():
    assert len(UNSEEN) == 8
    assert not set(UNSEEN) & {*OTHERS, "search_knowledge_base", "search_google"}
    kinds, optional = set(), 0
    for tool in UNSEEN.values():
        schema = tool["function"]["parameters"]
        properties = schema["properties"]
        assert 1 <= len(properties) <= 3 and set(schema["required"]) <= set(properties)
        assert not KEYWORDS & set(properties) and tool["function"]["description"]
        assert all(p["description"] for p in properties.values())
        optional += len(properties) - len(schema["required"])
        kinds |= {"enum" if "enum" in p else p["type"] for p in properties.values()}
    assert kinds == {"string", "integer", "number", "boolean", "array", "enum"}
    assert optional >= 4


def test_counts_and_ids():
    assert len(ROWS) == len({row["id"] for row in ROWS}) == 64
    counts = Counter(row["accepted"][0]["name"] for row in DUE)
    assert counts == dict.fromkeys(UNSEEN, 6)
    assert all(len(row["accepted"]) == 1 for row in DUE)


def test_declared_tools_do_not_give_the_answer_away():
    for row in ROWS:
        assert 2 <= len(row["tools"]) == len(set(row["tools"])) <= 4
        assert set(row["tools"]) <= set(UNSEEN)
    places = Counter(row["tools"].index(row["accepted"][0]["name"]) for row in DUE)
    assert max(places.values()) <= len(DUE) / 2
    assert len({row["tools"][0] for row in DUE}) == len(UNSEEN)
    # each tool is also declared where it must not be called
    assert {name for row in ROWS if not row["accepted"] for name in row["tools"]} == (
        set(UNSEEN)
    )


def variants(accepted):
    """Argument sets to try: each parameter's values in turn, "" left out."""
    for name, answers in accepted["arguments"].items():
        for answer in answers:
            values = {k: v[0] for k, v in accepted["arguments"].items()}
            values[name] = answer
            yield {k: v for k, v in values.items() if v != ""}


@pytest.mark.parametrize("row", DUE, ids=lambda row: row["id"])
def test_accepted_calls_fit_the_schema_and_pass(row):
    tools = [UNSEEN[name] for name in row["tools"]]
    (accepted,) = row["accepted"]
    assert accepted["name"] in row["tools"]
    schema = UNSEEN[accepted["name"]]["function"]["parameters"]
    assert set(accepted["arguments"]) == set(schema["properties"])
    for arguments in variants(accepted):
        assert argument_problem(arguments, schema) is None
        call = FunctionCall(accepted["name"], arguments)
        assert matching.judge_reply(render_call(call), tools, [accepted]) is None
        assert matching.judge_reply(render_call(call), tools, []) == "1 call, none due"


def test_accepted_names_and_numbers_stand_in_the_prompt():
    """A value that nobody said could not be called right."""
    for row in DUE:
        said = row["user_content"].lower()
        for name, answers in row["accepted"][0]["arguments"].items():
            if name in (
                "room",
                "origin",
                "destination",
                "dish",
                "artist",
                "restaurant",
            ):
                assert any(answer.lower() in said for answer in answers), row
            if isinstance(answers[0], float):
                assert str(answers[0]) in said, row


def test_no_near_duplicates_also_of_the_training(task):
    """Among themselves by their own weights of words, so that rows added elsewhere
    change nothing; and beside the rows of the training."""
    others = [*task.rows["train"], *task.rows["dev"]]
    for rows, first in (([*ROWS], 0), ([*ROWS, *others], len(ROWS))):
        texts = [
            re.sub(r"\W+", " ", row["user_content"].lower()).strip() for row in rows
        ]
        cosine = cosines(texts)
        for i, row in enumerate(ROWS):
            near = [
                rows[j]
                for j in range(first, len(rows))
                if j != i and cosine[i, j] >= 0.5
            ]
            assert not near, (row, near)
