"""Other people's tools.py: types and docstrings read, what is refused how."""

import pytest

from toolcalling.rows.schemas import load_tools


def from_python(
    tmp_path, signature, doc='"""F.\n\n    Args:\n        a: The a.\n    """'
):
    head = "from typing import *\nfrom enum import Enum\n"
    (tmp_path / "tools.py").write_text(f"{head}def f({signature}):\n    {doc}\n")
    return load_tools(tmp_path)[0]["function"]["parameters"]


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("a: Optional[str] = None", {"type": "string", "nullable": True}),
        ("a: str | None", {"type": "string", "nullable": True}),
        ('a: Literal["x", "y"]', {"type": "string", "enum": ["x", "y"]}),
        ('a: Literal["x"] | None = None', {"enum": ["x"], "nullable": True}),
        ("a: Literal[1, 2]", {"type": "integer", "enum": [1, 2]}),
        ("a: list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("a: dict", {"type": "object", "properties": {}}),
        ("a: dict[str, int]", {"type": "object", "properties": {}}),
        ("a: float = 0.5", {"type": "number"}),
        ("a: bool", {"type": "boolean"}),
    ],
)
def test_python_types(tmp_path, signature, expected):
    parameters = from_python(tmp_path, signature)
    assert expected.items() <= parameters["properties"]["a"].items()
    assert parameters.get("required", []) == ([] if "= " in signature else ["a"])


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("a: int | str", "several types"),
        ("a: int | list[str]", "anyOf cannot be declared"),
        ("a: Any", "unknown"),
        ('a: Literal["x", 1]', "several types"),
        ("a", "type hint"),
    ],
)
def test_python_types_refused(tmp_path, signature, reason):
    with pytest.raises(
        ValueError, match=rf"(?s)f: .*\ba\b.*{reason}|f: .*{reason}.*\ba"
    ):
        from_python(tmp_path, signature)


@pytest.mark.parametrize(
    "doc",
    [
        "F.\n\n    Args:\n        a (str): The a.",
        "F.\n\n    Args:\n        a (str, optional): The\n            a.",
        "F.\n\n    Arguments:\n        a: The a.",
        "F.\n\n    :param a: The a.\n    :returns: x",
        "F.\n\n    :param str a: The\n        a.\n    :rtype: int",
        "F.\n\n    Parameters\n    ----------\n    a : str\n        The a.\n\n    Returns\n    -------\n    int",
    ],
)
def test_docstring_styles(tmp_path, doc):
    assert from_python(tmp_path, "a: str", f'"""{doc}\n    """')["properties"]["a"] == {
        "type": "string",
        "description": "The a.",
    }


def test_undescribed_argument_says_where_to_write_it(tmp_path):
    with pytest.raises(ValueError, match="'a'.*Args:"):
        from_python(tmp_path, "a: str", '"""F."""')


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = 1/0", "ZeroDivisionError.*line 1"),
        ("def f(:", "SyntaxError"),
        ("import nowhere_at_all", "nowhere_at_all.*line 1"),
        ("raise SystemExit(3)", "SystemExit"),
        ("from json import loads", "no function"),
        ("", "no function"),
        ("def _f(a: str):\n    'F.'", "no function"),
    ],
)
def test_module_that_gives_no_tool(tmp_path, source, reason):
    (tmp_path / "tools.py").write_text(source)
    with pytest.raises(ValueError, match=rf"tools\.py .*{reason}"):
        load_tools(tmp_path)


@pytest.mark.parametrize(
    ("signature", "named"), [("*a: str", r"\*a"), ("**a: str", r"\*\*a")]
)
def test_arguments_without_a_name(tmp_path, signature, named):
    with pytest.raises(ValueError, match=f"f: {named} is no named argument"):
        from_python(tmp_path, signature)


def test_module_that_needs_another_file(tmp_path):
    (tmp_path / "helpers.py").write_text("")
    (tmp_path / "tools.py").write_text("import helpers")
    with pytest.raises(ValueError, match=r"helpers from its folder.*into tools\.py"):
        load_tools(tmp_path)


def test_module_of_a_usual_kind(tmp_path):
    (tmp_path / "tools.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from pathlib import Path\nHERE = Path(__file__).parent\n"
        "@dataclass\nclass P:\n    x: int\ndef f(a: str):\n    '''F.\n\n    Args:\n"
        "        a: A\n    '''\ng = f\n"
    )
    assert [t["function"]["name"] for t in load_tools(tmp_path)] == ["f"]


def test_two_tool_files_or_none(tmp_path):
    with pytest.raises(ValueError, match=r"no tools. Write tools\.py.*or tools\.json"):
        load_tools(tmp_path)
    for name in ("tools.py", "tools.json"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(ValueError, match="Keep one"):
        load_tools(tmp_path)
