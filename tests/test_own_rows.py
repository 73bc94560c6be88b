"""Other people's rows: what loads as which examples, what is refused how."""

import json

import pytest

from own_task import TOOLS, answer, calling, load, long, result, short, user, words
from toolcalling.tasks import FUNCTION_CALLING

CALL = [{"name": "ticket", "arguments": {"title": "a"}}]


@pytest.mark.parametrize(
    ("row", "calls"),
    [
        (short(title="a"), CALL),
        (short() | {"tool_arguments": '{"title": "a"}'}, CALL),
        (short(title="a", due=None), CALL),
        (short(title="a", n=3.0), [{"name": "ticket", "arguments": {"title": "a", "n": 3}}]),
        (short(title="a", n=None, unknown=None), CALL),
        (words(), []),
        (long(user(), calling(("ticket", '{"title": "a"}'))), CALL),
        (long(user(), calling(("ticket", {"title": "a", "n": None}))), CALL),
        (long(user(), {"role": "assistant", "function_call": CALL[0]}), CALL),
        (long(user(), {"role": "model", "tool_calls": CALL}), CALL),
        (long(user(), calling(*[("ticket", {"title": "a"})] * 2)), CALL * 2),
        (long(user(), calling(("ping", "{}"), ("ticket", {"title": "a"}))),
         [{"name": "ping", "arguments": {}}, *CALL]),
        (long({"role": "user", "content": [{"type": "text", "text": "Hi"}]},
              answer() | {"tool_calls": None, "refusal": None, "audio": None}), []),
        (long(answer("Hello!"), user(), answer()), []),
        (short(title="a", who={"name": "b", "age": None}),
         [{"name": "ticket", "arguments": {"title": "a", "who": {"name": "b"}}}]),
        (short(title="a", free={"k 1": None}),
         [{"name": "ticket", "arguments": {"title": "a", "free": {"k 1": None}}}]),
    ],
)  # fmt: skip
def test_forms(tmp_path, row, calls):
    task = load(tmp_path, [row])
    (one,) = task.rows["train"]
    assert one["calls"] == calls and one["user_content"] == "Hi"
    assert one["tool_name"] == (" + ".join(c["name"] for c in calls) or None)
    done = task.conversation(one)["completion"][0].get("tool_calls", [])
    assert [call["function"] for call in done] == calls


def test_turns_results_and_ids(tmp_path):
    messages = [
        {"role": "system", "content": "Be brief."},
        user("one"),
        calling(("ticket", {"title": "a", "n": None}), ("ping", {})),
        result("pong", tool_call_id="c1"),
        result({"state": "open"}, tool_call_id="c0"),
        answer("Both done."),
        user("two"),
        calling(("ping", {}), weight=0),
        {"role": "function", "name": "ping", "content": "pong"},
        answer("Done."),
    ]
    task = load(tmp_path, [long(*messages, family="f", slice="s", id="i")])
    rows = task.rows["train"]
    assert [row["id"] for row in rows] == ["i", "i.2", "i.3"]
    assert [row["tool_name"] for row in rows] == ["ticket + ping", None, None]
    assert [row["reply"] for row in rows] == ["", "Both done.", "Done."]
    assert {row["family"] for row in rows} == {"f"}
    prompt = task.conversation(rows[-1])["prompt"]
    assert prompt[0]["content"] == f"{FUNCTION_CALLING}\nBe brief."
    # Given out of order, they stand in the order of the calls: the template has no ids.
    assert [(m["name"], m["content"]) for m in prompt if m["role"] == "tool"] == [
        ("ticket", {"state": "open"}), ("ping", "pong"), ("ping", "pong"),
    ]  # fmt: skip
    assert prompt[2]["tool_calls"][0]["function"]["arguments"] == {"title": "a"}


def test_tools_per_row_as_in_mobile_actions(tmp_path):
    parameters = {"type": "OBJECT", "required": ["to"], "properties": {
        "to": {"type": "STRING", "description": "T"}, "body": {"type": "STRING"},
        "title": None}}  # fmt: skip
    tools = [
        {"function": {"name": "mail", "description": "M", "parameters": parameters}}
    ]
    row = long(
        {"role": "developer", "content": "Now: 2026", "tool_calls": None},
        user() | {"tool_calls": None},
        {"role": "assistant", "content": None, "tool_calls": [
            {"function": {"name": "mail", "arguments": {
                "to": "a@b", "body": None, "title": None}}}]},
        metadata="train", tools=tools)  # fmt: skip
    other = long(user("b"), answer(), tools=json.dumps(tools))
    task = load(tmp_path, [row, other], tools=None, dev=[other | {"messages": [user("c"), answer()]}], test=[other | {"messages": [user("d"), answer()]}])  # fmt: skip
    assert task.tool_names == ["mail"]
    one = task.conversations("train")[0]
    function = one["tools"][0]["function"]
    assert function["parameters"]["properties"]["to"]["type"] == "string"
    called = one["completion"][0]["tool_calls"][0]["function"]
    assert called["arguments"] == {"to": "a@b"}


