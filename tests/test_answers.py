"""Is an answer grounded: the facts it must hold, and what it must not invent."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolcalling import tasks
from toolcalling.rows.forms import examples
from toolcalling.use.answers import Grounding, judge_answer, judge_row, scores
from toolcalling.use.mentions import mentions

ROWS = tasks.load_task("helpdesk_answers", log=lambda note: None)
ANSWERED = [
    row
    for rows in ROWS.rows.values()
    for row in rows
    if row["messages"][-1]["role"] == "tool"
]


def test_every_row_says_its_facts_and_invents_none():
    for row in ANSWERED:
        assert row["facts"], row["id"]
        assert judge_row(row["reply"], row) == Grounding(), row["id"]


def test_calls_have_no_facts():
    for rows in ROWS.rows.values():
        for row in rows:
            assert (row["facts"] is None) == bool(row["calls"])


def test_hardly_any_answer_would_do_for_another_question():
    """Of the same tool, so that length and wording do not tell them apart."""
    draw, passed, tried = random.Random(0), [], 0
    for row in ANSWERED:
        twins = [
            other for other in ANSWERED
            if other is not row
            and other["messages"][-1]["name"] == row["messages"][-1]["name"]
        ]  # fmt: skip
        for other in draw.sample(twins, 5):
            tried += 1
            if judge_row(other["reply"], row).correct:
                passed.append((row["user_content"], other["reply"]))
    assert len(passed) <= 0.01 * tried, passed


def test_the_bare_question_is_hardly_ever_an_answer():
    """But for a few that say no themselves."""
    echoed = [r for r in ANSWERED if judge_row(r["user_content"], r).correct]
    assert len(echoed) <= 4 and all(False in r["facts"] for r in echoed)


LOAN = {"lent": True, "asset": "PL-263", "collect_at": "room 014",
        "return_by": "2026-12-09"}  # fmt: skip
ASKED = "A laptop from 3 December for seven days, for k.hale"


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        ("Back by 9 December.", ["2026-12-09"]),
        ("Back by December 9th, 2026.", ["2026-12-09"]),
        ("Back by the 9th of Dec.", ["2026-12-09"]),
        ("Back by 2026-12-09.", ["2026-12-09"]),
        ("Back by 09/12/2026.", ["2026-12-09"]),
        ("Back on Wednesday, 9 December.", ["2026-12-09", True]),
        ("PL-263 is in Room 014.", ["PL-263", "room 014"]),
        ("pl263 it is.", ["PL-263"]),
        ("Seven days are fine.", [7]),
        ("One week is fine.", [["fine", "good"]]),
        ("A week from 3 December for k.hale.", ["k.hale"]),
        ("It cannot be.", [False]),
        ("No problem, it is booked.", [True]),
        ("Return it no later than 9 December.", ["2026-12-09", True]),
        ("You haven't got one.", [False]),
    ],
)
def test_facts_are_found_however_they_are_written(answer, facts):
    assert judge_answer(answer, facts, [LOAN], ASKED) == Grounding()


@pytest.mark.parametrize(
    ("answer", "facts", "missing"),
    [
        ("Back by 8 December.", ["2026-12-09"], ("2026-12-09",)),
        ("Back by 9 November.", ["2026-12-09"], ("2026-12-09",)),
        ("Back by 9 December 2027.", ["2026-12-09"], ("2026-12-09",)),
        ("Back by the 9th.", ["2026-12-09"], ("2026-12-09",)),
        ("In room 14.", ["room 014"], ("room 014",)),
        ("In bathroom 014.", ["room 014"], ("room 014",)),
        ("70 days", [7], (7,)),
        ("", [7, "x"], (7, "x")),
        ("It is booked.", [False], (False,)),
        ("It is not booked.", [True], (True,)),
        ("Unfortunately it's out.", [True], (True,)),
        ("Well.", [["fine", "good"]], (["fine", "good"],)),
    ],
)
def test_missing_facts_are_named(answer, facts, missing):
    assert judge_answer(answer, facts, [LOAN], ASKED).missing == missing


@pytest.mark.parametrize(
    ("answer", "invented"),
    [
        ("PL-264 is yours.", ("pl264",)),
        ("Bring it back on 10 December.", ("12-10",)),
        ("Bring it back on 9 December 2027.", ("2027-12-9",)),
        ("Bring it back on the 10th.", ("10th",)),
        ("Bring it back on Friday.", ("friday",)),
        ("Bring it back tomorrow.", ("tomorrow",)),
        ("Come at 14:30.", ("14:30",)),
        ("Come at 2 pm.", ("14:00",)),
        ("Call 5519.", ("5519",)),
        ("For eight days.", ("8",)),
        ("For three weeks.", ("3 weeks",)),
        ("It is fifth in the queue.", ("5th",)),
        ("Booked for k.hall.", ("k.hall",)),
        ("Booked for m_osei2.", ("mosei2",)),
    ],
)
def test_inventions_are_named(answer, invented):
    assert judge_answer(answer, [], [LOAN], ASKED).invented == invented


@pytest.mark.parametrize(
    "answer",
    [
        "On 9 December you bring PL-263 back, or on the 9th, as you like.",
        "Seven days, so a week, from 3 December.",
        "7 days from the 3rd.",
        "k.hale gets it, e.g. in 2026.",
        "The first and only one.",
        "",
    ],
)
def test_what_is_known_is_no_invention(answer):
    assert judge_answer(answer, [], [LOAN], ASKED).invented == ()


def test_lists_may_be_counted_and_arguments_repeated():
    response = {"installing_on": ["LT-1", "LT-2", "LT-3"]}
    due = [{"name": "install_software", "arguments": {"program": "Sage 50"}}]
    answer = "All three get Sage 50."
    assert judge_answer(answer, [], [response], "go", due).invented == ()
    assert judge_answer("All four.", [], [response], "go", due).invented == ("4",)


@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        ("1,250 or 1 250 pounds", "numbers", {1250}),
        ("4.2 and twenty-one", "numbers", {4.2, 21}),
        ("31 September 1st", "dates", {(None, 9, 31)}),
        ("May I come in May?", "dates", set()),
        ("2026-13-40", "dates", set()),
        ("at 9 a.m. or 9:05pm", "times", {"09:00", "21:05"}),
        ("at 12 am and 12 pm", "times", {"00:00", "12:00"}),
        ("LT-2043, dmensah2, k.hale", "ids", {"lt2043", "dmensah2", "k.hale"}),
        ("e.g. this, i.e. that", "ids", set()),
        ("One of them.", "numbers", set()),
        ("a fortnight", "weeks", {2}),
    ],
)
def test_mentions(text, field, found):
    assert getattr(mentions(text), field) == found


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_can_be_judged(text):
    judge_answer(text, ["2026-12-09", 3, True, text], [{"text": text}], "")
    assert judge_answer(text, [], [{"text": text}], "").invented == ()


def test_scores():
    judged = [Grounding(), Grounding(missing=(1,)), Grounding(invented=("2",))]
    found = scores(judged)
    assert [found[k]["correct"] for k in ("grounded", "with_facts", "inventing")] == [
        1, 2, 1]  # fmt: skip


def row(**more):
    messages = [
        {"role": "user", "content": "How is 4471?"},
        {"role": "assistant", "tool_calls": [
            {"function": {"name": "check_ticket", "arguments": {"number": 4471}}}]},
        {"role": "tool", "content": {"found": False}},
        {"role": "assistant", "content": "There is none."},
    ]  # fmt: skip
    return {"messages": messages, **more}


def test_facts_belong_to_the_last_reply():
    made, faults = examples(row(facts=[False, 4471]), list(ROWS.tools), None)
    assert not faults and [one["facts"] for one in made] == [None, [False, 4471]]


@pytest.mark.parametrize("facts", ["4471", 3, {}, [None], [[]], [""], [{}]])
def test_facts_that_are_none_are_refused(facts):
    _, faults = examples(row(facts=facts), list(ROWS.tools), None)
    assert len(faults) == 1 and faults[0].startswith("facts: a list of texts, numbers")


def test_facts_without_words_are_refused():
    called = {"messages": row()["messages"][:2], "facts": [1]}
    _, faults = examples(called, list(ROWS.tools), None)
    assert faults == ["facts: the last message says nothing that could hold them"]
