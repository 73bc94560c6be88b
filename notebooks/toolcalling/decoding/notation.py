"""Two notations for one grammar: Lark, as llguidance reads it, and llama.cpp's GBNF.

Both write sequences, `|`, `( )`, `?`, `*` and `{m,n}` alike; here stands what differs.
Of llguidance, names of rules in capitals are matched as one piece, which is fast.
"""

from ..calls import RESERVED

# Every control token's text: written out in letters it would read as the token too.
WORDS = (*RESERVED, *(f"<unused{digit}" for digit in range(10)))
# What str.strip takes away; an argument of nothing else counts as blank.
BLANK = (
    r"\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F"
    r"\u205F\u3000"
)


def quoted(text):
    """Text as a literal of both notations."""
    escaped = (
        f"\\u{ord(c):04X}" if ord(c) < 32 or ord(c) == 127 else c
        for c in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{"".join(escaped)}"'


def times(what, least, most=None):
    """Something repeated least to most times; most None: without an end."""
    if (least, most) == (1, 1):
        return what
    if most is None and least < 2:
        return what + "*+"[least]
    return f"{what}{{{least},{'' if most is None else most}}}"


class Lark:
    """Control tokens are tokens here, and no text can be one."""

    start, defines = "start", ": "
    header = "%llguidance {}"

    def token(self, name):
        return name

    def chars(self, inside):
        """One character of a class."""
        return f"/[{inside}]/"

    def text_rules(self):
        """Rules of TEXT, any text but an empty one, and FILLED, that is not blank."""
        anything = "(?s:.*)"
        words = "|".join(word.replace("[", r"\[").replace("]", r"\]") for word in WORDS)
        return {
            "TEXT": f"/(?s:.+)/ & ~/{anything}({words}){anything}/",
            "FILLED": f"TEXT & /{anything}[^{BLANK}]{anything}/",
        }

    def limited(self, least, most, filled):
        """A text of so many characters."""
        return f"{'FILLED' if filled else 'TEXT'} & /{times('(?s:.)', least, most)}/"

    def reply(self, text, calls):
        """The whole reply: text, calls or text before calls, and what ends the turn."""
        ends = f"{text}? <end_of_turn>"
        return f"{ends} | {text}? {calls} <start_function_response>" if calls else ends


class Gbnf:
    """Control tokens are matched by their text, of which strings hold none.

    llama.cpp ends a reply itself: a token that ends generation is allowed where the
    grammar is through.
    """

    start, defines = "root", " ::= "
    header = ""

    def token(self, name):
        return quoted(name)

    def chars(self, inside):
        return f"[{inside}]"

    def text_rules(self):
        """As Lark's, without its negation: a rule for each beginning of a control token.

        It says how a text goes on behind that beginning without making the token.
        """
        begun = {word[:n] for word in WORDS for n in range(1, len(word))}
        names = {prefix: f"T{n}" for n, prefix in enumerate(sorted(begun), 1)}
        first = sorted(prefix for prefix in begun if len(prefix) == 1)
        named = {c: names[c] for c in first}  # no token holds these further in

        def behind(prefix, without=""):
            """What may follow, as alternatives."""
            after = {w[len(prefix)] for w in WORDS if w.startswith(prefix) and prefix}
            more = {c: names[prefix + c] for c in sorted(after) if prefix + c in names}
            other = _inside(sorted(after | set(first))) + without
            steps = [f"{quoted(c)} {name}" for c, name in {**named, **more}.items()]
            return " | ".join([f"[^{other}] T0", *steps])

        return {
            "TEXT": behind(""),
            "FILLED": f"[{BLANK}]* ({behind('', BLANK)})",
            "T0": f"({behind('')})?",
            **{name: f"({behind(prefix)})?" for prefix, name in names.items()},
        }

    def limited(self, least, most, filled):
        """Narrower than Lark's: no < or [, and no blank in front where it is filled."""
        other = f"[^{_inside('<[')}]"
        if not filled:
            return times(other, least, most)
        first = f"[^{_inside('<[')}{BLANK}]"
        if most == 1:
            return first
        rest = times(other, max(least - 1, 0), None if most is None else most - 1)
        return f"{first} {rest}"

    def reply(self, text, calls):
        response = quoted("<start_function_response>")
        return f"{text}? ({calls} {response}?)?" if calls else f"{text}?"


def _inside(characters):
    """Characters as they stand in a class."""
    return "".join("\\" + c if c in r"\[]" else c for c in characters)
