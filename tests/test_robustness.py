"""Each variant of the declarations is what it claims, and is judged as such."""

import copy

import pytest

from toolcalling import tasks as c
from toolcalling.calls import FunctionCall, render_call
from toolcalling.evaluation import Judgement
from toolcalling.speed.generation import render_prompts
from toolcalling.study import declarations as r

COMPANY, PUBLIC = "search_knowledge_base", "search_google"
NAMES = ["original", "order", "reworded", "renamed", "third tool", "flipped"]


@pytest.fixture(scope="module")
def rows(task):
    return list(task.rows["test"][:40])


@pytest.fixture
def variants(task):
    made = {variant.name: variant for variant in r.variants(task)}
    assert list(made) == NAMES
    return made


@pytest.fixture(scope="module")
def tokenizer(tiny_loaded):
    return tiny_loaded[1]


def whole(tokenizer, conversation):
    """Prompt and completion as text."""
    messages = conversation["prompt"] + conversation["completion"]
    return tokenizer.apply_chat_template(
        messages, tools=conversation["tools"], tokenize=False
    )


def call(name):
    return render_call(FunctionCall(name, {"query": "x"}))


def one_of_each(rows):
    """One row per label."""
    return {row["tool_name"]: row for row in rows}


def declaration(name, description, query="Search query"):
    """The declaration of a tool with one argument, in the format's own words."""
    return (
        f"<start_function_declaration>declaration:{name}"
        f"{{description:<escape>{description}<escape>,parameters:{{properties:{{query:"
        f"{{description:<escape>{query}<escape>,type:<escape>STRING<escape>}}}},"
        "required:[<escape>query<escape>],type:<escape>OBJECT<escape>}}"
        "<end_function_declaration>"
    )


IN_HOUSE = "Search internal company documents, policies and project data."
OPEN = "Search public information."
# Per variant: the company's tool, the public one, the declarations in order.
RENDERED = {
    "original": (COMPANY, PUBLIC, [(COMPANY, IN_HOUSE), (PUBLIC, OPEN)]),
    "order": (COMPANY, PUBLIC, [(PUBLIC, OPEN), (COMPANY, IN_HOUSE)]),
    "reworded": (COMPANY, PUBLIC, [
        (name, r.REWORDED[name], r.REWORDED_QUERY) for name in (COMPANY, PUBLIC)
    ]),
    "renamed": ("lookup_company_docs", "web_search", [
        ("lookup_company_docs", IN_HOUSE), ("web_search", OPEN),
    ]),
    "flipped": (PUBLIC, COMPANY, [(PUBLIC, IN_HOUSE), (COMPANY, OPEN)]),
}  # fmt: skip


def developer_turn(company, public, declarations):
    return (
        f"<bos><start_of_turn>developer\n{c.FUNCTION_CALLING}\n"
        f"What only our company knows: {company}. What is public: {public}. "
        "Small talk or a text to work on: no function."
        + "".join(declaration(*tool) for tool in declarations)
        + "<end_of_turn>\n"
    )


@pytest.mark.parametrize("name", RENDERED)
def test_the_developer_turn_is_what_the_variant_claims(name, tokenizer, rows, variants):
    expected = developer_turn(*RENDERED[name])
    for row in rows:
        prompt = render_prompts(tokenizer, [r.conversation(row, variants[name])])[0]
        asked = f"<start_of_turn>user\n{row['user_content']}<end_of_turn>\n"
        assert prompt == expected + asked + "<start_of_turn>model\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_completion_calls_the_tool_that_is_due(name, tokenizer, rows, variants):
    for row in rows:
        made = r.conversation(row, variants[name])
        prompt = render_prompts(tokenizer, [made])[0]
        reply = whole(tokenizer, made).removeprefix(prompt)
        due = variants[name].expected[row["tool_name"]]
        assert reply.startswith(f"<start_function_call>call:{due}{{" if due else "")
        assert r.judge(reply, row, variants[name]) == Judgement("correct", due)


def test_the_original_is_byte_for_byte_the_evaluation(tokenizer, task, rows, variants):
    made = [r.conversation(row, variants["original"]) for row in rows]
    plain = [task.conversation(row) for row in rows]
    assert made == plain
    assert render_prompts(tokenizer, made) == render_prompts(tokenizer, plain)
    assert [whole(tokenizer, m) for m in made] == [whole(tokenizer, p) for p in plain]


