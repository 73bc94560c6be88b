"""JSON Lines as people have them: encodings, line ends, and values nothing can carry.

Imports nothing of ours.
"""

import codecs
import json

_FOREIGN = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    codecs.BOM_UTF32_LE: "UTF-32",
}


def read_text(path):
    """A file's text, a byte order mark left out; ValueError where it is not UTF-8."""
    raw = path.read_bytes()
    for mark, name in _FOREIGN.items():
        if raw.startswith(mark):
            raise ValueError(f"{path.name}: this is {name}. Save it as UTF-8.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path.name}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x}), perhaps "
            "cp1252 or Shift-JIS. Save it as UTF-8."
        ) from None


def read_lines(path):
    """([(line number from 1, object)], faults) of a JSON Lines file.

    Lines end with a line feed and with nothing else, so that a U+2028 in a text
    cuts none. Blank lines are skipped. Each fault is "file:line: field: reason".
    """
    found, faults = [], []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            faults.append(f"{where}: not valid JSON ({error})")
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


def uncarried(value, field=""):
    """What in a JSON value no prompt and no call can hold, each with its field."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from uncarried(key, field)
            yield from uncarried(inner, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from uncarried(inner, f"{field}[{number}]")
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            yield f"{field}: half of a character pair (a lone surrogate). Remove it."
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            yield f"{field}: {value} needs more than 64 bits. Write it as a text."
    elif value - value != 0:
        yield f"{field}: {value} is no JSON number. Give a number, or leave it out."
