"""How tools, parameters and fields of a response are called. Imports nothing of ours."""

import re

STYLES = ("snake", "camel", "pascal", "dotted", "kebab")
_WEIGHTS = (52, 20, 8, 16, 4)
_EMPTY_TOOLS = ("fn", "tool", "func", "action", "op", "endpoint", "f", "service")
_EMPTY_PARAMETERS = ("arg", "p", "param", "x", "value", "field", "v")
# The chat template shows no parameter of these names.
_SWALLOWED = {"description", "type", "properties", "required", "nullable"}


class Names:
    """One set's way of naming.

    draw: a random.Random. empty: the chance that names tell nothing (fn_3, arg_b).
    """

    def __init__(self, draw, empty=0.0):
        self.draw = draw
        self.style = draw.choices(STYLES, _WEIGHTS)[0]
        self.empty_tools = draw.random() < empty
        self.empty_parameters = draw.random() < (0.5 if self.empty_tools else empty)
        self._tool = draw.choice(_EMPTY_TOOLS)
        self._parameter = draw.choice(_EMPTY_PARAMETERS)
        self._letters = draw.random() < 0.5
        self._numbers = draw.sample(range(1, 60), 40)
        self._taken = set()

    def tool(self, words, field):
        """A name of its own in this set. words: names in snake case; field: a word."""
        if self.empty_tools:
            return self._count(self._tool)
        start = 0 if self.draw.random() < 0.5 else self.draw.randrange(len(words))
        for word in (*words[start:], *words[:start]):
            name = self._styled_tool(word, field)
            if name not in self._taken:
                break
        else:
            name = f"{name}_2"
        self._taken.add(name)
        return name

    def _count(self, stem):
        number = self._numbers.pop()
        if self.style in ("camel", "pascal"):
            return f"{stem}{number}"
        return f"{stem}_{number}"

    def _styled_tool(self, word, field):
        if self.style == "dotted":
            return f"{field}.{word}"
        return styled(word, self.style)

    def parameters(self, named):
        """{key: shown name} for {key: its names in snake case}, each name once."""
        shown = {}
        order = self.draw.sample(range(26), 26)
        for key, words in named.items():
            if self.empty_parameters:
                mark = chr(97 + order.pop()) if self._letters else order.pop() + 1
                shown[key] = f"{self._parameter}_{mark}"
                continue
            free = [styled(w, self.style) for w in words if w not in _SWALLOWED]
            free = [w for w in free if w not in shown.values()]
            first = self.draw.random() < 0.45
            shown[key] = free[0] if first else self.draw.choice(free)
        return shown

    def field(self, word):
        """A field of a response in this set's style."""
        return styled(word, self.style)


def styled(word, style):
    """A name in snake case in another style; dotted stays snake."""
    if style == "camel":
        return re.sub(r"_(\w)", lambda m: m[1].upper(), word)
    if style == "pascal":
        return "".join(part[:1].upper() + part[1:] for part in word.split("_"))
    if style == "kebab":
        return word.replace("_", "-")
    return word
