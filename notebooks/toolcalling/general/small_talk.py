"""Messages that need no tool, and words for them: small_talk.txt, and some that count.

What is known by heart stands here in pairs; sums and the like are worked out.
"""

import re
from functools import cache

from . import catalogue
from .declarations import show
from .grammar import FOLDER, expand, pools
from .messages import compose, dressed
from .names import Names
from .replies import ability
from .tool_sets import draw_day
from .values import and_list

# What a slot asks about, and the answer to it.
_KNOWN = {
    "capital": (
        ("Portugal", "Lisbon"), ("Norway", "Oslo"), ("Peru", "Lima"), ("Kenya", "Nairobi"),
        ("Poland", "Warsaw"), ("Austria", "Vienna"), ("Egypt", "Cairo"),
        ("Finland", "Helsinki"), ("Ireland", "Dublin"), ("Greece", "Athens"),
        ("Hungary", "Budapest"), ("Sweden", "Stockholm"), ("Cuba", "Havana"),
        ("Thailand", "Bangkok"), ("Ghana", "Accra"), ("Latvia", "Riga"),
    ),
    "span": (
        ("days", "a leap year", "366 days."), ("months", "two years", "24 months."),
        ("weeks", "a year", "About 52 weeks."), ("hours", "two days", "48 hours."),
        ("minutes", "three hours", "180 minutes."), ("days", "four weeks", "28 days."),
        ("hours", "a week", "168 hours."), ("months", "half a year", "6 months."),
        ("minutes", "a day", "1,440 minutes."), ("days", "June", "30 days."),
    ),
    "crier": (
        ("a sheep", "It bleats."), ("a frog", "It croaks."), ("a horse", "It neighs."),
        ("an owl", "It hoots."), ("a snake", "It hisses."), ("a bee", "It hums."),
        ("a wolf", "It howls."), ("a duck", "It quacks."), ("a pig", "It grunts."),
        ("a lion", "It roars."), ("a donkey", "It brays."), ("a crow", "It caws."),
    ),
    "mix": (
        ("red and yellow", "Orange."), ("blue and yellow", "Green."),
        ("red and blue", "Purple."), ("black and white", "Grey."),
        ("red and white", "Pink."),
    ),
    "spell": (
        ("neccessary", "It is spelt \"necessary\"."), ("recieve", 'It is "receive".'),
        ("seperate", 'It is "separate".'), ("definately", 'It is "definitely".'),
        ("accomodate", 'With two m: "accommodate".'), ("wierd", 'It is "weird".'),
        ("rythm", 'It is "rhythm".'), ("calender", 'It is "calendar".'),
        ("embarass", 'With two r: "embarrass".'), ("untill", 'With one l: "until".'),
    ),
}  # fmt: skip


# Sections of small_talk.txt that a search would be for, where there is one.
_FACTS = ("# Things one simply knows.", "# Advice in a sentence.")
_SEARCHES = ("finder.look_everywhere", "finder.search_net")


@cache
def lines(facts=True):
    """((message, reply), ...) of small_talk.txt, as grammar texts.

    facts: also what one could look up, were there a search.
    """
    found, section = [], ""
    for line in (FOLDER / "small_talk.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            section = line
        elif line.strip() and (facts or section not in _FACTS):
            message, _, reply = line.partition(" => ")
            found.append((message.strip(), reply.strip()))
    return tuple(found)


def talk(draw, shown):
    """(message, reply). shown: the tools declared, for what the assistant can do."""
    way = draw.random()
    if way < 0.12:
        return _about_tools(draw, shown)
    if way < 0.24:
        return _about_a_field(draw, shown)
    if way < 0.30:
        return _quoted(draw)
    if way < 0.42:
        return draw.choice((_sum, _sum, _letters, _order, _longest, _price))(draw)
    searches = any(
        one.tool.key in _SEARCHES or one.tool.field == "houses" for one in shown
    )
    message, reply = draw.choice(lines(facts=not searches))
    given = {}
    for key, pairs in _KNOWN.items():
        slot = f"{{{key}!}}"
        if slot not in reply:
            continue
        *asked, answer = draw.choice(pairs)
        if key == "span":
            message = message.replace("(days|months|weeks|hours|minutes)", asked[0])
        return (
            _tidy(expand(message, draw, {f"{key}1": asked[-1], key: asked[-1]})),
            answer if answer.endswith(".") else f"{answer}.",
        )
    said = expand(message, draw, given)
    return _tidy(said), _tidy(expand(reply, draw, given))


def _tidy(text):
    """With capitals at the beginnings of sentences."""
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda m: m[0].upper(), text)


