"""Plain rows: the message says every value as the call needs it."""

import re

import pytest

from toolcalling import general
from toolcalling.calls import parse_reply
from toolcalling.general import mixture, plain
from toolcalling.judging.arguments import argument_problems

NONE = dict.fromkeys(
    ("one", "near", "swapped", "taken", "talk", "ask", "answered", "several",
     "response", "policy"), 0,
)  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return general.rows(7, 3200, plain=1, **NONE)


def calls(row):
    return [c["function"] for c in row["completion"][0].get("tool_calls", ())]


def schema(row, call):
    named = {t["function"]["name"]: t["function"] for t in row["tools"]}
    return named[call["name"]]["parameters"]


def test_calls_are_allowed_and_every_value_is_said(made):
    literal = total = 0
    for row in made:
        text = row["prompt"][-1]["content"]
        for call in calls(row):
            assert not argument_problems(call["arguments"], schema(row, call)), row
            assert row["said"].keys() == {f"0.{name}" for name in call["arguments"]}
            for name, value in call["arguments"].items():
                words = row["said"][f"0.{name}"]
                assert words.lower() in text.lower(), (words, text)
                if isinstance(value, bool):
                    assert words not in (("no", "false") if value else ("yes", "true"))
                elif isinstance(value, (int, float)):
                    percent = words.endswith("%") and float(words[:-1]) / 100
                    assert words.replace(",", "") == str(value) or percent == value
                elif isinstance(value, list):
                    assert all(str(item) in words for item in value)
                elif isinstance(value, str):
                    total += 1
                    literal += words.lower() == value.lower().replace("_", " ")
    assert literal / total > 0.7


def test_most_rows_call_and_what_is_declined_is_not_declared(made):
    due = sum(bool(calls(row)) for row in made)
    assert 0.7 < due / len(made) < 0.82
    for row in made:
        reply = row["completion"][0].get("content", "").lower()
        assert reply or calls(row)
        for tool in row["tools"]:
            said = tool["function"]["description"].rstrip(".").lower()
            able = " i can" in f" {reply}"  # what the assistant can do
            assert able or len(said) < 12 or said not in reply, (reply, said)


def test_all_types_are_there_and_tools_are_many(made):
    types, tools = set(), set()
    for row in made:
        for tool in row["tools"]:
            tools.add(tool["function"]["description"])
            properties = tool["function"]["parameters"]["properties"]
            types |= {one["type"] for one in properties.values()}
        assert 1 <= len(row["tools"]) <= 4
        names = [t["function"]["name"] for t in row["tools"]]
        assert len({*names}) == len(names)
    assert types == {"string", "integer", "number", "boolean", "array", "object"}
    assert len(tools) > 500


def test_required_values_are_never_left_out_and_optional_ones_now_and_then(made):
    given = left = 0
    for row in made:
        for call in calls(row):
            shown = schema(row, call)
            assert {*shown.get("required", ())} <= call["arguments"].keys()
            for name in {*shown["properties"]} - {*shown.get("required", ())}:
                given += name in call["arguments"]
                left += name not in call["arguments"]
    assert 0.4 < given / (given + left) < 0.85


def test_a_part_name_reads_as_a_function_name(made):
    for row in made:
        for tool in row["tools"]:
            assert re.fullmatch(r"[\w.-]+", tool["function"]["name"])
    assert not parse_reply("x").problems


def test_the_plain_sets_stand_rather_at_the_beginning():
    import random

    shares = {**NONE, "one": 0.5, "plain": 0.5}
    plan = mixture.plan(random.Random(1), 8000, shares)
    at = [number for number, (flavour, _) in enumerate(plan) if flavour == "plain"]
    assert len(at) == 500 and sum(at) / 500 < 440  # in the mean of 0 to 999


def test_without_plain_rows_the_plan_is_as_it_was():
    import random

    shares = {**NONE, "one": 1}
    first = mixture.plan(random.Random(3), 80, shares)
    assert first == mixture.plan(random.Random(3), 80, {**shares, "plain": 0})


def test_a_pair_is_told_apart_by_from_and_to(made):
    """The words before the two values say which is which, in either order."""
    pairs = turned = 0
    for row in made:
        said = {k.removeprefix("0."): v for k, v in row["said"].items()}
        found = {}
        for call in calls(row):
            shown = schema(row, call)["properties"]
            for name in call["arguments"]:
                told = shown[name].get("description", "").lower()
                for way, noun in (("from", "departure"), ("to", "arrival")):
                    if f"place of {noun}" in told:
                        found[way] = said[name]
        text = row["prompt"][-1]["content"].lower()
        if {"from", "to"} <= found.keys() and found["from"] != found["to"]:
            a, b = found["from"].lower(), found["to"].lower()
            straight, other = f"from {a} to {b}" in text, f"to {b} from {a}" in text
            pairs += straight or other
            turned += other
            assert f"from {b} to {a}" not in text and text.count(a) == 1
    assert pairs > 20 and turned > 3


def test_parameters_are_read_once_each():
    keys = [p.key for p in plain.parameters()]
    assert len(keys) == len({*keys}) > 60