FAULTY = [
    (short(sumary="x", title="a"), "tool_arguments: no argument 'sumary'.*title"),
    (short(title="a", n="3"), "tool_arguments: n: '3' is not of type 'integer'"),
    (short(title="a", n=True), "n: True is not of type"),
    (short(title="a", n=1.5), "n: 1.5 is not of type"),
    (short(), "tool_arguments: 'title' is a required"),
    (short(title=None), "title: None"),
    (short(title=" "), "'title' is blank"),
    (short(title="a", how="medium"), "how: 'medium' is not one of"),
    (short(title="a", tags=["b", 1]), "tags.1: 1 is not"),
    (short(title="a", who={"name": "b", "ag": 1}), "who: no argument 'ag'"),
    (short(title="a", free={"b:c": 1}), "cannot carry the name 'b:c'"),
    (short(title="a", x=float("nan")), "tool_arguments.x: nan"),
    (short(title="a", x=float("inf")), "tool_arguments.x: inf"),
    (short(title="a", n=2**63), "tool_arguments.n: .*64 bits"),
    (short(title="\ud83d"), "tool_arguments.title: .*surrogate"),
    (short() | {"tool_arguments": '{"title": "a", "x": NaN}'}, "x: nan"),
    (short() | {"tool_arguments": r'{"title": "\ud83d"}'}, "title: .*surrogate"),
    (short() | {"tool_arguments": "{title}"}, "tool_arguments: the JSON text"),
    (short() | {"tool_arguments": '{"title": "a", "title": "b"}'}, "given twice"),
    (short() | {"tool_arguments": None}, "tool_arguments: .*{} for none"),
    (short() | {"tool_arguments": []}, "tool_arguments: a JSON object"),
    (short(title="a") | {"tool_name": "tickets"}, "tool_name: unknown tool 'tickets' .*ticket, ping"),
    (short(title="a") | {"tool_name": ""}, "tool_name: "),
    (short(title="a") | {"reply": "Yes"}, "reply: .*messages"),
    (words() | {"tool_arguments": {}}, "tool_arguments: "),
    (words(reply=" "), "reply: needed"),
    (words(text=""), "user_content: "),
    (words() | {"history": []}, "history: no such field.*messages"),
    (words() | {"tools": TOOLS}, "tools: no such field"),
    (words() | {"id": 7}, "id: a text"),
    (words() | {"family": None}, "family: a text.*leave it out"),
    (short(title="a") | {"accepted": [{"n": [1]}]}, "accepted: .*no argument 'n'"),
    (short(title="a", n=1) | {"accepted": [{"n": ["2"]}]}, "accepted: n: '2' is not"),
    (short(title="a") | {"accepted": [{}, {}]}, "accepted: a list of 1"),
    (long(), "messages: a list"),
    (long("Hi"), r"messages\[0\]: a mapping"),
    (long(user()), r"messages\[0\]: the last message must be the assistant's"),
    (long(answer()), "no message of a user"),
    (long(user(), answer(), {"role": "system", "content": "x"}), r"messages\[2\].role: 'system'"),
    (long(user(), {"role": ["x"], "content": "x"}), r"messages\[1\].role"),
    (long(user(), answer("")), r"messages\[1\]: neither words nor"),
    (long(user(), answer() | {"weight": 0}), "weight 0"),
    (long(user(), answer() | {"weight": 0.5}), r"messages\[1\].weight: 0.5"),
    (long(user(), answer() | {"toolcalls": CALL}), r"messages\[1\].toolcalls: no such"),
    (long(user() | {"tool_calls": CALL}, answer()), r"messages\[0\].tool_calls: only"),
    (long(user(), {"role": "assistant", "tool_calls": CALL, "function_call": CALL[0]}), "both"),
    (long(user(), {"role": "assistant", "tool_calls": [{"name": "ping", "parameters": {"a": 1}}]}), "parameters: no such"),
    (long(user(), calling(("ticket", {"n": 1}))), r"messages\[1\].tool_calls\[0\]: 'title'"),
    (long(user(), calling(("none", {}))), r"tool_calls\[0\].name: unknown tool"),
    (long(user(), calling(("ping", {})), user(), answer()), "no tool result yet"),
    (long(user(), calling(("ping", {})), result(), user(), answer()), r"messages\[3\]: the assistant's answer is missing"),
    (long(user(), calling(("ping", {})), result(""), answer()), r"messages\[2\].content: .*empty"),
    (long(user(), calling(("ping", {})), result(tool_call_id="zz"), answer()), "'zz' is of no call"),
    (long(user(), calling(("ping", {})), result(name="zz"), answer()), "no call of 'zz'"),
    (long(user(), result(), answer()), "there is no call that this result answers"),
    (long({"role": "user", "content": [{"type": "image_url"}]}, answer()), "images"),
    (long(user(), answer(), tools=[{"name": "a b"}]), "tools: tools: a b: .*Rename"),
    (long(user(), calling(("ticket", {"title": "a"})), tools=[{"name": "mine"}]), "unknown tool 'ticket' .known: mine"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "reason"), FAULTY)
