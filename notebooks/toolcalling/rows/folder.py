"""What stands in a task folder, read and checked file by file."""

import hashlib
import re
import tomllib
from collections import Counter

from . import checks
from .forms import examples
from .reading import read_lines, read_text
from .schemas import load_tools, normalise_tools

SPLITS = ("train", "dev", "test")


def _texts(value):
    return all(isinstance(text, str) for text in value)


# Per setting: the type, what more it must fulfil, both in words.
SETTINGS = {
    "title": (str, str.strip, "a text"),
    "policy": (str, None, "a text"),
    "free_text": (list, _texts, 'a list of texts, as ["query"],'),
    "leak": (
        dict,
        lambda leak: leak.keys() == {"from", "to"} and _texts(leak.values()),
        'two tools, as { from = "a", to = "b" },',
    ),
    "slices": (dict, lambda own: _texts(own.values()), "a text for each slice"),
}
_LINE = re.compile(rf"({'|'.join(SPLITS)})\.jsonl(?::(\d+))?")
MOST_FAULTS = 50  # named of one folder


def read_settings(folder):
    """task.toml as a dict, checked; {} where there is none."""
    path = folder / "task.toml"
    if not path.is_file():
        return {}
    try:
        settings = tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"task.toml: not valid TOML ({error}). Mend it.") from None
    faults = []
    for key, value in settings.items():
        if key not in SETTINGS:
            known = ", ".join(SETTINGS)
            faults.append(f"task.toml: {key}: no such setting. Known: {known}.")
            continue
        kind, more, words = SETTINGS[key]
        if not isinstance(value, kind) or (more and not more(value)):
            faults.append(f"task.toml: {key}: {words} is needed")
    refuse(folder, faults)
    return settings


def read_folder(folder):
    """(settings, tools, {split: [(place, example)]}, notes) of a task folder.

    ValueError names every fault of tools, rows and settings; one of the tools comes
    alone, since rows cannot be checked without them.
    """
    settings = read_settings(folder)
    paths = {split: folder / f"{split}.jsonl" for split in SPLITS}
    if not paths["train"].is_file():
        raise ValueError(
            f"{folder.name}/ has no train.jsonl. Write one row a line: a JSON object "
            "with user_content, tool_name and tool_arguments, or with messages."
        )
    lines, faults = {}, []
    for split, path in paths.items():
        if path.is_file():
            try:
                lines[split], own = read_lines(path)
            except ValueError as error:
                lines[split], own = [], [str(error)]
            faults += own
            if not own and not lines[split]:
                faults.append(
                    f"{path.name} holds no rows. Write at least one per line."
                )
    theirs = any((folder / name).is_file() for name in ("tools.py", "tools.json"))
    bare = next(
        (f"{paths[split].name}:{number}" for split, rows in lines.items()
         for number, row in rows if not row.get("tools")),
        None,
    )  # fmt: skip
    try:
        tools = load_tools(folder) if theirs or bare else []
    except ValueError as error:
        if theirs or not any(row.get("tools") for r in lines.values() for _, row in r):
            raise
        raise ValueError(f"{error} Or give {bare} tools, as other rows have.") from None
    normalise, placed, missing = _Remembering(), {}, Counter()
    for split, rows in lines.items():
        made, where, wrong = [], [], []
        for number, row in rows:
            own, found = examples(row, tools, normalise)
            wrong += [f"{paths[split].name}:{number}: {fault}" for fault in found]
            own = [] if found else own
            made += [(number, turn, example) for turn, example in enumerate(own)]
            where += [f"{paths[split].name}:{number}"] * len(own)
        faults += _of_another_task(paths[split].name, wrong, made) or wrong
        missing += checks.fill_in(split, made)
        placed[split] = [(w, example) for w, (*_, example) in zip(where, made)]
    notes = list(filter(None, [checks.told(missing)]))
    for path in sorted(folder.glob("*.jsonl")):
        if path.stem not in SPLITS:
            notes.append(f"{path.name} is not read; {', '.join(SPLITS)}.jsonl are.")
    tools = tools or _tools_of(placed)
    if tools:
        faults += _settings_faults(settings, tools)
    if not faults:
        faults += checks.faults(placed, is_free(settings.get("free_text", ())))
    refuse(folder, sorted(faults, key=_place))
    return settings, tools, placed, notes


def is_free(names):
    """Of (tool, argument): is it among the names, alone or as "tool.argument"?"""
    return lambda tool, argument: argument in names or f"{tool}.{argument}" in names


def files_hash(folder):
    """First 12 hex digits of the sha256 of the files that make the task."""
    names = ("task.toml", "tools.py", "tools.json", *(f"{s}.jsonl" for s in SPLITS))
    digest = hashlib.sha256()
    for path in (folder / name for name in names):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def refuse(folder, faults):
    """ValueError with the faults, if there are any."""
    if faults:
        shown = faults[:MOST_FAULTS]
        if len(faults) > len(shown):
            shown.append(f"... and {len(faults) - len(shown)} more")
        raise ValueError(
            f"The task {folder.name} was refused. Mend these:\n" + "\n".join(shown)
        )


def _place(fault):
    """Where a fault is, to name faults in the order of files and lines."""
    found = _LINE.match(fault)
    return (SPLITS.index(found[1]), int(found[2] or 0)) if found else (-1, 0)


def _of_another_task(name, wrong, made, least=5):
    """One line in the place of many, where every call in a file is of unknown tools.

    wrong: the file's faults; made: [(.., .., example)] of its rows without any.
    """
    unknown = [fault for fault in wrong if ": unknown tool " in fault]
    if len(unknown) < least or any(example["calls"] for *_, example in made):
        return []
    tool = unknown[0].split("unknown tool ")[1].split(" (")[0]
    return [
        f"{name}: every row with a call names a tool that this folder does not have, "
        f"such as {tool}. Is it another task's file? Delete it, and rows are split off.",
        *(fault for fault in wrong if fault not in unknown),
    ]


class _Remembering:
    """normalise_tools, once for each set of tools: rows share theirs."""

    def __init__(self):
        self.made = {}

    def __call__(self, tools):
        key = repr(tools)
        if key not in self.made:
            self.made[key] = normalise_tools(tools, "tools")
        return self.made[key]


def _tools_of(placed):
    """Every tool that rows bring, by name."""
    found = {}
    for pairs in placed.values():
        for _, example in pairs:
            for tool in example["tools"] or ():
                found.setdefault(tool["function"]["name"], tool)
    return list(found.values())


def _settings_faults(settings, tools):
    """Arguments and tools that task.toml names and nobody declares."""
    declared = {
        t["function"]["name"]: t["function"]["parameters"].get("properties") or {}
        for t in tools
    }
    known = {name for own in declared.values() for name in own}
    known |= {f"{tool}.{name}" for tool, own in declared.items() for name in own}
    for name in settings.get("free_text", ()):
        if name not in known:
            yield (
                f"task.toml: free_text: no tool has an argument {name!r}. Correct it, "
                "or leave it out."
            )
    for end, name in settings.get("leak", {}).items():
        if name not in declared:
            known = ", ".join(declared)
            yield f"task.toml: leak: {end}: {name!r} is none of the tools ({known})"
