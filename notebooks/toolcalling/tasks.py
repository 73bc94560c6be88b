"""A task is a folder: a policy, tools, and rows to train, choose and test with.

    task.toml     title, policy, free_text, leak, slices; all may be left out
    tools.py      typed functions with docstrings; or tools.json, JSON schemas
    train.jsonl   rows; dev.jsonl and test.jsonl beside it, or split off by family

`python -m toolcalling.tasks FOLDER` says what is wrong with one.
"""

import gc
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from .calls import neutralise
from .rows import checks
from .rows.checks import asked
from .rows.folder import SPLITS, files_hash, is_free, read_folder
from .rows.schemas import tool_schemas
from .rows.splitting import split_by_family
from .workspace import ROOT, base_folder

__all__ = [
    "BUILT_IN", "FUNCTION_CALLING", "SPLITS", "Task", "check_lengths", "find_folder",
    "load_task", "tool_schemas",
]  # fmt: skip

# FunctionGemma was trained to call tools behind exactly this first sentence.
FUNCTION_CALLING = (
    "You are a model that can do function calling with the following functions"
)
BUILT_IN = "tool_selection"


@dataclass(frozen=True)
class Task:
    """What a model is taught and judged by. Made by load_task; nothing in it changes.

    name: of the folder. tools: JSON schemas. developer: the developer message.
    rows: {"train", "dev", "test"}: rows as rows.forms describes them. free_text:
    "argument" or "tool.argument", judged for being there. leak: (tool due, tool
    that must not be called instead), or None. slices: {slice: meaning}. hash: the
    first 12 hex digits of the sha256 of the files read.
    """

    name: str
    title: str
    tools: tuple
    developer: str
    rows: Mapping
    free_text: frozenset
    leak: tuple | None
    slices: Mapping
    folder: Path
    hash: str

    def __str__(self):
        counts = ", ".join(f"{len(rows)} {split}" for split, rows in self.rows.items())
        tools = "1 tool" if len(self.tools) == 1 else f"{len(self.tools)} tools"
        return f"{self.title}: {tools}; rows: {counts}"

    @property
    def tool_names(self):
        return [tool["function"]["name"] for tool in self.tools]

    def is_free(self, tool, argument):
        """Is this argument free text, that only has to be there?"""
        return is_free(self.free_text)(tool, argument)

    def conversation(self, row):
        """A row as TRL's prompt-completion conversation.

        Returns {"prompt": messages, "completion": messages, "tools": schemas}.
        Control-token text is neutralised, in prompt and completion.
        """
        developer = row["developer"] or self.developer
        if FUNCTION_CALLING not in developer:  # a row's own
            developer = f"{FUNCTION_CALLING}\n{developer.strip()}"
        answer = {"role": "assistant"}
        if row["reply"] or not row["calls"]:
            answer["content"] = row["reply"]
        if row["calls"]:
            answer["tool_calls"] = [
                {"type": "function", "function": call} for call in row["calls"]
            ]
        prompt = [{"role": "developer", "content": developer}, *row["messages"]]
        return {
            "prompt": _neutralised(prompt),
            "completion": _neutralised([answer]),
            "tools": list(row["tools"] or self.tools),
        }

    def ask(self, text):
        """A message of your own as a conversation without a completion."""
        asked = {"role": "user", "content": text}
        row = {"developer": None, "messages": [asked], "calls": [], "reply": ""}
        made = self.conversation({**row, "tools": None})
        return {key: made[key] for key in ("prompt", "tools")}

    def conversations(self, split):
        """The conversations of a split's rows, in their order."""
        return [self.conversation(row) for row in self.rows[split]]


def _neutralised(value):
    """A JSON value, the control-token text in all its strings broken."""
    if isinstance(value, str):
        return neutralise(value)
    if isinstance(value, Mapping):
        return {key: _neutralised(inner) for key, inner in value.items()}
    return [_neutralised(item) for item in value] if isinstance(value, list) else value


