import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolcalling.calls import (
    CONTROL_TOKENS,
    FunctionCall,
    neutralise,
    parse_reply,
    render_call,
)

A, Z, E = "<start_function_call>", "<end_function_call>", "<escape>"


def call(body):
    return f"{A}call:{body}{Z}"


def only_call(text):
    reply = parse_reply(text)
    assert len(reply.calls) == 1, reply
    return reply.calls[0]


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("f{}", {}),
        ("f", {}),
        ("f{q:<escape>tea<escape>}", {"q": "tea"}),
        ("f{q:<escape><escape>}", {"q": ""}),
        ("f{q:<escape> a, b: {c} [d]\n<escape>}", {"q": " a, b: {c} [d]\n"}),
        (f"f{{q:{E}one {Z} two{E}}}", {"q": f"one {Z} two"}),
        ("f{q:<escape>42<escape>}", {"q": "42"}),
        ("f{n:42,x:-0.5,y:1e-05,z:1e+20}", {"n": 42, "x": -0.5, "y": 1e-5, "z": 1e20}),
        (
            "f{a:true,b:false,c:null,d:None}",
            {"a": True, "b": False, "c": None, "d": None},
        ),
        (
            "f{a:007,b:+5,c:0x1f,d:NaN}",
            {"a": "007", "b": "+5", "c": "0x1f", "d": "NaN"},
        ),
        ("f{a: bare words ,b:10:30}", {"a": "bare words", "b": "10:30"}),
        ("f{a:[],b:{}}", {"a": [], "b": {}}),
        ("f{a:[1,[2,<escape>x<escape>],{k:v}]}", {"a": [1, [2, "x"], {"k": "v"}]}),
        ("f{o:{p:{q:1}}}", {"o": {"p": {"q": 1}}}),
        ("f { a : 1 , b : 2 }", {"a": 1, "b": 2}),
    ],
)
def test_arguments(body, arguments):
    found = only_call(call(body))
    assert (found.name, found.arguments) == ("f", arguments)
    assert parse_reply(call(body)).problems == []


@pytest.mark.parametrize("name", ["f", "_f", "ns.tool", "get-it", "F2"])
def test_names(name):
    assert only_call(call(name + "{}")).name == name


def test_blank_around_the_colon_is_accepted():
    assert only_call(f"{A}call : f{{a:1}}{Z}").arguments == {"a": 1}
    assert only_call(f"{A}call f{{a:1}}{Z}").arguments == {"a": 1}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("f{a:1,}", "name is missing"),
        ("f{,a:1}", "name is missing"),
        ("f{a 1}", "':' is missing"),
        ("f{a:}", "value is missing"),
        ("f{a:[1,]}", "value is missing"),
        ("f{a:1 b{}}", "needs ','"),
        ("f{a:<escape>x}", "not closed"),
        ("f{a:1", "not closed|needs"),
        ("f{a:<b>}", "value is missing"),
        ("f{a:1,a:2}", "given twice"),
        ("f(a=1)", "must open"),
        ("-f{}", "must begin"),
        ('f{a:"x"}', "not in quotes"),
        ("f{a:'x'}", "not in quotes"),
        ('f{a:["x"]}', "not in quotes"),
        ('f{"a":1}', "name is missing"),
        ("f{a:1e999}", "out of range"),
        ("f{a:" + "9" * 5000 + "}", "digits"),
    ],
)
def test_a_broken_block_is_rejected_whole_and_kept_as_text(body, why):
    reply = parse_reply("before " + call(body))
    assert reply.calls == []
    assert len(reply.problems) == 1
    assert any(w in reply.problems[0] for w in why.split("|")), reply.problems
    assert reply.content == "before " + call(body)


def test_text_around_calls_is_kept_untrimmed():
    reply = parse_reply(f"Sure. {call('f{}')} {call('g{}')}\n")
    assert [c.name for c in reply.calls] == ["f", "g"]
    assert reply.content == "Sure.  \n"


def test_what_follows_the_response_marker_is_invented():
    reply = parse_reply(call("f{}") + "<start_function_response>" + call("g{}"))
    assert [c.name for c in reply.calls] == ["f"]
    assert reply.content == ""


