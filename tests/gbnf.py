"""llama.cpp's GBNF, read and matched as its guide describes it: for the tests."""

import re

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_REPEAT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_ESCAPE = re.compile(
    r'\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([tnr\\"\[\]]))'
)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}


class Gbnf:
    """ValueError where the text is no grammar: syntax, unknown rules, left recursion."""

    def __init__(self, text):
        self.text, self.at, self.rules, self.made = text, 0, {}, 0
        while self._space(lines=True) < len(text):
            name = self._match(_NAME)
            self._space()
            self._take("::=")
            if name in self.rules:
                raise ValueError(f"{name} is defined twice")
            self.rules[name] = self._alternatives(nested=False)
            if self.at < len(text):
                self._take("\n")
        self._check()
        self._behind = {}

    def accepts(self, text):
        """Does the grammar match the whole text?"""
        states = self._closure((("rule", "root"), None))
        for character in text:
            code, after = ord(character), set()
            for item, rest in states - {None}:
                if any(low <= code <= high for low, high in item[2]) != item[1]:
                    after |= self._closure(rest)
            states = after
        return None in states

    def _closure(self, stack):
        """What may come next: stacks with a character on top; None at the end."""
        if stack is None or stack[0][0] == "char":
            return {stack}
        if stack not in self._behind:
            found = set()
            for items in self.rules[stack[0][1]]:
                below = stack[1]
                for item in reversed(items):
                    below = (item, below)
                found |= self._closure(below)
            self._behind[stack] = found
        return self._behind[stack]

    def _check(self):
        used = {"root"} | {
            item[1]
            for alternatives in self.rules.values()
            for items in alternatives
            for item in items
            if item[0] == "rule"
        }
        if missing := used - self.rules.keys():
            raise ValueError(f"no rule {missing}")
        empty, before = set(), None
        while empty != before:
            before = set(empty)
            for name, alternatives in self.rules.items():
                if any(all(i[1] in empty for i in items) for items in alternatives):
                    empty.add(name)
        first = {name: set() for name in self.rules}  # rules that it can begin with
        for name, alternatives in self.rules.items():
            for items in alternatives:
                for kind, inner, *_ in items:
                    if kind == "rule":
                        first[name].add(inner)
                    if inner not in empty:
                        break
        for name in first:
            seen, todo = set(), [*first[name]]
            while todo:
                if (inner := todo.pop()) == name:
                    raise ValueError(f"{name} is left recursive")
                if inner not in seen:
                    seen.add(inner)
                    todo += first[inner]

    def _alternatives(self, nested):
        found = [self._sequence(nested)]
        while self.text.startswith("|", self.at):
            self.at += 1
            self._space(lines=True)
            found.append(self._sequence(nested))
        return found

    def _sequence(self, nested):
        items = []
        while (
            self._space(lines=nested) < len(self.text)
            and self.text[self.at] not in "|)\n"
        ):
            items += self._repeated(self._one())
        return items

    def _one(self):
        opened = self.text[self.at]
        if opened == '"':
            return self._literal()
        if opened == "[":
            return [self._class()]
        if opened == "(":
            self.at += 1
            inner = self._alternatives(nested=True)
            self._take(")")
            return [self._rule(inner)]
        return [("rule", self._match(_NAME))]

    def _repeated(self, what):
        """What was read last, with the operator behind it. Of a literal, all of it."""
        sign = self.text[self.at : self.at + 1]
        if sign in ("?", "*", "+") and sign:
            self.at += 1
            least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[sign]
        elif sign == "{":
            match = _REPEAT.match(self.text, self.at)
            if not match:
                raise ValueError(f"no repetition at {self.at}")
            self.at, least = match.end(), int(match[1])
            most = (int(match[3]) if match[3] else None) if match[2] else least
            if most is not None and most < least:
                raise ValueError(f"repeated {least} to {most} times")
        else:
            return what
        if most is None:
            tail = self._rule([[], []])
            self.rules[tail[1]][1] = [*what, tail]
            return what * least + [tail]
        rest = []
        for _ in range(most - least):
            rest = [self._rule([[], [*what, *rest]])]
        return what * least + rest

    def _rule(self, alternatives):
        self.made += 1
        self.rules[f"({self.made})"] = alternatives
        return ("rule", f"({self.made})")

    def _literal(self):
        self.at, items = self.at + 1, []
        while not self.text.startswith('"', self.at):
            code = self._character()
            items.append(("char", False, ((code, code),)))
        self.at += 1
        return items

    def _class(self):
        self.at += 1
        negated = self.text.startswith("^", self.at)
        self.at, ranges = self.at + negated, []
        while not self.text.startswith("]", self.at):
            low = high = self._character()
            if self.text.startswith("-", self.at) and self.text[self.at + 1] != "]":
                self.at += 1
                high = self._character()
            ranges.append((low, high))
        self.at += 1
        return ("char", negated, tuple(ranges))

    def _character(self):
        if self.at >= len(self.text) or self.text[self.at] == "\n":
            raise ValueError("a literal or class is not closed")
        if self.text[self.at] != "\\":
            self.at += 1
            return ord(self.text[self.at - 1])
        match = _ESCAPE.match(self.text, self.at)
        if not match:
            raise ValueError(f"unknown escape {self.text[self.at : self.at + 3]!r}")
        self.at = match.end()
        code = match[1] or match[2] or match[3]
        return int(code, 16) if code else ord(_LETTERS.get(match[4], match[4]))

    def _match(self, pattern):
        match = pattern.match(self.text, self.at)
        if not match:
            raise ValueError(f"no name at {self.text[self.at : self.at + 20]!r}")
        self.at = match.end()
        return match[0]

    def _take(self, text):
        if not self.text.startswith(text, self.at):
            raise ValueError(f"{text!r} is missing at {self.text[self.at :][:20]!r}")
        self.at += len(text)

    def _space(self, lines=False):
        while self.text[self.at : self.at + 1] in (
            (" ", "\t", "\n") if lines else (" ", "\t")
        ):
            self.at += 1
        return self.at
