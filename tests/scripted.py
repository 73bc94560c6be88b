"""A model that says what it is told to, and two tools for it."""

import json

from toolcalling.calls import FunctionCall, render_call

LOOKUP = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look a note up.",
        "parameters": {
            "type": "object",
            "properties": {"key": {"type": "string"}, "page": {"type": "integer"}},
            "required": ["key"],
        },
    },
}
WIPE = {"type": "function", "function": {
    "name": "wipe_disk", "description": "Erase it.",
    "parameters": {"type": "object", "properties": {}}}}  # fmt: skip
ASKED = {"prompt": [{"role": "user", "content": "What is in note a?"}],
         "tools": [LOOKUP]}  # fmt: skip


def call(name, **arguments):
    return render_call(FunctionCall(name, arguments)) + "<start_function_response>"


def scripted(*replies):
    """A model that says these, one after the other; and what it was shown."""
    shown, left = [], list(replies)

    def generate(conversations):
        shown.extend(json.loads(json.dumps(c["prompt"])) for c in conversations)
        return [left.pop(0) for _ in conversations]

    return generate, shown
