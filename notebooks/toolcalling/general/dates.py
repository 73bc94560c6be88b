"""Days and times of day: in words, and in the formats that a description can ask for.

Imports nothing of ours. Month names are written out here: strftime's depend on the
machine's language.
"""

import datetime

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
    "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip


def number_word(number):
    """A whole number up to 20 in words, a larger one in digits."""
    return _SMALL[number] if 0 <= number <= 20 else str(number)


# What a description says of the format, and how it is written.
DATE_FORMATS = (
    (
        ("as YYYY-MM-DD", "YYYY-MM-DD", "ISO 8601 date"),
        lambda d: d.isoformat(),
    ),
    (("as DD/MM/YYYY", "in the format DD/MM/YYYY"), lambda d: f"{d:%d/%m/%Y}"),
    (("as DD.MM.YYYY", "DD.MM.YYYY"), lambda d: f"{d:%d.%m.%Y}"),
    (("as MM/DD/YYYY", "month first: MM/DD/YYYY"), lambda d: f"{d:%m/%d/%Y}"),
    (("as YYYYMMDD", "eight digits, YYYYMMDD"), lambda d: f"{d:%Y%m%d}"),
    (
        ("written out, as in 3 May 2031", "day, month and year, as in 3 May 2031"),
        lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
    ),
)
DATE_WEIGHTS = (60, 10, 8, 7, 5, 10)

TIME_FORMATS = (
    (("as HH:MM, 24 hours", "HH:MM", "24-hour clock, HH:MM"), lambda m: _clock(m)),
    (("as in 3:30 PM", "12-hour clock with AM or PM"), lambda m: _twelve(m, " AM")),
    (("four digits, as in 1530", "as HHMM"), lambda m: _clock(m).replace(":", "")),
)
TIME_WEIGHTS = (76, 14, 10)


def _clock(minutes):
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _twelve(minutes, mark, plain=False):
    hour, rest = divmod(minutes, 60)
    mark = mark if hour < 12 else mark.replace("a", "p").replace("A", "P")
    face = f"{(hour + 11) % 12 + 1}"
    return f"{face}{mark}" if plain and not rest else f"{face}:{rest:02d}{mark}"


def ordinal(number):
    """1st, 2nd, ..."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def say_date(day, draw, today, preposition=False):
    """A date in words, with "on" before it where asked and needed.

    today: a date that the conversation states, or None: then the year is always
    said, and nothing is relative.
    """
    on = "on " if preposition else ""
    if today and draw.random() < 0.5 and (near := _relative(day, draw, today, on)):
        return near
    month, short = MONTHS[day.month - 1], MONTHS[day.month - 1][:3]
    if today and day.year == today.year and draw.random() < 0.6:
        return on + draw.choice(
            (
                f"{day.day} {month}", f"{month} {day.day}",
                f"{month} {ordinal(day.day)}", f"the {ordinal(day.day)} of {month}",
                f"{day.day} {short}",
            )
        )  # fmt: skip
    forms = [
        f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}",
        f"the {ordinal(day.day)} of {month} {day.year}", f"{day.day} {short} {day.year}",
        f"{month} {ordinal(day.day)}, {day.year}", day.isoformat(),
    ]  # fmt: skip
    if day.day > 12:  # which of two small numbers is the month nobody could tell
        forms.append(f"{day.day}/{day.month}/{day.year}")
    return on + draw.choice(forms)


def _relative(day, draw, today, on):
    apart, name = (day - today).days, WEEKDAYS[day.weekday()]
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if apart in near:
        return near[apart]
    if 2 <= apart <= 6:
        return draw.choice((f"{on}{name}", f"this coming {name}"))
    if -6 <= apart <= -2:
        return draw.choice((f"last {name}", f"{number_word(-apart)} days ago"))
    if 7 <= apart <= 20 and on:
        return f"in {number_word(apart)} days"
    return f"{number_word(-apart)} days ago" if -20 <= apart <= -7 and on else None


def say_time(minutes, draw):
    """Minutes since midnight as a time of day in words."""
    hour, rest = divmod(minutes, 60)
    forms = [_clock(minutes), _clock(minutes), _twelve(minutes, " am", plain=True)]
    forms.append(_twelve(minutes, "am", plain=True))
    if minutes == 720:
        forms += ["noon", "noon"]
    part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    if rest in (0, 15, 30, 45) and 6 <= hour < 23:
        face = number_word((hour + 11) % 12 + 1)
        following = number_word(hour % 12 + 1)
        forms.append(
            {0: face, 15: f"quarter past {face}", 30: f"half past {face}"}.get(
                rest, f"quarter to {following}"
            )
            # At a quarter to twelve it is still morning, to one already afternoon.
            + f" in the {part}"
        )
    return draw.choice(forms)


def say_minutes(minutes, draw):
    """A duration in words."""
    hours, rest = divmod(minutes, 60)
    forms = [f"{minutes} minutes"]
    if minutes < 120:
        forms += [f"{minutes} min"]
    if minutes <= 20:
        forms += [f"{number_word(minutes)} minutes"]
    if minutes == 15:
        forms += ["a quarter of an hour"]
    if minutes == 30:
        forms += ["half an hour", "half an hour"]
    if hours:
        count = "an hour" if hours == 1 else f"{number_word(hours)} hours"
        if not rest:
            forms = [count, f"{hours} h" if hours > 1 else "one hour"]
        elif rest == 30:
            half = "an hour and a half" if hours == 1 else None
            forms += [half or f"{number_word(hours)} and a half hours"]
        else:
            forms += [f"{count} and {rest} minutes", f"{hours} h {rest} min"]
    return draw.choice(forms)


def pick_date(draw, today, when=""):
    """A day within nine months after today, or "past": before it. "birth": years ago."""
    if when == "birth":
        return today - datetime.timedelta(draw.randint(2000, 30000))
    apart = draw.choice((draw.randint(1, 6), draw.randint(2, 20), draw.randint(1, 270)))
    return today + datetime.timedelta(-apart if when == "past" else apart)


def say_today(day, draw):
    """A line of a developer message that tells the day."""
    name, month = WEEKDAYS[day.weekday()], MONTHS[day.month - 1]
    return draw.choice(
        (
            f"Today is {name}, {day.day} {month} {day.year}.",
            f"Date: {day.isoformat()}, a {name}.",
            f"It is {name}, {month} {day.day}, {day.year}.",
            f"Today's date: {day.isoformat()} ({name})",
        )
    )
