"""Replies to rows of other people's tools: what each is judged."""

import pytest

from own_task import TOOLS as GIVEN
from toolcalling.calls import FunctionCall, render_call
from toolcalling.evaluation import judge
from toolcalling.rows.schemas import normalise_tools

TOOLS = normalise_tools(GIVEN)
END = "<start_function_response>"


def said(*calls, end=END):
    return "".join(render_call(FunctionCall(n, a)) for n, a in calls) + end


def due(*calls):
    return [{"name": n, "arguments": a} for n, a in calls]


def ticket(**arguments):
    return "ticket", {"title": "a", **arguments}


PING = ("ping", {})


@pytest.mark.parametrize(
    ("wanted", "called", "outcome"),
    [
        (ticket(n=3), ticket(n=3), "correct"),
        (ticket(n=3.0), ticket(n=3), "correct"),
        (ticket(n=3), ticket(n=3.0), "correct"),
        (ticket(x=1.0), ticket(x=1), "correct"),
        (ticket(n=3), ticket(n=4), "wrong_arguments"),
        (ticket(n=3), ticket(), "wrong_arguments"),
        (ticket(), ticket(n=3), "wrong_arguments"),
        (ticket(n=3), ticket(n="3"), "bad_arguments"),
        (ticket(n=1), ticket(n=True), "bad_arguments"),
        (ticket(how="high"), ticket(how="banana"), "bad_arguments"),
        (ticket(how="high"), ticket(how="low"), "wrong_arguments"),
        (ticket(title="Red car."), ticket(title="red  CAR"), "correct"),
        (ticket(due=None), ticket(), "correct"),
        (ticket(), ticket(due=None, n=None), "correct"),
        (ticket(due="today"), ticket(due=None), "wrong_arguments"),
        (ticket(tags=["a", "b"]), ticket(tags=["a", "b"]), "correct"),
        (ticket(tags=["a", "b"]), ticket(tags=["b", "a"]), "wrong_arguments"),
        (ticket(tags=["a"]), ticket(tags=["a", "a"]), "wrong_arguments"),
        (ticket(tags=[]), ticket(tags=[]), "correct"),
        (ticket(tags=["a"]), ticket(tags="a"), "bad_arguments"),
        (ticket(who={"name": "b"}), ticket(who={"name": "B"}), "correct"),
        (ticket(who={"name": "b"}), ticket(who={"name": "b", "age": None}), "correct"),
        (ticket(who={"name": "b"}), ticket(who={"name": "c"}), "wrong_arguments"),
        (ticket(who={"name": "b"}), ticket(who={"age": 1}), "bad_arguments"),
        (ticket(free={"k": [1, {"z": True}]}), ticket(free={"k": [1, {"z": True}]}), "correct"),
        (ticket(free={"k": 1}), ticket(free={"k": True}), "wrong_arguments"),
        (ticket(), PING, "wrong_tool"),
        (ticket(), ("pong", {}), "unknown_tool"),
        (PING, ("ping", {"a": 1}), "bad_arguments"),
    ],
)  # fmt: skip
def test_arguments_by_value(wanted, called, outcome):
    assert judge(said(called), due(wanted), TOOLS).outcome == outcome


def free(tool, argument):
    return (tool, argument) == ("ticket", "title")


@pytest.mark.parametrize(
    ("called", "outcome"),
    [(ticket(title="anything", n=1), "correct"), (("ticket", {"n": 1}), "bad_arguments"),
     (ticket(title=" ", n=1), "bad_arguments"), (ticket(title="b", n=2), "wrong_arguments")],
)  # fmt: skip
def test_free_text_only_has_to_be_there(called, outcome):
    assert judge(said(called), due(ticket(n=1)), TOOLS, free).outcome == outcome


def test_optional_free_text_has_to_be_there():
    def free(tool, argument):
        return argument == "due"

    assert not judge(said(ticket()), due(ticket(due="x")), TOOLS, free).correct
    assert judge(said(ticket(due="y")), due(ticket(due="x")), TOOLS, free).correct


def test_accepted_values():
    more = [{"n": [4, 5], "who": [{"name": "c"}]}]
    wanted = due(ticket(n=3, who={"name": "b"}))
    for n, name, correct in ((3, "b", 1), (5, "c", 1), (6, "b", 0), (3, "d", 0)):
        reply = said(ticket(n=n, who={"name": name}))
        assert judge(reply, wanted, TOOLS, accepted=more).correct == bool(correct)


A, B, A2 = ticket(n=1), ticket(n=2), ticket(n=1)


@pytest.mark.parametrize(
    ("wanted", "called", "outcome"),
    [
        ([A, B], [B, A], "correct"),
        ([A, PING], [PING, A], "correct"),
        ([A, A2], [A, A2], "correct"),
        ([A, A2], [A], "missing_call"),
        ([A, A2], [A, B], "wrong_arguments"),
        ([A, B], [A, A2], "wrong_arguments"),
        ([A, B], [A, PING], "wrong_tool"),
        ([A, B], [A, B, A], "several_calls"),
        ([A], [A, A], "several_calls"),
        ([], [A, B], "several_calls"),
        ([], [A], "wrong_tool"),
        ([A, B], [], "no_call"),
        ([], [], "correct"),
    ],
)
def test_several_calls(wanted, called, outcome):
    assert judge(said(*called), due(*wanted), TOOLS).outcome == outcome


def test_many_alike_calls_are_paired_at_once():
    wanted = due(*[ticket(n=1)] * 14)
    for last, correct in ((1, True), (2, False)):
        reply = said(*[ticket(n=1)] * 13, ticket(n=last))
        assert judge(reply, wanted, TOOLS).correct == correct


WHOLE = said(ticket(n=12, tags=["x y"], who={"name": "b"}, x=0.5), end="")
INSIDE = range(len("<start_function_call>"), len(WHOLE) - len("}<end_function_call>"))


def tokens_end(at):
    """A reply is cut between tokens, never inside a control token."""
    return WHOLE.rfind("<", 0, at) <= WHOLE.rfind(">", 0, at)


@pytest.mark.parametrize("at", [at for at in INSIDE if tokens_end(at)])
def test_a_reply_cut_anywhere_is_named(at):
    wanted = due(ticket(n=12))
    assert judge(WHOLE[:at], wanted, TOOLS).outcome == "cut"
    assert judge(WHOLE[:at] + "<end_of_turn>", wanted, TOOLS).outcome == "malformed"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [('<start_function_call>call:ping{a:"lab"}<end_function_call>', "malformed"),
     ("<start_function_call>call:ticket{title:}}", "malformed"),
     (said(A, end=""), "cut"), ("", "no_call"), ("Sorry.<end_of_turn>", "no_call")],
)  # fmt: skip
def test_replies_that_call_otherwise(reply, outcome):
    wanted = due(A, PING) if outcome == "cut" else due(PING)
    assert judge(reply, wanted, TOOLS).outcome == outcome


@pytest.mark.parametrize("kind", ["OBJECT", "dict", "Object"])
def test_schemas_that_no_folder_loaded(kind):
    own = {"type": kind, "properties": {"n": {"type": "INTEGER"}, "a": {"type": "any"}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": own}}]
    assert judge(said(("f", {"n": 1, "a": "x"})), "f", tools).correct
    assert judge(said(("f", {"n": "1"})), "f", tools).outcome == "bad_arguments"