def test_reworded_leaves_no_old_description(variants):
    text = str(variants["reworded"].task.tools)
    assert not any(old in text for old in (IN_HOUSE, OPEN, "Search query"))


def test_renamed_leaves_no_old_name(tokenizer, rows, variants):
    for row in rows:
        text = whole(tokenizer, r.conversation(row, variants["renamed"]))
        assert COMPANY not in text and PUBLIC not in text


def test_the_third_tool_is_added_and_never_due(tokenizer, task, rows, variants):
    variant = variants["third tool"]
    assert variant.task.tools[:-1] == variants["original"].task.tools
    name = variant.task.tools[-1]["function"]["name"]
    parameters = variant.task.tools[-1]["function"]["parameters"]
    assert name not in task.developer and name not in variant.expected.values()
    prompt = render_prompts(tokenizer, [r.conversation(rows[0], variant)])[0]
    declared = developer_turn(*RENDERED["original"]).removesuffix("<end_of_turn>\n")
    added = prompt.removeprefix(declared)
    assert added.startswith(f"<start_function_declaration>declaration:{name}{{")
    arguments = dict.fromkeys(parameters["properties"], "x")
    assert len(arguments) == 2
    reply = render_call(FunctionCall(name, arguments))
    for row in one_of_each(rows).values():
        assert r.judge(reply, row, variant).outcome == "wrong_tool"
        assert r.judge(reply, row, variants["original"]).outcome == "unknown_tool"


def test_flipped_turns_the_label_round(rows, variants):
    for label, other in ((COMPANY, PUBLIC), (PUBLIC, COMPANY)):
        row = one_of_each(rows)[label]
        by_heart, by_schema = call(label), call(other)
        assert r.judge(by_heart, row, variants["original"]).correct
        assert r.judge(by_heart, row, variants["flipped"]).outcome == "wrong_tool"
        assert r.judge(by_schema, row, variants["flipped"]).correct
        assert r.judge(by_schema, row, variants["original"]).outcome == "wrong_tool"


def test_an_old_name_is_unknown_where_the_tools_are_renamed(rows, variants):
    row = one_of_each(rows)[COMPANY]
    assert r.judge(call(COMPANY), row, variants["renamed"]).outcome == "unknown_tool"
    assert r.judge(call("web_search"), row, variants["renamed"]).outcome == "wrong_tool"
    assert r.judge(call("lookup_company_docs"), row, variants["renamed"]).correct


@pytest.mark.parametrize("name", NAMES)
def test_rows_without_a_tool_stay_so(name, rows, variants):
    row, variant = one_of_each(rows)[None], variants[name]
    said = {"role": "assistant", "content": row["reply"]}
    assert r.conversation(row, variant)["completion"] == [said]
    assert r.judge(row["reply"], row, variant).correct
    for tool in variant.task.tools[:2]:
        judged = r.judge(call(tool["function"]["name"]), row, variant)
        assert judged.outcome == "wrong_tool"


def test_rows_are_left_as_they_were(rows, variants):
    before = [dict(row) for row in rows]
    for variant in variants.values():
        for row in rows:
            r.conversation(row, variant)
            r.judge(call(COMPANY), row, variant)
    assert [dict(row) for row in rows] == before


@pytest.mark.parametrize("name", NAMES)
def test_a_change_to_one_variant_reaches_no_other(name, task, variants):
    def told(variant):
        return copy.deepcopy((variant.task.tools, variant.expected))

    rest = {n: told(v) for n, v in variants.items() if n != name}
    for tool in variants[name].task.tools:
        tool["function"]["description"] = "spoilt"
        tool["function"]["parameters"]["properties"].clear()
    variants[name].expected.clear()
    assert {n: told(v) for n, v in variants.items() if n != name} == rest
    fresh = {variant.name: variant for variant in r.variants(task)}
    assert {n: told(fresh[n]) for n in rest} == rest
    assert fresh[name].expected and "spoilt" not in str(fresh[name].task.tools)


def test_a_tool_the_task_has_not_is_refused(rows, variants):
    with pytest.raises(KeyError):
        r.conversation({**rows[0], "tool_name": "search_bing"}, variants["original"])
