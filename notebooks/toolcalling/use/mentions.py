"""Numbers, dates, times and ids that a text mentions, written in one form each.

Imports nothing of ours.
"""

import datetime
import re
from dataclasses import dataclass

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august",
    "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join(
    f"{m}|{m[:3]}" if m != "september" else f"{m}|sept|sep" for m in _MONTHS
)
_ORDINAL = r"(?:st|nd|rd|th)"
_DATES = re.compile(
    r"\b(?P<y1>\d{4})-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})\b"
    rf"|\b(?P<d2>\d{{1,2}}){_ORDINAL}?(?:\s+of)?\s+(?P<m2>{_MONTH})\b\.?(?:,?\s+(?P<y2>\d{{4}}))?"
    rf"|\b(?P<m3>{_MONTH})\b\.?\s+(?:the\s+)?(?P<d3>\d{{1,2}}){_ORDINAL}?\b(?:,?\s+(?P<y3>\d{{4}}))?"
    r"|\b(?P<d4>\d{1,2})/(?P<m4>\d{1,2})/(?P<y4>\d{4})\b",
    re.I,
)  # fmt: skip
_TIMES = re.compile(
    r"\b(\d{1,2}):(\d{2})(?:\s*([ap])\.?m\b)?|\b(\d{1,2})(?:[.:](\d{2}))?\s*([ap])\.?m\b",
    re.I,
)
# LT-2043, jwalsh7, m_osei2; k.hale, d_ward. Abbreviations are none.
_IDS = re.compile(
    r"\b(?:[a-z][a-z_.]*[-_.]?\d[\w-]*|(?!e\.g|i\.e|[ap]\.m)[a-z]+[._][a-z]\w*)", re.I
)
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NTH = (
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_WORDS = {word: n for n, word in enumerate(_UNITS.split())}
_WORDS |= {word: 10 * n for n, word in enumerate(_TENS.split(), 2)}
_ORDER = {word: n for n, word in enumerate(_NTH.split(), 3)}
_NUMBERS = re.compile(
    rf"(?<![\w.])(?P<digits>\d+(?:[ ,]\d{{3}})+(?!\d)|\d+(?:\.\d+)?)(?P<nth>{_ORDINAL}\b)?"
    rf"|\b(?P<tens>{_TENS.replace(' ', '|')})(?:[- ](?P<unit>{_UNITS.replace(' ', '|')}))?\b"
    rf"|\b(?P<word>{'|'.join([*_WORDS, *_ORDER])})\b",
    re.I,
)  # fmt: skip
_WEEKS = re.compile(r"\s*weeks?\b", re.I)
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NAMED = re.compile(
    rf"\b(?:{'|'.join(_DAYS)}|today|tomorrow|tonight|yesterday)\b", re.I
)


@dataclass(frozen=True)
class Mentions:
    """dates: (year or None, month, day). times: "HH:MM". ids: without case, hyphens
    and underscores. numbers: by value; nth: those said as an order, as 4 of "fourth";
    weeks: those that count weeks. days: weekdays, and words such as tomorrow.
    """

    dates: frozenset
    times: frozenset
    ids: frozenset
    numbers: frozenset
    nth: frozenset
    weeks: frozenset
    days: frozenset


def mentions(text):
    """What a text mentions. "one", "first" and "second" are no numbers."""
    dates, text = _taken(_DATES, text, _date)
    times, text = _taken(_TIMES, text, _time)
    ids, text = _taken(_IDS, text, lambda m: plain_id(m[0]))
    days, text = _taken(_NAMED, text, lambda m: m[0].lower())
    numbers, nth, weeks = set(), set(), set()
    for match in _NUMBERS.finditer(text):
        if (value := _number(match)) is None:
            continue
        ordered = match["nth"] or (match["word"] or "").lower() in _ORDER
        counted = _WEEKS.match(text, match.end())
        (weeks if counted else nth if ordered else numbers).add(value)
    if re.search(r"\bfortnight\b", text, re.I):
        weeks.add(2)
    return Mentions(*map(frozenset, (dates, times, ids, numbers, nth, weeks, days)))


def plain_id(text):
    """An id without case, hyphens and underscores."""
    return re.sub(r"[-_]", "", text.casefold()).strip(".")


def same_date(one, other):
    """Is it the same day? A year that is not said may be any."""
    return one[1:] == other[1:] and (None in (one[0], other[0]) or one[0] == other[0])


def weekday(date):
    """The name of the day, or None where the year is not known."""
    try:
        return _DAYS[datetime.date(*date).weekday()]
    except (TypeError, ValueError):
        return None


def _taken(pattern, text, read):
    """(what a pattern finds, the text without it)."""
    found = {read(match) for match in pattern.finditer(text)} - {None}
    return found, pattern.sub(lambda m: " " if read(m) else m[0], text)


def _date(match):
    part = {k[0]: v for k, v in match.groupdict().items() if v is not None}
    month = part["m"].lower()
    if not month.isdigit():
        month = next(n for n, name in enumerate(_MONTHS, 1) if name[:3] == month[:3])
    date = int(part["y"]) if "y" in part else None, int(month), int(part["d"])
    return date if 1 <= date[1] <= 12 and 1 <= date[2] <= 31 else None


def _time(match):
    hour, minute = int(match[1] or match[4]), int(match[2] or match[5] or 0)
    if half := (match[3] or match[6] or "").lower():
        hour = hour % 12 + 12 * (half == "p")
    return f"{hour:02}:{minute:02}"


def _number(match):
    if match["digits"]:
        value = float(re.sub("[ ,]", "", match["digits"]))
        return int(value) if value.is_integer() else value
    if match["tens"]:
        return _WORDS[match["tens"].lower()] + _WORDS.get(
            (match["unit"] or "").lower(), 0
        )
    word = match["word"].lower()
    return None if word == "one" else _WORDS.get(word, _ORDER.get(word))
