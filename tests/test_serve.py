"""`transformers serve` answers an OpenAI client: calls read, turns rendered, streamed."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest
from transformers.utils.chat_parsing import ResponseParser, parse_response

import taught as lesson
from toolcalling import models, tasks, workspace
from toolcalling.calls import START_RESPONSE, parse_reply
from toolcalling.share import serve
from toolcalling.share.client_format import RESPONSE_TEMPLATE, with_tool_names
from toolcalling.share.self_test import asks_server, differences

PROMPT = "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n"
CALL = "<start_function_call>call:f{{{}}}<end_function_call>"


def read(reply, prompt=PROMPT, tools=None):
    """(calls, content) as the server reads a reply."""
    message = parse_response(reply, RESPONSE_TEMPLATE, prefix=prompt, tools=tools)
    calls = [call["function"] for call in message.get("tool_calls", [])]
    return [(c["name"], c["arguments"]) for c in calls], message.get("content", "")


def ours(reply):
    parsed = parse_reply(reply)
    return [(c.name, c.arguments) for c in parsed.calls], parsed.content


def gold_replies(tokenizer, task, split):
    """(prompt, reply up to its stop token, tools) of each row."""
    for row in task.conversations(split):
        options = {"tools": row["tools"], "tokenize": False}
        prompt = tokenizer.apply_chat_template(
            row["prompt"], add_generation_prompt=True, **options
        )
        whole = tokenizer.apply_chat_template(
            row["prompt"] + row["completion"], **options
        )
        yield prompt, whole.removeprefix(prompt).rstrip("\n"), row["tools"]


@pytest.mark.parametrize("name", [tasks.BUILT_IN, "helpdesk"])
def test_gold_rows_are_read_as_parse_reply_reads_them(tiny_loaded, name):
    rows = list(gold_replies(tiny_loaded[1], tasks.load_task(name), "test"))
    assert len(rows) >= 150
    for prompt, reply, tools in rows:
        assert read(reply, prompt, tools) == ours(reply)
    assert sum(bool(ours(reply)[0]) for _, reply, _ in rows) > len(rows) // 2


@pytest.mark.parametrize(
    "arguments",
    [
        "", "a:<escape><escape>", "a:<escape>x, {y}: [z]<escape>,b:-3.5e2,c:true",
        "a:[1,{b:<escape>line\nbreak<escape>},[]],c:{d:{},e:null}",
        "a:<escape>\"quoted\" \\ naïve<escape>",
    ],
)  # fmt: skip
def test_a_call_of_any_shape(arguments):
    call = CALL.format(arguments)
    for reply in (call, f"Now. {call}{call}", call.removesuffix("<end_function_call>")):
        reply += START_RESPONSE
        assert read(reply) == ours(reply)
        assert read(reply)[0]


@pytest.mark.parametrize(
    "arguments",
    ["a:word", "a:None", "a b:1", "a:1,", "a:01", "a:<escape>x", "a:{b:1", "a:1}{"],
)
def test_what_is_no_such_call_stays_text(arguments):
    reply = CALL.format(arguments) + START_RESPONSE
    assert read(reply) == ([], CALL.format(arguments))
    assert read(reply + "ignored by the model's stop")[0] == []


def test_read_in_pieces_it_is_the_same_and_only_whole_calls_come():
    good, bad = CALL.format("a:<escape>x<escape>,b:[1]"), CALL.format("a:word")
    reply = f"One {good} two {bad} three{START_RESPONSE}"
    parser = ResponseParser(RESPONSE_TEMPLATE, prefix=PROMPT)
    events = [event for piece in reply for event in parser.feed(piece)]
    message, last = parser.finalize()
    text = "".join(e["text"] for e in events + last
                   if e["type"] == "region_chunk" and e["field"] == "content")  # fmt: skip
    assert text == message["content"] == f"One  two {bad} three"
    assert read(reply) == ([("f", {"a": "x", "b": [1]})], text)


def test_behind_a_tools_response_the_call_before_it_is_not_read_again():
    call = CALL.format("a:1")
    prompt = (
        f"{PROMPT}{call}{START_RESPONSE}response:f{{value:1}}<end_function_response>"
    )
    assert read("It is 1.<end_of_turn>", prompt) == ([], "It is 1.")


def test_the_name_of_a_tool_message_is_looked_up_by_its_id(tiny_loaded):
    def render(template, **tool):
        calls = [{**lesson.CALLING["tool_calls"][0], "id": "one"},
                 {"id": "two", "function": {"name": "other", "arguments": {}}}]  # fmt: skip
        messages = [
            lesson.ASKED,
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "content": "dry", **tool},
        ]
        return tiny_loaded[1].apply_chat_template(
            messages, chat_template=template, tokenize=False
        )

    plain = models.embedded_model.TEMPLATE.read_text()
    patched = with_tool_names(plain)
    assert with_tool_names(patched) == patched
    for id, name in (("two", "other"), ("one", "get_weather")):
        assert render(patched, tool_call_id=id) == render(plain, name=name)
    assert render(patched, name="get_weather") == render(plain, name="get_weather")
    for unknown in ({}, {"tool_call_id": "three"}):
        with pytest.raises(Exception, match="needs a 'name'"):
            render(patched, **unknown)


@pytest.fixture(scope="module")
def server(taught):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    pytest.importorskip("openai")
    with serve.serving(taught, device="cpu") as running:
        yield running
    port = int(running.base_url.split(":")[-1].split("/")[0])
    assert not serve.is_well(port)


@pytest.fixture
def ask(server):
    import openai

    client = openai.OpenAI(base_url=server.base_url, api_key="-", max_retries=0)

    def ask(messages, **options):
        return client.chat.completions.create(
            model=server.model, messages=messages, tools=lesson.TOOLS, **options
        )

    return ask


def test_a_plain_client_over_several_turns(ask):
    messages = [lesson.ASKED]
    choice = ask(messages).choices[0]
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and not choice.message.content
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == lesson.ARGUMENTS
    messages += [
        choice.message,
        {"role": "tool", "tool_call_id": call.id, "content": "dry"},
    ]
    choice = ask(messages).choices[0]
    assert choice.message.content == lesson.ANSWER["content"]
    assert choice.finish_reason == "stop" and not choice.message.tool_calls
    message = ask([lesson.GREETED]).choices[0].message
    assert message.content == lesson.GREETING["content"] and not message.tool_calls


def test_the_same_streamed(ask):
    def streamed(messages):
        deltas = [part.choices[0].delta for part in ask(messages, stream=True)]
        calls = [call.function for d in deltas for call in d.tool_calls or []]
        return calls, "".join(d.content or "" for d in deltas)

    (call,), text = streamed([lesson.ASKED])
    assert (call.name, text) == ("get_weather", "")
    assert json.loads(call.arguments) == lesson.ARGUMENTS
    assert streamed([lesson.GREETED]) == ([], lesson.GREETING["content"])


def test_the_self_test_finds_what_differs(server):
    right = {"name": "get_weather", "arguments": lesson.ARGUMENTS}
    asked = {"messages": [lesson.ASKED], "tools": lesson.TOOLS}
    greeted = {"messages": [lesson.GREETED], "tools": lesson.TOOLS, "calls": []}
    calls_of = asks_server(server.base_url, server.model)
    assert differences([{**asked, "calls": [right]}, greeted], calls_of) == []
    wrong = {**asked, "calls": []}
    assert differences([wrong, greeted], calls_of) == [(wrong, [right])]
    with pytest.raises(RuntimeError, match="answered 400"):
        differences([greeted], asks_server(server.base_url, "another"))


def test_a_killed_program_leaves_no_server(taught):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    program = """
import sys, time
from toolcalling.share import serve
with serve.serving(sys.argv[1], device="cpu") as running:
    print(running.base_url.split(":")[-1].split("/")[0], flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(taught)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(workspace.NOTEBOOKS)},
    )  # fmt: skip
    port = int(parent.stdout.readline())
    assert serve.is_well(port)
    parent.kill()
    parent.wait()
    until = time.monotonic() + 60
    while serve.is_well(port) and time.monotonic() < until:
        time.sleep(0.2)
    assert not serve.is_well(port)


def test_no_server_there():
    calls_of = asks_server("http://127.0.0.1:9/v1", "x")
    with pytest.raises(RuntimeError, match="No server answers"):
        calls_of({"messages": [], "tools": []})


@pytest.fixture
def packages(monkeypatch):
    """As if the server's packages were there: it is not started for real."""
    monkeypatch.setattr("transformers.utils.import_utils.is_serve_available", lambda: 1)


def failure(folder, **options):
    with pytest.raises(RuntimeError) as caught, serve.serving(folder, **options):
        pass
    return str(caught.value)


def test_what_keeps_a_server_from_starting(taught, tmp_path, packages, monkeypatch):
    assert "no model" in failure(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port} cannot be had" in failure(taught, port=port)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho first\necho weights are damaged\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert failure(taught).endswith("It said last: weights are damaged")


def test_missing_packages_are_named(taught, monkeypatch):
    monkeypatch.setattr("transformers.utils.import_utils.is_serve_available", lambda: 0)
    assert "pip install fastapi uvicorn openai" in failure(taught)
