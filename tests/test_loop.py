"""The loop around a model: what runs, what does not, and what is told."""

import json

import pytest

from scripted import ASKED, LOOKUP, WIPE, call, scripted
from toolcalling import tasks
from toolcalling.calls import FunctionCall, render_call
from toolcalling.use import searches
from toolcalling.use.helpdesk_tools import READ_ONLY, HelpDesk
from toolcalling.use.loop import Loop, generator, trained_on_answers
from toolcalling.use.outcomes import KINDS, STOPS
from toolcalling.use.responses import tool_message

DESK = tasks.load_task("helpdesk_answers", log=lambda note: None)


def run(*replies, function=None, loop=None, tools=None):
    """(outcome, prompts shown, arguments of the calls that ran)."""
    ran = []

    def look_up(key, page=None):
        ran.append((key, page))
        return function() if function else {"found": True, "text": f"about {key}"}

    generate, shown = scripted(*replies)
    conversation = {**ASKED, "tools": tools or ASKED["tools"]}
    outcome = Loop(generate, **loop or {}).ask(conversation, {"look_up": look_up})
    return outcome, shown, ran


def test_call_result_answer():
    outcome, shown, ran = run(call("look_up", key="a", page=2), "It is about a.")
    assert (outcome.answer, outcome.worded_by) == ("It is about a.", "model")
    assert outcome.stopped == "answer" and ran == [("a", 2)]
    assert [step.kind for step in outcome.steps] == ["ran", "answer"]
    assert shown[1][-1] == {"role": "tool", "name": "look_up",
                            "content": {"found": True, "text": "about a"}}  # fmt: skip
    assert outcome.conversation["prompt"][-1]["content"] == "It is about a."
    assert json.loads(json.dumps(outcome.record()))["steps"][0]["arguments"] == {
        "key": "a",
        "page": 2,
    }
    assert ASKED["prompt"] == [{"role": "user", "content": "What is in note a?"}]


def test_a_response_leads_to_the_next_call():
    outcome, shown, ran = run(
        call("look_up", key="a"), call("look_up", key="b"), "Both."
    )
    assert ran == [("a", None), ("b", None)] and len(outcome.ran) == 2
    assert [step.round for step in outcome.steps] == [1, 2, 3]


def test_two_calls_in_one_reply_answer_in_their_order():
    two = render_call(FunctionCall("look_up", {"key": "a"})) + call("look_up", key="b")
    outcome, shown, ran = run(two, "Done.")
    assert [m["content"]["text"] for m in shown[1][-2:]] == ["about a", "about b"]


def test_the_limit_on_rounds_holds():
    replies = [call("look_up", key=str(n)) for n in range(9)]
    outcome, shown, ran = run(*replies, loop={"rounds": 3})
    assert outcome.stopped == "rounds" and len(shown) == len(ran) == 3
    assert outcome.worded_by == "code" and "about 2" in outcome.answer


def test_the_same_call_does_not_run_twice():
    same = call("look_up", key="a")
    outcome, shown, ran = run(same, same, "Fine.")
    assert ran == [("a", None)]
    assert [step.kind for step in outcome.steps] == ["ran", "repeated", "answer"]
    assert outcome.steps[1].response == outcome.steps[0].response


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (call("look_up"), "'key' is a required property"),
        (call("look_up", key=3), "not of type 'string'"),
        (call("look_up", key=" "), "blank"),
        (call("look_up", key="a", page="two"), "not of type 'integer'"),
        (call("look_up", key="a", pages=2), "no argument 'pages'"),
        (call("wipe_disk"), "wipe_disk is not allowed"),
    ],
)
def test_a_call_that_may_not_run_is_refused_in_words(reply, why):
    outcome, shown, ran = run(reply, "I could not.", tools=[LOOKUP, WIPE])
    assert ran == [] and outcome.steps[0].kind == "refused"
    assert why in outcome.steps[0].why and why in shown[1][-1]["content"]["error"]
    assert outcome.answer == "I could not."


@pytest.mark.parametrize(
    "reply",
    [
        "<start_function_call>call:look_up{key:<escape>a}<end_function_call>",
        call("look_up", key="a")[:-25] + "<start_function_call>call:look_up{key",
        "<start_function_call>look_up(key='a')<end_function_call>",
    ],
)
def test_of_a_malformed_reply_nothing_runs(reply):
    outcome, _, ran = run(reply)
    assert ran == [] and outcome.stopped == "malformed" and outcome.answer == ""
    assert outcome.steps[0].kind == "malformed" and outcome.steps[0].why


def test_of_a_tool_that_raises_the_model_sees_an_error_and_nothing_else():
    def broken():
        raise ValueError("secret path /srv/keys")

    outcome, shown, ran = run(call("look_up", key="a"), "It failed.", function=broken)
    assert shown[1][-1]["content"] == {"error": "look_up failed"}
    assert "secret" not in json.dumps(shown)
    step = outcome.steps[0]
    assert (step.kind, step.why) == ("failed", "ValueError: secret path /srv/keys")
    assert outcome.answer == "It failed."


def test_a_tool_that_exits_does_not_end_the_program():
    outcome, *_ = run(call("look_up", key="a"), "Hm.", function=lambda: exit(3))
    assert outcome.steps[0].kind == "failed"


