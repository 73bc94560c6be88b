"""JSON Lines as people have them: encodings, line ends, and values nothing can carry.

Imports nothing of ours but the grammar's bounds.
"""

import codecs
import json

from ..calls import MAX_DEPTH

_FOREIGN = {  # UTF-32's mark begins with UTF-16's
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_text(path):
    """A file's text, a byte order mark left out; ValueError where it is not UTF-8."""
    raw = path.read_bytes()
    for mark, name in _FOREIGN.items():
        if raw.startswith(mark):
            raise ValueError(f"{path.name}: this is {name}. Save it as UTF-8.")
    if b"\0" in raw[:1000]:  # UTF-16 without a mark reads as UTF-8 full of zeros
        raise ValueError(
            f"{path.name}: no text, or UTF-16 without a mark. Save it as UTF-8."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path.name}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x}), perhaps "
            "cp1252 or Shift-JIS. Save it as UTF-8."
        ) from None


def read_json(text):
    """The value of a JSON text; ValueError, in few words, also for a key given twice."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, " if "\n" in text.strip() else ""
        raise ValueError(f"{error.msg}, {place}column {error.colno}") from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def _once(pairs):
    """A mapping; json would keep the last of two equal keys and say nothing."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{twice!r} is given twice")
    return found


def read_lines(path):
    """([(line number from 1, object)], faults) of a JSON Lines file.

    Lines end with a line feed and with nothing else, so that a U+2028 in a text
    cuts none. Blank lines are skipped. Each fault is "file:line: field: reason".
    """
    text = read_text(path)
    opening = text.lstrip()[:2000].split()
    if opening and opening[0].startswith("[") and _whole(text):
        raise ValueError(f"{path.name}: one JSON list. Write one row per line instead.")
    found, faults = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = read_json(line)
        except ValueError as error:
            faults.append(
                f"{where}: not valid JSON ({error}). Write one JSON object per line."
            )
            continue
        if not isinstance(row, dict):
            kind = type(row).__name__
            faults.append(f"{where}: a row must be a JSON object, not {kind}")
            continue
        own = [f"{where}: {fault}" for fault in uncarried(row)]
        faults += own
        if not own:
            found.append((number, row))
    return found, faults


def _whole(text):
    try:
        return isinstance(read_json(text), list)
    except ValueError:
        return False


def uncarried(value, field="", depth=0):
    """What in a JSON value no prompt and no call can hold, each with its field."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            yield f"{field}: half of a character pair (a lone surrogate). Remove it."
    elif isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            yield f"{field[:60]}...: nested deeper than {MAX_DEPTH} levels. Flatten it."
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from uncarried(key, field)
                yield from uncarried(
                    inner, f"{field}.{key}" if field else key, depth + 1
                )
        else:
            for number, inner in enumerate(value):
                yield from uncarried(inner, f"{field}[{number}]", depth + 1)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            shown = str(value) if abs(value) < 10**30 else "the number"
            yield f"{field}: {shown} needs more than 64 bits. Write it as a text."
    elif isinstance(value, float) and value - value != 0:
        yield f"{field}: {value} is no JSON number. Give a number, or leave it out."
