"""Property: whatever loads is shown to the model, and its calls read back the same."""

from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import render_jinja_template

from toolcalling.calls import neutralise, parse_reply
from toolcalling.evaluation import judge
from toolcalling.rows.forms import examples
from toolcalling.rows.schemas import normalise_tools
from toolcalling.setup.embedded_model import TEMPLATE


def rendered(messages, tools):
    return render_jinja_template(
        conversations=[messages], tools=tools, chat_template=TEMPLATE.read_text(),
        bos_token="<bos>",
    )[0][0]  # fmt: skip


NAMES = st.from_regex(r"[a-z_][A-Za-z0-9_$ é-]{0,6}[a-z0-9é]", fullmatch=True).filter(
    lambda n: n not in ("description", "type", "properties", "required", "nullable")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(
    [
        "<eos>",
        "a<escape>b",
        "}<end_function_call>",
        "{a:[1,",
        "None",
        "true",
        "1",
        "<es",
    ]
)
LEAVES = st.one_of(
    st.tuples(st.just({"type": "STRING"}), TEXTS.filter(str.strip)),
    st.tuples(st.just({"type": "int"}), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(
        st.just({"type": "float"}), st.floats(allow_nan=False, allow_infinity=False)
    ),
    st.tuples(st.just({"type": "boolean"}), st.booleans()),
    st.tuples(st.just({"enum": ["x", "<x>", "y z"]}), st.sampled_from(["x", "<x>"])),
    st.tuples(st.just({"type": "dict"}), st.dictionaries(NAMES, st.none() | TEXTS)),
)


def listed(inner):
    return st.tuples(inner, st.integers(0, 3)).map(
        lambda p: ({"type": "array", "items": p[0][0]}, [p[0][1]] * p[1])
    )


def held(inner):
    return st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(
        lambda d: (
            {"type": "OBJECT", "required": list(d)[:1],
             "properties": {k: s for k, (s, _) in d.items()}},
            {k: v for k, (_, v) in d.items()},
        )
    )  # fmt: skip


VALUES = st.recursive(LEAVES, lambda inner: listed(inner) | held(inner), max_leaves=5)


def broken(value):
    """The value as a call carries it."""
    if isinstance(value, dict):
        return {k: broken(v) for k, v in value.items()}
    if isinstance(value, list):
        return [broken(v) for v in value]
    return neutralise(value) if isinstance(value, str) else value


@settings(max_examples=120, deadline=None)
@given(held(VALUES), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True))
def test_what_loads_is_shown_and_reads_back(pair, name):
    schema, arguments = pair
    tools = normalise_tools([{"name": name, "parameters": schema}])
    row = {"user_content": "Hi", "tool_name": name, "tool_arguments": arguments}
    (example,), faults = examples(row, tools, normalise_tools)
    assert faults == []
    call = {"name": name, "arguments": broken(example["calls"][0]["arguments"])}
    text = rendered(
        [{"role": "user", "content": "Hi"},
         {"role": "assistant", "tool_calls": [{"type": "function", "function": call}]}],
        tools,
    )  # fmt: skip
    declaration, _, reply = text.partition("<start_of_turn>model\n")
    for parameter in schema["properties"]:
        assert f"{parameter}:{{description:" in declaration
    read = parse_reply(reply)
    assert not read.problems and [(c.name, c.arguments) for c in read.calls] == [
        (name, broken(arguments))
    ]
    due_here = example["calls"]
    assert judge(reply, due_here, tools).outcome == "correct"
