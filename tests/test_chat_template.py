"""Our own vectors, written from the format's rules."""

import re

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from transformers.utils.chat_template_utils import render_jinja_template

from toolcalling.calls import FunctionCall, parse_reply, render_call
from toolcalling.setup.embedded_model import TEMPLATE
from toolcalling.tasks import FUNCTION_CALLING

SOURCE = TEMPLATE.read_text()
USER = {"role": "user", "content": "Hi"}
OPEN = "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n"


def render(messages, tools=None, generate=False):
    text = render_jinja_template(
        conversations=[messages],
        tools=tools,
        chat_template=SOURCE,
        add_generation_prompt=generate,
        bos_token="<bos>",
    )[0][0]
    assert text.startswith("<bos>") and text.count("<bos>") == 1
    return text[5:]


def tool(properties=None, name="f", description="d", **rest):
    parameters = {"type": "object", "properties": properties or {}, **rest}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def declared(properties, **rest):
    """What stands between `parameters:{` and the closing of one declaration."""
    text = render([USER], [tool(properties, **rest)])
    start = text.index("parameters:{") + len("parameters:{")
    return text[start : text.index("}}<end_function_declaration>")]


def calling(*calls, content=None):
    message = {"role": "assistant", "tool_calls": [{"function": c} for c in calls]}
    return {**message, "content": content} if content else message


def test_developer_turn_holds_text_then_declarations():
    lead = {"role": "system", "content": f" {FUNCTION_CALLING}\n"}
    ping = {"function": {"name": "ping", "description": "Ping"}}
    assert render([lead, USER], [ping, tool(name="g")], generate=True) == (
        f"<start_of_turn>developer\n{FUNCTION_CALLING}"
        "<start_function_declaration>declaration:ping{description:<escape>Ping<escape>}"
        "<end_function_declaration>"
        "<start_function_declaration>declaration:g{description:<escape>d<escape>,"
        "parameters:{type:<escape>OBJECT<escape>}}<end_function_declaration>"
        "<end_of_turn>\n" + OPEN
    )


def test_no_tools_no_developer_turn():
    assert render([USER], tools=[], generate=True) == OPEN


def test_only_message_0_is_the_developer_turn():
    later = {"role": "system", "content": "x"}
    text = render([USER, later])
    assert text.endswith("<start_of_turn>system\nx<end_of_turn>\n")


@pytest.mark.parametrize(
    ("schema", "rendered"),
    [
        ({"type": "string"}, "{description:<escape><escape>,type:<escape>STRING<escape>}"),
        (
            {"type": "string", "description": None, "enum": ["b", "a"], "default": "b"},
            "{description:<escape>None<escape>,enum:[<escape>b<escape>,<escape>a<escape>],"
            "type:<escape>STRING<escape>}",
        ),
        (
            {"type": "integer", "description": "n", "enum": [1], "minimum": 0},
            "{description:<escape>n<escape>,type:<escape>INTEGER<escape>}",
        ),
        ({}, "{description:<escape><escape>,type:<escape><escape>}"),
        (
            {"type": ["string", "null"], "description": "x", "enum": ["a"]},
            "{description:<escape>x<escape>,type:<escape>['STRING', 'NULL']<escape>}",
        ),
        (
            {"type": "object", "description": "o"},
            "{description:<escape>o<escape>,properties:{},type:<escape>OBJECT<escape>}",
        ),
        (
            {"type": "object", "additionalProperties": False},
            "{description:<escape><escape>,properties:{additionalProperties:"
            "{description:<escape><escape>,type:<escape><escape>}},"
            "type:<escape>OBJECT<escape>}",
        ),
        (
            {"type": "array", "description": "a"},
            "{description:<escape>a<escape>,type:<escape>ARRAY<escape>}",
        ),
        (
            {"type": "array", "items": {"type": "integer", "minimum": 0, "title": None}},
            "{description:<escape><escape>,items:{minimum:0,type:<escape>INTEGER<escape>},"
            "type:<escape>ARRAY<escape>}",
        ),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            "{description:<escape><escape>,items:{items:{<escape>type<escape>:"
            "<escape>integer<escape>},type:<escape>ARRAY<escape>},"
            "type:<escape>ARRAY<escape>}",
        ),
        (
            {"type": "array", "items": {"type": "object", "required": ["k"],
             "properties": {"k": {"type": "string", "description": "K"}}}},
            "{description:<escape><escape>,items:{properties:{k:{description:"
            "<escape>K<escape>,type:<escape>STRING<escape>}},required:[<escape>k<escape>],"
            "type:<escape>OBJECT<escape>},type:<escape>ARRAY<escape>}",
        ),
    ],
)  # fmt: skip
def test_property(schema, rendered):
    assert declared({"p": schema}) == (
        f"properties:{{p:{rendered}}},type:<escape>OBJECT<escape>"
    )


def test_parameters_with_keyword_names_disappear_but_stay_required():
    body = declared(
        {"type": {"type": "string"}, "z": {"type": "null"}}, required=["type"]
    )
    assert body == (
        "properties:{z:{description:<escape><escape>,type:<escape>NULL<escape>}},"
        "required:[<escape>type<escape>],type:<escape>OBJECT<escape>"
    )