def test_a_tool_cannot_change_the_record():
    tool = {**LOOKUP["function"]}
    tool["parameters"] = {"type": "object", "properties": {
        "keys": {"type": "array", "items": {"type": "string"}}}}  # fmt: skip
    generate, _ = scripted(call("look_up", keys=["a"]), "Done.")
    conversation = {**ASKED, "tools": [{"type": "function", "function": tool}]}
    outcome = Loop(generate).ask(
        conversation, {"look_up": lambda keys: keys.clear() or {"ok": True}}
    )
    assert outcome.steps[0].arguments == {"keys": ["a"]}


def test_where_the_model_was_not_trained_on_answers_code_words_the_result():
    outcome, shown, _ = run(call("look_up", key="a"), loop={"answers": False})
    assert len(shown) == 1, "the model must not be asked for words it never learnt"
    assert (outcome.worded_by, outcome.stopped) == ("code", "answer")
    assert outcome.answer == "look up: found yes, text about a."
    assert str(outcome).endswith("(put into words by code)")


@pytest.mark.parametrize("silence", ["<end_of_turn>", "", " \n<end_of_turn>"])
def test_where_the_model_has_no_words_code_does_it_and_says_so(silence):
    outcome, *_ = run(call("look_up", key="a"), silence)
    assert (outcome.worded_by, outcome.stopped) == ("code", "silent")
    outcome, *_ = run(silence)
    assert (outcome.answer, outcome.worded_by, outcome.stopped) == ("", None, "silent")


def test_a_follow_up_goes_on_where_the_conversation_ended():
    generate, shown = scripted("Which note?", call("look_up", key="a"), "About a.")
    loop, functions = Loop(generate), {"look_up": lambda key, page=None: {"x": key}}
    first = loop.ask(ASKED, functions)
    second = loop.ask(first.then("note a <end_of_turn>"), functions)
    assert second.answer == "About a."
    assert [m["role"] for m in shown[1]] == ["user", "assistant", "user"]
    assert shown[1][-1]["content"] == "note a < end_of_turn>"


def test_open_conversations_are_asked_together_and_kept_apart():
    generate, shown = scripted(call("look_up", key="a"), "Hello.", "About a.")
    allowed = {"look_up": lambda key, page=None: {"x": key}}
    one, two = Loop(generate).ask_all([ASKED, ASKED], [allowed, allowed])
    assert (one.answer, two.answer) == ("About a.", "Hello.")
    assert len(shown) == 3 and two.steps[0].kind == "answer"


@pytest.mark.parametrize(
    ("functions", "why"),
    [
        ({"wipe_disk": lambda: None}, "wipe_disk is allowed, but not declared"),
        ({"look_up": lambda key: None}, "does not take what is declared.*page"),
        ({"look_up": lambda key, page, more: None}, "does not take.*more"),
    ],
)
def test_an_allow_list_that_does_not_fit_is_refused_before_anything(functions, why):
    generate, shown = scripted("Hello.")
    with pytest.raises(ValueError, match=why):
        Loop(generate).ask(ASKED, functions)
    assert shown == []


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (None, {"done": True}),
        ({}, {"value": "empty"}),
        ([], {"value": "empty"}),
        ("", {"value": "empty"}),
        (0, {"value": 0}),
        (False, {"value": False}),
        ([1, 2], {"value": [1, 2]}),
        ({"a": (1, {2})}, {"a": [1, [2]]}),
        ({"x": float("inf")}, {"x": "inf"}),
        ({1: b"raw"}, {"1": "b'raw'"}),
    ],
)
def test_any_result_becomes_a_response(result, content):
    assert tool_message("f", result)["content"] == content


def test_a_result_that_is_too_long_is_told_so():
    outcome, shown, _ = run(
        call("look_up", key="a"), "Too long.", function=lambda: "x" * 10**6
    )
    assert "too long" in shown[1][-1]["content"]["error"]
    loop = []
    loop.append(loop)
    assert len(json.dumps(tool_message("f", loop))) < 4200


def test_the_help_desk_from_question_to_answer():
    desk = HelpDesk("train-004")
    row = DESK.rows["train"][6]
    generate, shown = scripted(call("check_ticket", number=62752), "Colm Boyle has it.")
    outcome = Loop(generate, after_result=READ_ONLY).ask(
        DESK.ask(row["user_content"]), desk.functions()
    )
    assert outcome.ran[0].response["technician"] == "Colm Boyle"
    # The prompt is the one that the training rows have.
    trained = DESK.conversation(DESK.rows["train"][7])["prompt"]
    assert shown[1] == trained


def test_the_searches_from_question_to_answer(task):
    generate, shown = scripted(
        call(task.tool_names[0], query="acetone limit fume cupboard"), "Five litres."
    )
    outcome = Loop(generate).ask(
        task.ask("How much acetone may we keep?"), searches.functions(*task.tool_names)
    )
    found = outcome.ran[0].response
    assert "five litres" in found["results"][0]["text"] and found["found"]


def test_whether_a_task_teaches_answers(task):
    assert trained_on_answers(DESK) and not trained_on_answers(task)


@pytest.mark.parametrize("constrained", [False, True])
def test_on_a_real_model_only_what_is_allowed_runs(tiny_loaded, constrained):
    generate = generator(*tiny_loaded, constrained=constrained, max_new_tokens=12)
    questions = [row["user_content"] for row in DESK.rows["dev"][:4:2]]
    outcomes = Loop(generate, rounds=2).ask_all(
        [DESK.ask(text) for text in questions],
        [HelpDesk(n).functions() for n in range(len(questions))],
    )
    assert len(outcomes) == len(questions)
    for outcome in outcomes:
        assert outcome.stopped in STOPS
        assert {step.kind for step in outcome.steps} <= set(KINDS)
