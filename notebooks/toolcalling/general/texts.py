"""Values that are texts: free ones, names, codes and choices."""

import re

from .declared import Declared
from .grammar import expand, pools


def bare(text):
    """A thing without the article that people say before it: "the Puffin"."""
    return re.sub("^(the|an?) ", "", text)


def _text(grammar, draw):
    change, note = draw.choices(
        (lambda t: t, lambda t: re.sub(r"[^a-z0-9]+", "-", t.lower().replace("'", "")).strip("-"),
         str.upper),
        (93, 4, 3),
    )[0], ""  # fmt: skip
    if max(len(expand(grammar, draw).split()) for _ in range(4)) > 2:
        return _words(grammar, draw)  # nobody wants a sentence in such a form
    if change("A b") != "A b":
        note = {
            "a-b": draw.choice(("lower case, words joined by hyphens", "as-a-slug")),
            "A B": draw.choice(("in capital letters", "UPPER CASE")),
        }[change("A b")]
    return Declared(
        {"type": "string"},
        note,
        lambda draw, today: expand(grammar, draw),
        lambda raw, *_: raw,
        lambda raw: change(bare(raw)),
    )


def _words(grammar, draw):
    return Declared(
        {"type": "string"},
        "",
        lambda draw, today: expand(grammar, draw),
        lambda raw, *_: raw,
        bare,
    )


def _person(_, draw):
    turned = draw.random() < 0.18

    def write(raw):
        first, _, last = raw.partition(" ")
        return f"{last}, {first}" if turned else raw

    note = draw.choice(("as Surname, First name", "surname first: Surname, First name"))
    return Declared(
        {"type": "string"},
        note if turned else "",
        lambda draw, today: expand("{first} {surname}", draw),
        lambda raw, *_: raw,
        write,
    )


def _place(_, draw):
    form = draw.choices(("city", "country", "code"), (50, 38, 12))[0]
    note = {
        "city": "",
        "country": draw.choice(("as City, Country", 'in the form "City, Country"')),
        "code": "as City, then the country's two letters, as in Oslo, NO",
    }[form]

    def say(raw, draw, *_):
        city, country, _ = raw
        if form == "city" or draw.random() < 0.4:
            return city
        return draw.choice((f"{city}, {country}", f"{city} in {country}"))

    def write(raw):
        city, country, code = raw
        return {"city": city, "country": f"{city}, {country}"}.get(
            form, f"{city}, {code}"
        )

    return Declared({"type": "string"}, note, _entry("city"), say, write)


def _entry(pool):
    """Draws one entry of a pool, cut at its commas."""
    return lambda draw, today: tuple(
        part.strip() for part in draw.choice(pools()[pool]).split(",")
    )


def _coded(pool, note, codes_only=False):
    """Things that have a code: "Finnish" in a message, "fi" or "Finnish" in a call."""

    def kind(_, draw):
        coded = codes_only or draw.random() < 0.5
        return Declared(
            {"type": "string"},
            draw.choice(note) if coded else "",
            _entry(pool),
            lambda raw, *_: raw[0],
            lambda raw: raw[1] if coded else raw[0],
        )

    return kind


def _code(pattern, draw):
    prefixed = re.fullmatch(r"([A-Z]+-?)(#+)", pattern)
    told = bool(prefixed) and draw.random() < 0.25

    def pick(draw, today):
        digits = "".join(
            {"#": "123456789"[draw.randrange(9)], "@": "ABCDEFGHKLMNPRSTVWX"[draw.randrange(19)]}
            .get(mark, mark)
            for mark in pattern
        )  # fmt: skip
        return digits

    example = pattern.replace("#", "4").replace("@", "K")
    note = ""
    if told:
        note = draw.choice(
            (f"as in {example}", f"{prefixed[1]} and the number, as in {example}")
        )
    elif draw.random() < 0.3:
        note = f"as in {example}"
    return Declared(
        {"type": "string"},
        note,
        pick,
        lambda raw, *_: raw[len(prefixed[1]) :] if told else raw,
        lambda raw: raw,
    )


def _enum(text, draw):
    options = [option.partition("=") for option in text.split(";")]
    said = {
        value.strip(): [w.strip() for w in words.split("/") if w.strip()]
        or [value.strip().replace("_", " ")]
        for value, _, words in options
    }
    upper = draw.random() < 0.15
    shown = [value.upper() if upper else value for value in said]
    draw.shuffle(shown)
    return Declared(
        {"type": "string", "enum": shown},
        "",
        lambda draw, today: draw.choice(tuple(said)),
        lambda raw, draw, *_: draw.choice(said[raw]),
        lambda raw: raw.upper() if upper else raw,
    )


def _bool(text, draw):
    yes, _, no = text.partition(";")
    words = {True: yes.split("/"), False: no.split("/")}
    return Declared(
        {"type": "boolean"},
        "",
        # Whoever says nothing means no, so most of those who say something mean yes.
        lambda draw, today: not no or draw.random() < 0.7,
        lambda raw, draw, *_: draw.choice(words[raw]).strip(),
        lambda raw: raw,
    )


KINDS = {
    "text": _text, "words": _words, "person": _person, "place": _place,
    "code": _code, "enum": _enum, "bool": _bool,
    "lang": _coded("language", ("two-letter ISO 639-1 code", "ISO 639-1 code, as in en")),
    "currency": _coded("currency", ("three-letter ISO 4217 code", "as in CHF"), True),
    "country": _coded("country", ("two-letter ISO 3166 code", "ISO country code, as in NO")),
}  # fmt: skip
