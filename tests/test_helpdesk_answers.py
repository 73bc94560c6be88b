"""The rows of data/helpdesk_answers: made by the tools, new, and apart."""

import json
import re

import pytest

from near import cosines
from scripted import scripted
from toolcalling import tasks
from toolcalling.calls import FunctionCall, render_call
from toolcalling.use.answers import judge_outcome, scores
from toolcalling.use.helpdesk_tools import READ_ONLY, HelpDesk
from toolcalling.use.loop import Loop
from toolcalling.use.mentions import mentions

ROWS = tasks.load_task("helpdesk_answers", log=lambda note: None)
HELPDESK = tasks.load_task("helpdesk", log=lambda note: None)
ANSWERED = [
    (split, row)
    for split, rows in ROWS.rows.items()
    for row in rows
    if row["messages"][-1]["role"] == "tool"
]


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_rows_and_tools_agree(split):
    """Each row's responses are those of the desk that its family is the seed of."""
    for where, row in ANSWERED:
        if where != split:
            continue
        functions = HelpDesk(row["family"]).functions()
        *_, question, called = (m for m in row["messages"] if m["role"] != "tool")
        made = [
            functions[call["function"]["name"]](**call["function"]["arguments"])
            for call in called["tool_calls"]
        ]
        assert made == [m["content"] for m in row["messages"] if m["role"] == "tool"]


def test_counts_and_kinds_of_rows():
    counts = {s: sum(where == s for where, _ in ANSWERED) for s in ROWS.rows}
    assert counts == {"train": 240, "dev": 40, "test": 100}
    for split in ROWS.rows:
        shown = [m for s, row in ANSWERED if s == split for m in row["messages"]
                 if m["role"] == "tool"]  # fmt: skip
        refused = [
            m for m in shown
            if m["content"].get("found") is False or "error" in m["content"]
        ]  # fmt: skip
        assert 0.2 < len(refused) / len(shown) < 0.45
        assert {m["name"] for m in shown} == set(ROWS.tool_names)


def test_no_row_is_one_of_the_help_desks_and_none_is_in_two_splits():
    asked = [(split, row["user_content"]) for split, row in ANSWERED]
    asked += [
        (f"helpdesk {split}", row["user_content"])
        for split, rows in HELPDESK.rows.items()
        for row in rows
    ]
    cosine = cosines([text for _, text in asked])
    for i, (split, text) in enumerate(asked):
        for j, (other, twin) in enumerate(asked[:i]):
            held_out = "test" in split + other or "dev" in split + other
            ours = not (split.startswith("helpdesk") and other.startswith("helpdesk"))
            if ours and split not in (other, f"helpdesk {other}"):
                assert cosine[i, j] < (0.5 if held_out else 0.6), (text, twin)


def test_what_is_held_out_names_other_people_numbers_and_machines():
    def named(split):
        found = set()
        for where, row in ANSWERED:
            for m in row["messages"] if where == split else ():
                for call in m.get("tool_calls", ()):
                    arguments = call["function"]["arguments"]
                    found |= {arguments.get("number"), arguments.get("user")}
                    found |= set(arguments.get("machines", ()))
        return found - {None}

    assert not named("test") & (named("train") | named("dev"))
    assert not named("dev") & named("train")


def test_arguments_are_in_the_message():
    for _, row in ANSWERED:
        text = row["user_content"]
        for m in row["messages"]:
            for call in m.get("tool_calls", ()):
                arguments = call["function"]["arguments"]
                for name in ("number", "user", "program"):
                    assert str(arguments.get(name, "")).lower() in text.lower(), row
                assert all(tag in text for tag in arguments.get("machines", ()))
                words = re.findall(r"\w+", arguments.get("summary", "").lower())
                assert set(words) <= set(re.findall(r"\w+", text.lower())), row
                assert len(arguments.get("summary", "a b c").split()) in range(3, 10)


def test_dates_and_lengths_of_loans_are_in_the_message():
    """In any of the forms that people write; no year means 2026."""
    for _, row in ANSWERED:
        text, said = row["user_content"], mentions(row["user_content"])
        dates = {(year or 2026, month, day) for year, month, day in said.dates}
        days = said.numbers | {7 * n for n in said.weeks}
        days |= {1} if re.search(r"\b(one|single)\b", text, re.I) else set()
        days |= {7} if re.search(r"\ba week\b", text) else set()
        for m in row["messages"]:
            for call in m.get("tool_calls", ()):
                if call["function"]["name"] == "lend_device":
                    due = call["function"]["arguments"]
                    assert tuple(map(int, due["start"].split("-"))) in dates, text
                    assert due["days"] in days and due["device"] in text.lower(), text


def test_answers_are_short_and_no_two_begin_alike_too_often():
    for _, row in ANSWERED:
        assert 1 <= len(row["reply"].split()) <= 40
    starts = [" ".join(row["reply"].split()[:3]) for _, row in ANSWERED]
    assert max(map(starts.count, starts)) <= 0.05 * len(starts)
    assert len({row["reply"] for _, row in ANSWERED}) == len(ANSWERED)


def test_responses_are_json():
    for _, row in ANSWERED:
        for m in row["messages"]:
            if m["role"] == "tool":
                assert len(json.dumps(m["content"])) < 250


@pytest.mark.parametrize("worded_by", ["model", "code"])
def test_the_held_out_rows_through_the_loop(worded_by):
    """A model that makes the calls due; its own words are due too, or code's."""
    rows = [row for split, row in ANSWERED if split == "test"]
    judged = []
    for row in rows:
        calls = [c["function"] for c in row["messages"][1]["tool_calls"]]
        reply = "".join(render_call(FunctionCall(**c)) for c in calls)
        generate, _ = scripted(reply, row["reply"])
        loop = Loop(generate, answers=worded_by == "model", after_result=READ_ONLY)
        functions = HelpDesk(row["family"]).functions()
        outcome = loop.ask(ROWS.ask(row["user_content"]), functions)
        assert outcome.worded_by == worded_by and outcome.stopped == "answer"
        judged.append(judge_outcome(outcome, row))
    found = scores(judged)
    assert found["grounded"]["correct"] == 100, found
    assert found["inventing"]["correct"] == 0
