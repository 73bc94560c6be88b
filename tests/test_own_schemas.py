"""Other people's JSON schemas: what is shown to the model, what is refused how."""

import json

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from toolcalling.rows.schemas import load_tools, normalise_tools
from toolcalling.setup.embedded_model import TEMPLATE

STRING = {"type": "string"}


def shown(tools):
    """The developer turn that the chat template makes of the tools."""
    return render_jinja_template(
        conversations=[[{"role": "user", "content": "Hi"}]],
        tools=tools, chat_template=TEMPLATE.read_text(), bos_token="<bos>",
    )[0][0]  # fmt: skip


def tool(properties=None, name="f", **rest):
    parameters = {"type": "object", "properties": properties or {}, **rest}
    return {"name": name, "description": "d", "parameters": parameters}


def loaded(*tools):
    return [t["function"] for t in normalise_tools(list(tools))]


def properties(*tools):
    return loaded(*tools)[0]["parameters"]["properties"]


FLAT = tool({"a": STRING})
MCP = {"name": "f", "description": "d", "inputSchema": FLAT["parameters"]}


@pytest.mark.parametrize(
    "given",
    [
        [FLAT],
        FLAT,
        [{"type": "function", "function": FLAT}],
        [MCP],
        {"tools": [MCP], "nextCursor": None},
        {"tools": [{"functionDeclarations": [FLAT]}]},
        [{"function_declarations": [FLAT]}],
        [tool({"a": {"type": "STRING"}}) | {"strict": True}],
        [tool({"a": STRING, "b": None})],  # as tables of rows fill the gap
        [{"name": "f", "description": "d",
          "parameters": {"type": "dict", "properties": {"a": {"type": "str"}}}}],
        [tool({"a": {"anyOf": [{"type": "string"}]}}, additionalProperties=False)],
    ],
)  # fmt: skip
def test_every_common_wrapping(given):
    (one,) = normalise_tools(given)
    assert one == {
        "type": "function",
        "function": tool({"a": STRING | {"description": ""}}),
    }
    assert "a:{description:<escape><escape>,type:<escape>STRING<escape>}" in shown(
        [one]
    )


@pytest.mark.parametrize(
    ("given", "kind"),
    [("OBJECT", "object"), ("dict", "object"), ("float", "number"), ("Array", "array"),
     ("INTEGER", "integer"), ("bool", "boolean"), ("tuple", "array")],
)  # fmt: skip
def test_type_names_of_others_at_every_depth(given, kind):
    inner = {"x": {"type": given}}
    made = properties(
        tool({
            "a": {"type": given},
            "o": {"type": "OBJECT", "properties": inner},
            "l": {"type": "array", "items": {"type": "OBJECT", "properties": inner}},
        })
    )  # fmt: skip
    assert made["a"]["type"] == made["o"]["properties"]["x"]["type"] == kind
    assert made["l"]["items"]["properties"]["x"]["type"] == kind


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"anyOf": [STRING, {"type": "null"}]}, {"type": "string", "nullable": True}),
        ({"type": "string", "enum": ["x", None]}, {"enum": ["x"], "nullable": True}),
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        ({"enum": [True]}, {"type": "boolean", "description": "One of true."}),
        ({"type": "integer", "enum": [1, 2], "description": "N."},
         {"description": "N. One of 1, 2."}),
        ({"type": "string", "description": "<eos> it"}, {"description": "< eos> it"}),
    ],
)  # fmt: skip
def test_values_made_showable(schema, expected):
    assert expected.items() <= properties(tool({"a": schema}))["a"].items()


SWALLOWED = ("description", "type", "properties", "required", "nullable")
NESTED = ("", "o.", "l.")


@pytest.mark.parametrize("name", SWALLOWED)
@pytest.mark.parametrize("at", NESTED)
def test_swallowed_names(name, at):
    held = {"type": "object", "properties": {name: STRING}}
    own = {"": {name: STRING}, "o.": {"o": held},
           "l.": {"l": {"type": "array", "items": held}}}[at]  # fmt: skip
    with pytest.raises(ValueError, match=rf"f: parameter {at}{name}: .*Rename it"):
        normalise_tools([tool(own)])


