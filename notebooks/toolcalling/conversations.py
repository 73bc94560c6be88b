"""The task: two tools, a policy, and rows that become conversations."""

import json
from pathlib import Path

from .function_calls import neutralise

# FunctionGemma was trained to call tools behind exactly this first sentence.
FUNCTION_CALLING = (
    "You are a model that can do function calling with the following functions"
)
POLICY = (
    "What only our company knows: search_knowledge_base. What is public: "
    "search_google. Small talk or a text to work on: no function."
)
DEVELOPER = f"{FUNCTION_CALLING}\n{POLICY}"

SPLITS = ("train", "dev", "test")
SLICES = (
    "contrast", "triple", "paraphrase", "cue_free", "cue_reversed", "plain", "no_tool",
)  # fmt: skip
DATA = Path(__file__).resolve().parents[2] / "data" / "tool_selection"


def search_knowledge_base(query: str) -> str:
    """Search internal company documents, policies and project data.

    Args:
        query: Search query
    """


def search_google(query: str) -> str:
    """Search public information.

    Args:
        query: Search query
    """


def tool_schemas(functions=(search_knowledge_base, search_google)):
    """JSON schemas of Python functions, read from signature and docstring."""
    from transformers.utils import get_json_schema

    schemas = [get_json_schema(function) for function in functions]
    for schema in schemas:
        schema["function"].pop("return", None)  # not part of a declaration
    return schemas


def load_rows(path, tools=("search_knowledge_base", "search_google")):
    """Rows of one JSON Lines file, in the file's order.

    Raises ValueError that names file, line and field of every bad row at once.
    """
    path, rows, bad = Path(path), [], []
    if not path.is_file():
        raise FileNotFoundError(
            f"{path.name} is not in {path.parent.name}/. Restore it with git, "
            "or give the path of your own JSON Lines file."
        )
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            bad.append(f"{path.name}:{number}: not valid JSON ({error})")
            continue
        faults = _faults(row, tools)
        bad += [f"{path.name}:{number}: {fault}" for fault in faults]
        if not faults:
            rows.append(row)
    ids = [row["id"] for row in rows]
    bad += [
        f"{path.name}: id: {i!r} is given {ids.count(i)} times"
        for i in dict.fromkeys(ids)
        if ids.count(i) > 1
    ]
    if bad:
        raise ValueError("The rows were refused. Mend these:\n" + "\n".join(bad))
    if not rows:
        raise ValueError(f"{path.name} holds no rows. Write at least one per line.")
    return rows


def _faults(row, tools):
    """What is wrong with a row, each fault with its field."""
    if not isinstance(row, dict):
        return [f"a row must be a JSON object, not {type(row).__name__}"]
    faults = [
        f"{key}: a text that is not empty is needed"
        for key in ("id", "family", "slice", "user_content")
        if not (isinstance(row.get(key), str) and row[key].strip())
    ]
    name = row.get("tool_name")
    if name is None:
        if not (isinstance(row.get("reply"), str) and row["reply"].strip()):
            faults.append("reply: needed where tool_name is null")
        return faults
    if name not in tools:
        known = ", ".join(tools)
        return faults + [f"tool_name: unknown tool {name!r} (known: {known})"]
    try:
        arguments = json.loads(row.get("tool_arguments"))
    except (TypeError, ValueError):
        return faults + ["tool_arguments: a JSON object in a string is needed"]
    if not isinstance(arguments, dict):
        faults.append("tool_arguments: the JSON must be an object")
    return faults


def load_splits(folder=DATA):
    """{"train": rows, "dev": rows, "test": rows} as frozen in the files."""
    return {split: load_rows(Path(folder) / f"{split}.jsonl") for split in SPLITS}


def to_conversation(row, tools=None, developer=DEVELOPER):
    """A row as TRL's prompt-completion conversation.

    Returns {"prompt": messages, "completion": messages, "tools": schemas}.
    Control-token text in the user's message is neutralised.
    """
    prompt = [
        {"role": "developer", "content": developer},
        {"role": "user", "content": neutralise(row["user_content"])},
    ]
    if row["tool_name"] is None:
        answer = {"role": "assistant", "content": neutralise(row["reply"])}
    else:
        function = {
            "name": row["tool_name"],
            "arguments": json.loads(row["tool_arguments"]),
        }
        answer = {
            "role": "assistant",
            "tool_calls": [{"type": "function", "function": function}],
        }
    return {
        "prompt": prompt,
        "completion": [answer],
        "tools": tool_schemas() if tools is None else tools,
    }


def check_lengths(tokenizer, conversations, max_length):
    """The longest conversation in tokens; ValueError if any exceeds max_length.

    A trainer would cut such rows, and drop those left without a label, silently.
    """
    lengths = [
        len(tokenizer(text, add_special_tokens=False)["input_ids"])
        for text in (
            tokenizer.apply_chat_template(
                c["prompt"] + c["completion"], tools=c["tools"], tokenize=False
            )
            for c in conversations
        )
    ]
    long = {i: n for i, n in enumerate(lengths) if n > max_length}
    if long:
        named = ", ".join(f"row {i} ({n} tokens)" for i, n in long.items())
        raise ValueError(
            f"Longer than max_length={max_length}, counted from 0: {named}. Raise "
            f"max_length to {max(lengths)}, or shorten the rows."
        )
    return max(lengths)
