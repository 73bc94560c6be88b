"""A task folder of other people, for the tests."""

import json

from toolcalling.tasks import load_task

STRING = {"type": "string"}
TOOLS = [
    {"name": "ticket", "description": "T", "parameters": {
        "type": "object", "required": ["title"], "properties": {
            "title": STRING, "n": {"type": "integer"}, "x": {"type": "number"},
            "due": {"type": "string", "nullable": True},
            "how": {"type": "string", "enum": ["low", "high"]},
            "tags": {"type": "array", "items": STRING},
            "who": {"type": "object", "required": ["name"],
                    "properties": {"name": STRING, "age": {"type": "integer"}}},
            "free": {"type": "object"}}}},
    {"name": "ping", "description": "P"},
]  # fmt: skip


def short(text="Hi", **arguments):
    return {"user_content": text, "tool_name": "ticket", "tool_arguments": arguments}


def words(text="Hi", reply="Yes."):
    return {"user_content": text, "tool_name": None, "reply": reply}


def calling(*calls, **more):
    listed = [
        {"id": f"c{i}", "type": "function", "function": {"name": n, "arguments": a}}
        for i, (n, a) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": listed, **more}


def user(text="Hi"):
    return {"role": "user", "content": text}


def answer(text="Done."):
    return {"role": "assistant", "content": text}


def result(content="ok", **more):
    return {"role": "tool", "content": content, **more}


def long(*messages, **more):
    return {"messages": list(messages), **more}


def write(folder, rows, tools=TOOLS, **others):
    """A task folder; rows: of train, whole texts or bytes of others by file name."""
    if tools:
        (folder / "tools.json").write_text(json.dumps(tools))
    own = {"train": rows, "dev": [words("dev")], "test": [words("test")], **others}
    for name, content in own.items():
        path = folder / (name if "." in name else f"{name}.jsonl")
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        if content is not None:
            path.write_bytes(
                content if isinstance(content, bytes) else content.encode()
            )
    return folder


def load(folder, rows, **more):
    return load_task(write(folder, rows, **more), log=lambda line: None)