def find_folder(name=""):
    """The folder of a task: a path, or the name of one in data/ or the workspace.

    name: "" for the variable TOOLCALLING_TASK, else the built-in task.
    """
    name = str(name or os.environ.get("TOOLCALLING_TASK", "")).strip() or BUILT_IN
    given = Path(name).expanduser()
    for folder in (given, ROOT / given, ROOT / "data" / given, base_folder() / given):
        if folder.is_dir():
            return folder.resolve()
    known = sorted(path.parent.name for path in (ROOT / "data").glob("*/task.toml"))
    raise FileNotFoundError(
        f"There is no task folder {name!r}. Name one in data/ ({', '.join(known)}), or "
        "give the path of your own."
    )


def load_task(name="", log=print):
    """Read and check a task folder; see find_folder for name.

    log: called with a sentence for each thing that had to be derived. ValueError
    names file, line and field of every fault at once.
    """
    folder, collecting = find_folder(name), gc.isenabled()
    # A third of the time for 100,000 rows goes into looking for garbage among them.
    gc.disable()
    try:
        settings, tools, placed, notes = read_folder(folder)
    finally:
        if collecting:
            gc.enable()
    missing = [split for split in ("test", "dev") if split not in placed]
    if missing:
        try:
            placed |= split_by_family(placed["train"], missing, asked)
        except ValueError as error:
            raise ValueError(f"{folder.name}: {error}") from None
        counts = ", ".join(f"{s} {len(placed[s])}" for s in missing)
        notes.append(f"split by family, with a fixed seed; rows: {counts}.")
    notes += checks.gaps(placed, tools)
    for note in notes:
        log(f"{folder.name}: {note}")
    policy, leak = neutralise(settings.get("policy", "")).strip(), settings.get("leak")
    return Task(
        name=folder.name,
        title=settings.get("title", folder.name),
        tools=tuple(tools),
        developer=f"{FUNCTION_CALLING}\n{policy}" if policy else FUNCTION_CALLING,
        rows=MappingProxyType(
            {s: tuple(MappingProxyType(e) for _, e in placed[s]) for s in SPLITS}
        ),
        free_text=frozenset(settings.get("free_text", ())),
        leak=(leak["from"], leak["to"]) if leak else None,
        slices=MappingProxyType(settings.get("slices", {})),
        folder=folder,
        hash=files_hash(folder),
    )


def dataset(conversations):
    """A datasets.Dataset of prompt, completion and tools, every row as it is given.

    The columns are Json: as structs, rows would get the union of all keys, and a
    tool's arguments Nones that nobody wrote.
    """
    from datasets import Dataset, Features, List

    from .rows.json_columns import Json

    names = ("prompt", "completion", "tools")
    columns = Features({name: List(Json()) for name in names})
    return Dataset.from_list(list(conversations), features=columns)


def check_lengths(tokenizer, conversations, max_length=None):
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
    long = {i: n for i, n in enumerate(lengths) if n > (max_length or n)}
    if long:
        named = ", ".join(f"row {i} ({n} tokens)" for i, n in long.items())
        raise ValueError(
            f"Longer than max_length={max_length}, counted from 0: {named}. Raise "
            f"max_length to {max(lengths)}, or shorten the rows."
        )
    return max(lengths)


def main(arguments):
    """The verdict on a folder, printed; 0 where it can be used, else 1."""
    if len(arguments) != 1:
        print("usage: python -m toolcalling.tasks FOLDER")
        return 2
    try:
        task = load_task(arguments[0])
    except (ValueError, OSError) as error:
        # What is shown of a row may hold what the console cannot print.
        console = sys.stdout.encoding or "utf-8"
        print(str(error).encode(console, "backslashreplace").decode(console))
        return 1
    print(f"{task}\nGood: notebooks 02 to 06 take it as TASK.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