def _about_a_field(draw, shown):
    """Talk about what a tool is about, that asks for no tool."""
    field = draw.choice([one.tool.field for one in shown])
    if f"about_{field}" not in pools():
        return _quoted(draw)
    message, _, reply = draw.choice(pools()["about_talk"]).partition(" => ")
    given = {"about": expand(f"{{about_{field}}}", draw)}
    return _tidy(expand(message, draw, given)), expand(reply, draw)


def _quoted(draw, shown=None):
    """A request as a text to work on: it isn't meant."""
    tool = draw.choice([t for t in catalogue.tools() if t.parameters])
    naming = Names(draw)
    text = dressed(compose(show(tool, naming, draw), draw, draw_day(draw)), draw)
    way, message = draw.choice(_WORK)
    return expand(message, draw, {"text": text}), way(text)


# What to do with a text, and how people ask for it.
_WORK = (
    (str.upper, "(Write|Put) this in capital letters: {text}"),
    (str.upper, "(All|Only) capitals, please: {text}"),
    (lambda text: f"\"{text}\"", "(Put this|I need this) in quotation marks: {text}"),
    (lambda text: text.split()[0].strip(",.:;"),
     "(What is|Give me) the first word of this: {text}"),
    (lambda text: text.split()[-1].strip(",.:;?!"),
     "(What is|Tell me) the last word in the following: {text}"),
)  # fmt: skip


def _about_tools(draw, shown):
    message = expand("{what_can_you}", draw)
    every = list(dict.fromkeys(ability(one.tool) for one in shown))
    able = draw.sample(every, min(len(every), draw.choice((2, 3, 3))))
    if len(able) == len(every):
        return message, f"I can {and_list(able)}."
    return message, expand(
        "(Among other things I can|For example, I can|I can, for instance,) {able}.",
        draw,
        {"able": and_list(able)},
    )


def _sum(draw):
    a, b = draw.randint(2, 99), draw.randint(2, 19)
    sign, result = draw.choice(
        (("plus", a + b), ("minus", a - b), ("times", a * b), ("plus", a + b))
    )
    words = draw.choice((f"{a} {sign} {b}", f"{a} {sign} {b}"))
    message = expand("{sum_frame}", draw, {"sum": words})
    return _tidy(message), draw.choice(
        (f"{result}.", f"That is {result}.", str(result))
    )


def _letters(draw):
    word = expand("({thing}|{animal}|{instrument}|{event})", draw)
    letters = sum(letter.isalpha() for letter in word)
    message = expand("{letters_frame}", draw, {"word": word})
    return _tidy(message), f"It has {letters} letters."


def _order(draw):
    names = []
    while len(names) < 4:
        name = expand("{first}", draw)
        if name not in names:
            names.append(name)
    message = expand("{order_frame}", draw, {"names": ", ".join(names)})
    return _tidy(message), f"{', '.join(sorted(names))}."


def _longest(draw):
    words = []
    while len(words) < 3:
        word = expand("({thing}|{hobby})", draw)
        if " " not in word and len(word) not in map(len, words):
            words.append(word)
    message = expand("{longest_frame}", draw, {"words": ", ".join(words)})
    return _tidy(message), f"{max(words, key=len).capitalize()}."


def _price(draw):
    each, count = draw.randint(2, 25), draw.randint(2, 12)
    thing = expand("{thing}", draw)
    given = {"each": str(each), "count": str(count), "thing": thing}
    return _tidy(expand("{price_frame}", draw, given)), f"{each * count} euros."