DEEP = STRING
for _ in range(200):
    DEEP = {"type": "object", "properties": {"a": DEEP}}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "at least one"),
        ("f", "list of tools"),
        (["f"], "tool 1: a mapping with a name"),
        ([{"parameters": {}}], "tool 1"),
        ([FLAT, FLAT], "'f' is declared 2 times"),
        ([tool(name="open ticket")], "open ticket: .*Rename"),
        ([tool(name="é")], "é: .*Rename"),
        ([tool(name="f\n")], "Rename"),
        ([tool({"a:b": STRING})], "parameter a:b: .*Rename"),
        ([tool({"<eos>": STRING})], "parameter <eos>: .*Rename"),
        ([tool({"": STRING})], "Rename"),
        ([tool({"a": STRING}, required=["b"])], "parameter b: required, but not declared"),
        ([tool({"a": STRING}, required="a")], "required must be a list"),
        ([tool({"a": STRING | {"required": True}})], "parameter a.required"),
        ([tool({"a": {"type": "objekt"}})], "parameter a: type 'objekt' is unknown"),
        ([tool({"a": {}})], "parameter a: type None is unknown"),
        ([tool({"a": "string"})], "parameter a: a JSON schema"),
        ([tool({"a": STRING | {"enum": []}})], "parameter a: enum"),
        ([tool({"a": STRING | {"enum": ["x", 1]}})], "parameter a: enum holds 1"),
        ([tool({"a": {"type": "integer", "enum": [True]}})], "enum holds True"),
        ([tool({"a": STRING | {"enum": ["<eos>"]}})], "parameter a: .*control token"),
        ([tool({"a": {"oneOf": [STRING, {"type": "integer"}]}})], "parameter a: oneOf"),
        ([tool({"a": {"$ref": "#/$defs/A"}})], r"parameter a: \$ref"),
        ([{"name": "f", "parameters": {"$ref": "#/x"}}], r"\$ref"),
        ([tool({"a": STRING | {"pattern": "("}})], "parameter a.pattern"),
        ([tool({"a": STRING | {"not": {"$ref": "#/x"}}})], r"\$ref"),
        ([tool({"a": STRING | {"description": "\ud83d"}})], "surrogate"),
        ([tool({"a": DEEP})], "nested deeper"),
        ([tool([])], "properties must be a mapping")
    ],
)  # fmt: skip
def test_tools_refused(given, reason, tmp_path):
    if given == [tool([])]:
        given[0]["parameters"]["properties"] = [1]
    with pytest.raises(ValueError, match=reason):
        normalise_tools(given)
    (tmp_path / "tools.json").write_text(json.dumps(given))
    with pytest.raises(ValueError, match=reason):
        load_tools(tmp_path)


def test_all_faults_of_all_tools_at_once():
    with pytest.raises(ValueError, match=r"(?s)parameter type.*parameter a: type.*g h"):
        normalise_tools([tool({"type": STRING, "a": {}}), tool(name="g h")])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not valid JSON"), ('[{"name":"f","name":"g"}]', "given twice"),
     ("[" * 100_000, "nested too deep"), ("null", "list of tools")],
)  # fmt: skip
def test_json_file_refused(tmp_path, text, reason):
    (tmp_path / "tools.json").write_text(text)
    with pytest.raises(ValueError, match=rf"tools\.json: .*{reason}"):
        load_tools(tmp_path)


def test_digits_first_and_json_file_with_a_mark(tmp_path):
    names = ["2fa_reset", "ns.tool", "get-it", "_f"]
    text = json.dumps([tool({"a": STRING}, name=name) for name in names])
    (tmp_path / "tools.json").write_text(text, encoding="utf-8-sig")
    made = load_tools(tmp_path)
    assert [t["function"]["name"] for t in made] == names
    assert all(f"declaration:{name}{{" in shown(made) for name in names)
