"""Constrained replies are right in form; what is due can always be said."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import series
from gbnf import Gbnf
from tool_schemas import TOOL_SETS
from toolcalling.calls import (
    END_CALL,
    ESCAPE,
    START_CALL,
    START_RESPONSE,
    parse_reply,
    render_call,
)
from toolcalling.decoding.constrain import GrammarLogitsProcessor, ended, matchers
from toolcalling.decoding.grammar import gbnf_grammar, lark_grammar
from toolcalling.evaluation import generate_replies, judge
from toolcalling.judging.arguments import argument_problems
from toolcalling.speed.prefix_cache import render_prompts, token_ids
from toolcalling.tasks import load_task

END = "<end_of_turn>"
QUIET = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
}


def tool(name="f", required=(), **properties):
    parameters = {"type": "object", "properties": properties, "required": [*required]}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


@pytest.fixture(scope="module")
def tokenizer(tiny_loaded):
    return tiny_loaded[1]


def takes(tokenizer, tools, *replies):
    """Which replies the grammar lets through whole, and then nothing behind them."""
    found = []
    for matcher, ids in zip(
        matchers(tokenizer, [tools] * len(replies)),
        token_ids(tokenizer, list(replies)),
        strict=True,
    ):
        found.append(matcher.validate_tokens(ids) == len(ids))
        found[-1] &= matcher.consume_tokens(ids) and ended(matcher)
    return found


def wrong(reply, tools):
    """What is wrong with the form of a whole reply."""
    parsed = parse_reply(reply)
    declared = {t["function"]["name"]: t["function"]["parameters"] for t in tools}
    found = list(parsed.problems)
    for call in parsed.calls:
        if call.name not in declared:
            found.append(f"{call.name} is not declared")
            continue
        found += argument_problems(call.arguments, declared[call.name])
        if list(call.arguments) != sorted(call.arguments, key=str.lower):
            found.append("keys out of order")
    calls = reply.count(START_CALL)
    if not reply.endswith(START_RESPONSE if calls else END) or calls != len(
        parsed.calls
    ):
        found.append("the turn does not end as it must")
    return found


class Draw:
    """Makes greedy decoding a draw at temperature 1 (Gumbel noise).

    What opens and closes calls and texts is made likely, or random ones never end.
    """

    def __init__(self, tokenizer):
        names = {START_CALL: 10, START_RESPONSE: 11, ESCAPE: 8, END: 8}
        self.ids = tokenizer.convert_tokens_to_ids(list(names))
        self.more = torch.tensor([float(v) for v in names.values()])

    def __call__(self, input_ids, scores):
        scores = scores - torch.empty_like(scores).exponential_().log_()
        scores[:, self.ids] += self.more
        return scores


def sampled(loaded, tool_sets, seed, new=60):
    """Replies drawn at temperature 1 from a batch of differing prompts, padded left."""
    model, tokenizer, _ = loaded
    torch.manual_seed(seed)
    lengths = [2 + i % 5 for i in range(len(tool_sets))]
    ids = torch.randint(300, 4000, (len(tool_sets), 6))
    seen = torch.tensor([[0] * (6 - n) + [1] * n for n in lengths])
    out = model.generate(
        input_ids=ids.masked_fill(seen == 0, tokenizer.pad_token_id),
        attention_mask=seen, max_new_tokens=new, do_sample=False,
        logits_processor=[
            Draw(tokenizer), GrammarLogitsProcessor(matchers(tokenizer, tool_sets))
        ],
    )  # fmt: skip
    stops = set(model.generation_config.eos_token_id)
    for row in out[:, 6:].tolist():
        end = next((i + 1 for i, token in enumerate(row) if token in stops), None)
        yield tokenizer.decode(row[:end]), end is not None


def random_tool_sets(count):
    """As many as asked; hypothesis makes few when asked for large lists of them."""
    found = []

    @settings(max_examples=count, phases=[Phase.generate], database=None, **QUIET)
    @given(TOOL_SETS)
    def note(drawn):
        found.append([tool for tool, _ in drawn])

    note()
    return found


@pytest.mark.parametrize("count", [84, pytest.param(1008, marks=pytest.mark.slow)])
def test_random_replies_to_random_tools_are_right_in_form(tiny_loaded, count):
    tool_sets, whole, called = random_tool_sets(count), 0, 0
    for at in range(0, count, 168):
        batch = tool_sets[at : at + 168]
        for tools, (reply, stopped) in zip(
            batch, sampled(tiny_loaded, batch, seed=at), strict=True
        ):
            if stopped:
                assert not wrong(reply, tools), (tools, reply)
                whole, called = whole + 1, called + (START_CALL in reply)
            else:
                due = [{"name": "never", "arguments": {}}] * 99
                # Cut inside a character, what is left reads as malformed.
                outcomes = ("cut", "malformed") if START_CALL in reply else ("no_call",)
                assert judge(reply, due, tools).outcome in outcomes, (tools, reply)
    assert 0.7 * count < whole < count or count < 100  # the others were cut
    assert called > 0.5 * count


@settings(max_examples=150, **QUIET)
@given(TOOL_SETS, st.data())
def test_whatever_may_be_called_can_be_said(tokenizer, drawn, data):
    calls = data.draw(
        st.lists(st.one_of([calls for _, calls in drawn]), min_size=1, max_size=3)
    )
    reply, tools = "".join(map(render_call, calls)), [tool for tool, _ in drawn]
    assert takes(tokenizer, tools, reply + START_RESPONSE) == [True], reply
    if "Length" not in json.dumps(tools):  # narrower in GBNF
        assert Gbnf(gbnf_grammar(tools)).accepts(reply), reply


@pytest.mark.parametrize("name", ["tool_selection", "helpdesk"])
def test_every_due_reply_is_accepted(tokenizer, name):
    task = load_task(name, log=lambda _: None)
    asked = [c for split in task.rows for c in task.conversations(split)]
    due = {
        whole[len(prompt) :].removesuffix("\n")
        for whole, prompt in zip(
            render_prompts(tokenizer, asked, replies=True),
            render_prompts(tokenizer, asked),
            strict=True,
        )
    }
    assert len(due) > 100 and all(takes(tokenizer, task.tools, *due))
    gbnf = Gbnf(gbnf_grammar(task.tools))
    assert all(gbnf.accepts(reply.removesuffix(END)) for reply in due)


@settings(max_examples=150, **QUIET)
@given(TOOL_SETS, st.data())
def test_both_notations_refuse_alike(tokenizer, drawn, data):
    """A reply with one character lost, changed or put in."""
    tools, (_, calls) = [tool for tool, _ in drawn], drawn[0]
    reply = render_call(data.draw(calls))
    at = data.draw(st.integers(0, len(reply)))
    put = data.draw(st.sampled_from(["", ",", "}", "]", "0", ".", "a", " ", "<"]))
    reply = (
        reply[:at] + put + reply[at + data.draw(st.integers(0, 1)) :] + START_RESPONSE
    )
    taken = takes(tokenizer, tools, reply)[0]
    assert not taken or not wrong(reply, tools), reply
    if "Length" not in json.dumps(tools):
        assert Gbnf(gbnf_grammar(tools)).accepts(reply) == taken, reply


ONE = [tool(required=["q"], q={"type": "string"}, n={"type": "number"})]


def one(q, n=None):
    more = "" if n is None else f"n:{n},"
    return (
        f"{START_CALL}call:f{{{more}q:<escape>{q}<escape>}}{END_CALL}{START_RESPONSE}"
    )


@pytest.mark.parametrize(
    "text",
    ["{a:[1],", "x\ny", "Zürich, 東京 🎉", "<b>1 < 2</b>", "< escape>", "call:f{}"],
)
def test_strings_hold_anything_but_control_tokens(tokenizer, text):
    assert takes(tokenizer, ONE, one(text), text + END) == [True, True]


@pytest.mark.parametrize("token", [ESCAPE, END, "<eos>", START_CALL, "<unused5>"])
def test_no_text_spells_a_control_token(tokenizer, token):
    spelt = [i for part in ("ab", *token) for i in token_ids(tokenizer, [part])[0]]
    assert tokenizer.decode(spelt) == "ab" + token
    head, tail = token_ids(tokenizer, one("|").split("|"))
    for before, behind in ((head, tail), ([], token_ids(tokenizer, [END])[0])):
        for ids, taken in (
            (before + spelt[:-2] + behind, True),
            (before + spelt + behind, False),
        ):
            (matcher,) = matchers(tokenizer, [ONE])
            assert (matcher.validate_tokens(ids) == len(ids)) is taken
    assert not Gbnf(gbnf_grammar(ONE)).accepts(one(f"ab{token}"))


def test_blank_text_is_no_argument_but_may_be_an_item(tokenizer):
    several = [tool(q={"type": "array", "items": {"type": "string"}})]
    assert takes(tokenizer, ONE, one(""), one(" \n\u3000\x1c"), one(" a ")) == [
        False, False, True,
    ]  # fmt: skip
    reply = f"{START_CALL}call:f{{q:[<escape><escape>,<escape> <escape>]}}{END_CALL}"
    assert takes(tokenizer, several, reply + START_RESPONSE) == [True]


def test_numbers_are_those_that_the_parser_reads(tokenizer):
    good = ["0", "-3", "12.50", "1e-05", "2.5e+20", "-0.0", "9" * 40]
    bad = [
        "007",
        "+5",
        "1.",
        ".5",
        "-",
        "NaN",
        "0x1",
        "1e999",
        "1 2",
        "true",
        "<escape>1<escape>",
    ]
    assert all(takes(tokenizer, ONE, *(one("a", n) for n in good)))
    assert not any(takes(tokenizer, ONE, *(one("a", n) for n in bad)))
    whole = [tool(required=["q"], q={"type": "string"}, n={"type": "integer"})]
    assert takes(tokenizer, whole, one("a", 3), one("a", "3.0"), one("a", "1e+20")) == [
        True, False, False,
    ]  # fmt: skip


def test_text_or_calls_and_how_the_turn_ends(tokenizer):
    call = one("a").removesuffix(START_RESPONSE)
    good = ["Hi.\n{}" + END, call + START_RESPONSE, call * 3 + START_RESPONSE,
            "One moment." + call + START_RESPONSE]  # fmt: skip
    bad = [call + END, "Hi." + START_RESPONSE, "Hi.<eos>", call + " " + START_RESPONSE,
           call + START_RESPONSE + call, call.replace("call:f", "call:g") + START_RESPONSE,
           call.replace("q:", "z:") + START_RESPONSE,
           call.replace("{", "{q:<escape>b<escape>,") + START_RESPONSE]  # fmt: skip
    assert all(takes(tokenizer, ONE, *good)) and not any(takes(tokenizer, ONE, *bad))
    assert takes(tokenizer, [], "Hi." + END, call + START_RESPONSE) == [True, False]


DEEP = {"type": "integer"}
for _ in range(64):
    DEEP = {"type": "array", "items": DEEP}


@pytest.mark.parametrize(
    "schema, said",
    [
        ({"type": "object"}, "f: parameter x: an object of any keys"),
        ({"type": "array"}, "f: parameter x, its items: a type is needed"),
        ({}, "f: parameter x: a type is needed"),
        ({"type": "any"}, "f: parameter x: a type is needed"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "parameter x: anyOf"),
        ({"type": "string", "pattern": "^a"}, "parameter x: pattern"),
        ({"type": "integer", "multipleOf": 5}, "parameter x: multipleOf"),
        ({"type": "number", "minimum": 0.5}, "parameter x: minimum 0.5"),
        ({"type": "number", "exclusiveMaximum": 3}, "parameter x: exclusiveMaximum 3"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "no number lies within"),
        ({"type": "string", "enum": [" "]}, "no value of its enum"),
        ({"type": "string", "enum": ["<escape>"]}, "cannot carry '<escape>'"),
        ({"type": "array", "items": {"type": "object", "properties": {"y": {}}}},
         "f: parameter x, its items.y: a type is needed"),
        (DEEP, "nested deeper than 64"),
    ],
)  # fmt: skip
def test_what_no_grammar_can_say_is_refused_by_name(schema, said):
    for written in (lark_grammar, gbnf_grammar):
        with pytest.raises(ValueError) as refused:
            written([tool(x=schema)])
        assert said in str(refused.value)


def test_names_that_no_call_can_carry_are_refused():
    number = {"type": "integer"}
    for tools, said in (
        ([tool("a b")], "'a b': a call cannot carry"),
        ([tool("a"), tool("a")], "a: declared 2 times"),
        ([tool(**{"x:y": number})], "f: parameter x:y: the format cannot carry"),
        ([tool(a=number, A=number)], "differs by case"),
        ([tool(required=["y"])], "f: y is required, but not declared"),
    ):
        with pytest.raises(ValueError, match=said):
            lark_grammar(tools)


@pytest.fixture
def eager(tiny_loaded, monkeypatch):
    """Greedy replies call at once, once, and close their texts as soon as they may."""
    model, tokenizer, machine = tiny_loaded
    model.generation_config.sequence_bias = [
        [tokenizer.convert_tokens_to_ids([token]), bias]
        for token, bias in ((START_CALL, 99.0), (ESCAPE, 99.0), (START_RESPONSE, 200.0))
    ]
    yield model, tokenizer, replace(machine, bf16=False)
    model.generation_config.sequence_bias = None


def test_generate_replies_constrained(eager, task):
    """Two tool sets, batches, the prefix cache: as one at a time, and right in form."""
    sets = [
        list(task.tools),
        [*task.tools[:1], *ONE],
        list(load_task("helpdesk").tools),
    ]
    asked = [
        replace(task, tools=tuple(sets[i % 3])).conversation(row)
        for i, row in enumerate(task.rows["dev"][:7])
    ]
    replies = generate_replies(*eager[:2], asked, eager[2], 3, 120, True)
    for reply, conversation in zip(replies, asked, strict=True):
        assert not wrong(reply, conversation["tools"]) and START_CALL in reply
        single = generate_replies(*eager[:2], [conversation], eager[2], 1, 120, True)
        assert single == [reply]
    free = generate_replies(*eager[:2], asked[:3], eager[2], 5, 16)
    assert all(wrong(reply, c["tools"]) for reply, c in zip(free, asked[:3]))


def test_a_task_is_refused_before_anything_is_generated(eager, task, monkeypatch):
    asked = task.conversations("dev")[:3]
    asked[2] = {**asked[2], "tools": [tool(x={"type": "object"})]}
    monkeypatch.setattr(eager[0], "generate", lambda **_: pytest.fail("it began"))
    with pytest.raises(ValueError, match="parameter x"):
        generate_replies(*eager[:2], asked, eager[2], constrained=True)


def test_llguidance_is_loaded_only_where_it_is_asked_for():
    code = "import sys, toolcalling.evaluation; sys.exit('llguidance' in sys.modules)"
    folder = series.PACKAGE.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=folder).returncode == 0