def test_properties_are_sorted_without_regard_to_case():
    names = ["b", "A", "a_b", "aB", "a1", "C"]
    body = declared({n: {"type": "null"} for n in names})
    assert re.findall(r"(\w+):{desc", body) == ["A", "a1", "a_b", "aB", "b", "C"]


def test_missing_parameter_type_loses_a_brace():
    bad = {"function": {"name": "f", "parameters": {"properties": {"a": {}}}}}
    assert "<escape>}},}<end_function_declaration>" in render([USER], [bad])


@pytest.mark.parametrize(
    "arguments",
    [{}, {"b": 1, "A": "x"}, {"l": [1, "a", True, None], "o": {"k": {}, "e": []}},
     {"f": 1.0, "g": 1e-05, "h": 1e20, "i": 1.5e300, "n": -2}],
)  # fmt: skip
def test_template_and_render_call_agree(arguments):
    expected = render_call(FunctionCall("f", arguments))
    text = render([USER, calling({"name": "f", "arguments": arguments})])
    assert text == OPEN + expected + "<start_function_response>"
    assert parse_reply(text[len(OPEN) :]).calls == [FunctionCall("f", arguments)]


def test_calls_without_arguments_and_text_before():
    message = calling({"name": "f"}, {"name": "g", "arguments": {}}, content=" Sure. ")
    assert render([USER, message]) == (
        OPEN + "Sure.<start_function_call>call:f{}<end_function_call>"
        "<start_function_call>call:g{}<end_function_call><start_function_response>"
    )


def test_json_text_as_arguments_is_pasted_raw():
    text = render([USER, calling({"name": "f", "arguments": '{"a": 1}'})])
    assert "call:f{" + " " * 20 + '{"a": 1}}<end_function_call>' in text


def test_flat_calls_are_refused():
    message = {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {}}]}
    with pytest.raises(jinja2.exceptions.UndefinedError):
        render([USER, message])


RESPONSE = "<start_function_response>response:"


@pytest.mark.parametrize(
    ("content", "name", "rendered"),
    [
        (" 21 C ", "f", RESPONSE + "f{value:<escape> 21 C <escape>}<end_function_response>"),
        ({"b": "x", "a": 1.5}, " f ", RESPONSE + "f{a:1.5,b:<escape>x<escape>}<end_function_response>"),
        ({"name": "h", "response": {"ok": True}}, None, RESPONSE + "h{ok:true}<end_function_response>"),
        ([{"name": "h", "response": {"a": 1}}, {"b": 2}], "f",
         RESPONSE + "h{a:1}<end_function_response>" + RESPONSE + "f{b:2}<end_function_response>"),
        ("", "f", ""),
        (None, None, ""),
    ],
)  # fmt: skip
def test_responses_continue_the_model_turn(content, name, rendered):
    asked = [USER, calling({"name": "f"})]
    answer = {"role": "tool", "content": content, "name": name}
    opened = OPEN + "<start_function_call>call:f{}<end_function_call>"
    assert render([*asked, answer], generate=True) == opened + rendered
    done = {"role": "assistant", "content": " Done. "}
    assert render([*asked, answer, done]) == opened + rendered + "Done.<end_of_turn>\n"


@pytest.mark.parametrize("content", ["x", {"a": 1}, 7, [1]])
def test_responses_without_a_name_or_shape_are_refused(content):
    with pytest.raises(jinja2.exceptions.TemplateError):
        render([USER, calling({"name": "f"}), {"role": "tool", "content": content}])


def test_user_after_unanswered_calls_gets_a_header():
    text = render([USER, calling({"name": "f"}), USER], generate=True)
    assert text == OPEN + "<start_function_call>call:f{}<end_function_call>" + OPEN


def test_generation_prompt_after_calls_keeps_the_released_quirk():
    text = render([USER, calling({"name": "f"})], generate=True)
    assert text.endswith("<start_function_response><start_of_turn>model\n")


def test_content_parts():
    parts = [
        {"type": "text", "text": " one "},
        {"type": "image"},
        {"type": "text", "text": "two "},
    ]
    assert render([{"role": "user", "content": parts}]) == (
        "<start_of_turn>user\none<start_of_image>two<end_of_turn>\n"
    )
    with pytest.raises(jinja2.exceptions.TemplateError):
        render([{"role": "user", "content": 7}])


def test_the_same_without_block_trimming():
    env = ImmutableSandboxedEnvironment()
    plain = env.from_string(SOURCE)
    tools = [
        tool({"a": {"type": "array", "items": {"type": "string"}}}, required=["a"])
    ]
    messages = [USER, calling({"name": "f", "arguments": {"a": ["x"]}}),
                {"role": "tool", "name": "f", "content": {"r": 1}},
                {"role": "assistant", "content": "ok"}, USER]  # fmt: skip
    text = plain.render(messages=messages, tools=tools, bos_token="<bos>",
                        add_generation_prompt=True)  # fmt: skip
    assert text[5:] == render(messages, tools, generate=True)


def test_prompt_is_a_prefix_of_the_whole():
    whole = render([USER, calling({"name": "f", "arguments": {"a": 1}})])
    assert whole.startswith(render([USER], generate=True))
