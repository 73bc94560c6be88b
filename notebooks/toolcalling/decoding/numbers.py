"""Numbers within bounds, in the notation of a grammar: 3 to 12 as ("1" [0-2] | [3-9]).

They are written as Python writes them: no leading zeros or +, an exponent only where
str() has one. Imports nothing of ours.
"""

import math

DIGITS = 40  # of the whole part, at the most
FRACTION = '("." D{1,25})'
# str() writes 1e-05 and below, 1e+16 and above; past 1e307 floats end.
_SMALL = '("0" [5-9] | [1-9] D | [1-2] D D | "30" [0-7])'
_LARGE = '("1" [6-9] | [2-9] D | [1-2] D D | "30" [0-7])'


def integers(schema):
    """Alternatives that match the integers within a schema's bounds.

    ValueError where there are none.
    """
    bounds = _bounds(schema)
    least = [math.ceil(b) for b in bounds["minimum"]]
    least += [math.floor(b) + 1 for b in bounds["exclusiveMinimum"]]
    most = [math.floor(b) for b in bounds["maximum"]]
    most += [math.ceil(b) - 1 for b in bounds["exclusiveMaximum"]]
    least, most = max(least, default=None), min(most, default=None)
    found = []
    if most is None or most >= 0:
        found += _whole(max(least or 0, 0), most)
    if least is None or least < 0:
        low = 1 if most is None else max(1, -most)
        below = _whole(low, None if least is None else -least)
        found += [f'"-" {part}' for part in below]
    return _some(found)


def floats(schema):
    """Alternatives that match the numbers within a schema's bounds.

    ValueError where there are none, and for bounds that cannot be expressed.
    """
    bounds = _bounds(schema)
    for name, own in bounds.items():
        # With digits enough a number is rounded to what it must not reach.
        if own and own[0] and (own[0] != int(own[0]) or name.startswith("exclusive")):
            raise ValueError(
                f"{name} {own[0]} cannot be expressed by the grammar: only 0, and whole "
                "numbers for minimum and maximum"
            )
    above, below = bounds["exclusiveMinimum"], bounds["exclusiveMaximum"]
    least = max(map(int, bounds["minimum"] + above), default=None)
    most = min(map(int, bounds["maximum"] + below), default=None)
    above, below = bool(above) and least == 0, bool(below) and most == 0
    found = []
    if most is None or most > 0 or (most == 0 and not below):
        found += _size(max(least or 0, 0), most, above)
    if least is None or least < 0:
        low = 0 if most is None else max(0, -most)
        size = _size(low, None if least is None else -least, below)
        found += [f'"-" {part}' for part in size]
    return _some(found)


def _bounds(schema):
    """{keyword: [its bound]}, [] where the schema has none."""
    names = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    bounds = {n: [schema[n]] if schema.get(n) is not None else [] for n in names}
    for name, own in bounds.items():
        if own and type(own[0]) not in (int, float):
            raise ValueError(f"{name} must be a number, not {own[0]!r}")
    return bounds


def _some(found):
    if not found:
        raise ValueError("no number lies within its bounds")
    return found


def _size(low, high, above):
    """Numbers from low, 0 or above, to high; above: not low itself."""
    if high is not None and high < low:
        return []
    found = []
    if above:
        found += [f"{part} {FRACTION}?" for part in _whole(low + 1, _before(high))]
        found += [f'"{low}." "0"{{0,24}} [1-9] D{{0,25}}'] if high != low else []
    else:
        found += [f"{part} {FRACTION}?" for part in _whole(low, _before(high))]
    if high is not None and not (above and high == low):
        found.append(f'"{high}" ("." "0"{{1,25}})?')
    if low == 0 and (high is None or high > 0):
        found.append(f'[1-9] {FRACTION}? "e-" {_SMALL}')
    if high is None and low <= 10**16:
        found.append(f'[1-9] {FRACTION}? "e+" {_LARGE}')
    return found


def _before(high):
    return None if high is None else high - 1


def _whole(low, high):
    """Alternatives of the integers from low, 0 or above, to high; None: DIGITS long."""
    high = 10**DIGITS - 1 if high is None else min(high, 10**DIGITS - 1)
    if high < low:
        return []
    found = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first = low if length == len(str(low)) else 10 ** (length - 1)
        last = high if length == len(str(high)) else 10**length - 1
        if first <= last:
            found += _same_length(str(first), str(last))
    return _joined(found)


def _same_length(first, last):
    """[(parts in front, digits of any kind behind)] between numbers of one length."""
    if not first:
        return [([], 0)]
    rest = len(first) - 1
    if set(first[1:]) <= {"0"} and set(last[1:]) <= {"9"}:
        return [([_digit(first[0], last[0])], rest)]
    if first[0] == last[0]:
        return _behind(first[0], _same_length(first[1:], last[1:]))
    low, high = int(first[0]) + 1, int(last[0]) - 1
    found = _behind(first[0], _same_length(first[1:], "9" * rest))
    if low <= high:
        found.append(([_digit(low, high)], rest))
    return found + _behind(last[0], _same_length("0" * rest, last[1:]))


def _behind(digit, found):
    return [([_digit(digit, digit), *parts], rest) for parts, rest in found]


def _digit(low, high):
    return f'"{low}"' if low == high else f"[{low}-{high}]"


def _joined(found):
    """As text; what differs only in how many digits follow is one alternative."""
    spans = {}
    for parts, rest in found:
        spans.setdefault(" ".join(parts), []).append(rest)
    texts = []
    for parts, rests in spans.items():
        low, high = min(rests), max(rests)  # lengths follow one another
        more = f" D{{{low},{high}}}" if high else ""
        texts.append(parts + (" D" if (low, high) == (1, 1) else more))
    return texts