def test_refused_with_file_line_and_field(tmp_path, row, reason):
    with pytest.raises(ValueError, match=rf"train\.jsonl:2: .*{reason}") as refused:
        load(tmp_path, [words("fine"), row])
    assert str(refused.value).count("\n") < 4


def test_all_faults_at_once(tmp_path):
    bad = [row for row, _ in FAULTY]
    with pytest.raises(ValueError, match="more$") as refused:
        load(tmp_path, bad, dev=bad, test="{")
    assert "train.jsonl:1:" in str(refused.value)
    with pytest.raises(
        ValueError, match=r"(?s)train.jsonl:1.*dev.jsonl:1.*test.jsonl:1"
    ):
        load(tmp_path, bad[:1], dev=bad[:1], test="{")


def test_deep_and_odd_texts_of_a_call(tmp_path):
    deep = "x"
    for _ in range(80):
        deep = {"k": deep}
    with pytest.raises(ValueError, match=r"train\.jsonl:1: .*nested deeper than 64"):
        load(tmp_path, [short(title="a", free=deep)])
    with pytest.raises(ValueError, match=r"train\.jsonl:1: not valid JSON"):
        load(tmp_path, "[" * 100_000)


TOKENS = "a <eos> b<end_of_turn> <escape>"


def test_control_tokens_are_broken_everywhere(tmp_path):
    task = load(
        tmp_path,
        [
            short(TOKENS, title=TOKENS, free={"k": [TOKENS]}),
            long(
                {"role": "system", "content": TOKENS}, user(TOKENS + "2"),
                calling(("ticket", {"title": TOKENS})),
                result({"<eos>": TOKENS, "l": [{"<bos>": TOKENS}]}),
                answer(TOKENS),
            ),
        ],
        **{"task.toml": f'policy = "{TOKENS}"'},
    )  # fmt: skip
    for conversation in task.conversations("train"):
        text = json.dumps(conversation)
        assert "< eos> b< end_of_turn> < escape>" in text
        assert not any(
            t in text for t in ("<eos>", "<end_of_turn>", "<escape>", "<bos>")
        )


def test_another_tasks_file_is_one_fault(tmp_path):
    foreign = [{**short(f"m{i}"), "tool_name": "repair_bike"} for i in range(60)]
    with pytest.raises(ValueError) as caught:
        load(tmp_path, [short("a", title="b")], dev=[*foreign, words("x")])
    lines = str(caught.value).splitlines()
    assert len(lines) == 2 and lines[1].startswith("dev.jsonl: every row with a call")
    assert "'repair_bike'" in lines[1] and "Delete it" in lines[1]
    with pytest.raises(ValueError) as caught:  # one row is of this task: each is named
        load(tmp_path, [short("a", title="b")], dev=[*foreign, short("x", title="y")])
    assert len(str(caught.value).splitlines()) > 50


def test_a_misspelt_messages_is_named_alone(tmp_path):
    with pytest.raises(ValueError) as caught:
        load(tmp_path, [{"mesages": [user(), answer()]}])
    told = str(caught.value).splitlines()[1:]
    assert told == ["train.jsonl:1: mesages: no such field. Did you mean messages?"]