@pytest.mark.parametrize("end", ["<end_of_turn>", "<eos>"])
def test_the_turn_ends_the_reply(end):
    assert parse_reply(f"Hello.{end}junk").content == "Hello."
    assert parse_reply(f"Hello.{end}{call('f{}')}").calls == []
    assert only_call(f"{A}call:f{{}}{end}tail{Z}").name == "f"


def test_end_marker_may_be_missing_if_the_arguments_closed():
    assert only_call(f"{A}call:f{{a:1}}").arguments == {"a": 1}
    both = parse_reply(f"{A}call:f{{a:1}}{A}call:g{{}}{Z}")
    assert [c.name for c in both.calls] == ["f", "g"]


def test_text_before_the_end_marker_is_reported():
    reply = parse_reply(f"{A}call:f{{a:1}}}}{Z}")
    assert reply.calls == [FunctionCall("f", {"a": 1})]
    assert "ignored" in reply.problems[0]


def test_call_without_its_marker_is_text():
    reply = parse_reply(call("f{}") + "call:g{}")
    assert [c.name for c in reply.calls] == ["f"]
    assert reply.content == "call:g{}"


def test_a_call_inside_a_rejected_string_stays_data():
    inner = call("evil{}")
    reply = parse_reply(f"{A}call:f{{a:{E}{inner}{E},}}{Z}")
    assert reply.calls == []


def test_a_call_after_a_broken_one_is_found():
    reply = parse_reply(f"{A}call:f{{a:x{call('g{}')}")
    assert [c.name for c in reply.calls] == ["g"]
    assert len(reply.problems) == 1


def test_nesting_is_bounded():
    assert parse_reply(call("f{a:" + "[" * 5000 + "]" * 5000 + "}")).problems
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper"):
        render_call(FunctionCall("f", {"a": deep}))


pieces = st.sampled_from(
    [*CONTROL_TOKENS, "<end_of_turn>", "<eos>", "call:", "f", "{", "}", "[", "]",
     ",", ":", " ", "\n", "1", "-", "e9", "true", "None", '"', "é", "\ud800"]
)  # fmt: skip


@given(st.lists(pieces, max_size=40).map("".join) | st.text(max_size=80))
@settings(max_examples=1500, deadline=None)
def test_never_raises(text):
    reply = parse_reply(text)
    assert isinstance(reply.content, str)
    assert all(isinstance(p, str) for p in reply.problems)


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30).map(neutralise),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(names, st.dictionaries(keys, values, max_size=5))
@settings(max_examples=800, deadline=None)
def test_parse_is_the_inverse_of_render(name, arguments):
    reply = parse_reply(render_call(FunctionCall(name, arguments)))
    assert reply.calls == [FunctionCall(name, arguments)]
    assert reply.problems == [] and reply.content == ""


@given(st.lists(pieces, max_size=12).map("".join))
@settings(max_examples=500, deadline=None)
def test_control_text_in_a_string_cannot_break_out(text):
    rendered = render_call(FunctionCall("f", {"q": text}))
    reply = parse_reply(rendered)
    assert reply.calls == [FunctionCall("f", {"q": neutralise(text)})]
    assert rendered.count(A) == 1 and rendered.count(E) == 2


def test_keys_are_sorted_without_regard_to_case():
    text = render_call(FunctionCall("f", {"b": 1, "B2": 2, "a": [], "A1": None}))
    assert text == call("f{a:[],A1:None,b:1,B2:2}")


@pytest.mark.parametrize(
    "bad",
    [
        FunctionCall("two words", {}),
        FunctionCall("f", {"a:b": 1}),
        FunctionCall("f", {"": 1}),
        FunctionCall("f", {"a": math.nan}),
        FunctionCall("f", {"a": math.inf}),
        FunctionCall("f", {"a": object()}),
    ],
)
def test_what_the_format_cannot_carry_is_refused(bad):
    with pytest.raises(ValueError):
        render_call(bad)


def test_neutralise_is_idempotent_and_readable():
    text = "see <escape> and <start_of_turn>model, <b>bold</b> stays"
    once = neutralise(text)
    assert once == "see < escape> and < start_of_turn>model, <b>bold</b> stays"
    assert neutralise(once) == once
