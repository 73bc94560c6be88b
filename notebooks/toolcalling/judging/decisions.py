"""Call, no call or unsure: a decision by the model's own probabilities, and its line.

    line = choose_line(decide(model, tokenizer, dev, hardware), due, leak=task.leak)
    save_line(line, folder)
    decide(model, tokenizer, [task.ask("Who is on call?")], hardware, line)[0].verdict

In the field's words: a decision threshold with a reject option (Chow, 1970), chosen by
the Neyman-Pearson rule, and an additive adjustment of the logits between the tools.
"""

import math
from dataclasses import asdict, dataclass, field
from numbers import Real
from pathlib import Path

from .. import models
from ..workspace import save_json

VERDICTS = ("call", "no call", "unsure")
# Sequences in a forward pass, one for each message and tool: each has scores of the
# whole vocabulary behind it, so that eighty of them would take 8 GB.
SEQUENCES = 20


@dataclass(frozen=True)
class Decision:
    """What to do with one message.

    call: probability that the reply begins with a call. tools: {name: probability that
    it begins with a call of that tool}, at most `call` together. tool: the one ahead,
    the line's margins counted. verdict: one of VERDICTS.
    """

    call: float
    tools: dict
    tool: str
    verdict: str


@dataclass(frozen=True)
class CallLine:
    """Where calls begin. ValueError for values that can be no line.

    high: from this probability of a call on, a call is made. low: below it none is
    made, and between the two the verdict is "unsure"; None: no such band. margins:
    {tool: nats by which it must be ahead of the others}, for a tool whose needless
    call costs more than another's.
    """

    high: float
    low: float | None = None
    margins: dict = field(default_factory=dict)

    def __post_init__(self):
        for line in (self.high, self.bottom):
            if not (isinstance(line, Real) and 0 < line < 1):
                raise ValueError(
                    f"A call line is a probability above 0 and below 1, not {line!r}. "
                    "Take 0.9, or let choose_line find one on dev rows."
                )
        if self.bottom > self.high:
            raise ValueError(
                f"low, {self.low}, lies above high, {self.high}: swap them."
            )
        for name, nats in self.margins.items():
            if not (isinstance(nats, Real) and 0 <= nats < math.inf):
                raise ValueError(
                    f"The margin of {name} is {nats!r}. It is a number of nats, 0 or more."
                )

    @property
    def bottom(self):
        return self.high if self.low is None else self.low

    def decision(self, call, tools):
        """The Decision for these probabilities; see there."""

        def lead(name):  # of two that are equal, the one that has no margin
            margin = self.margins.get(name, 0)
            return _log(tools[name]) - margin, -margin

        sure = call >= self.high or call < self.bottom
        verdict = ("call" if call >= self.high else "no call") if sure else "unsure"
        return Decision(call, tools, max(tools, key=lead), verdict)


def decide(model, tokenizer, conversations, hardware, line=0.5):
    """A Decision per conversation; each is read once for each of its tools.

    conversations: {"prompt": messages, "tools": JSON schemas}, at least one tool each.
    line: a CallLine or its `high`; at 0.5 a call is made where it is the likelier.
    """
    from .forced_choice import forced_choice  # a line needs no torch

    line, groups = as_line(line), {}
    for i, conversation in enumerate(conversations):
        names = tuple(tool["function"]["name"] for tool in conversation["tools"])
        if not names:
            raise ValueError(f"Conversation {i} declares no tool: there is no choice.")
        groups.setdefault(names, []).append(i)
    decisions = [None] * len(conversations)
    for names, indices in groups.items():
        asked = [conversations[i] for i in indices]
        found = forced_choice(
            model, tokenizer, asked, hardware, names,
            batch_size=max(1, SEQUENCES // len(names)),
        )  # fmt: skip
        for i, call, scores in zip(indices, found["call"], found["tools"], strict=True):
            tools = dict(zip(names, map(math.exp, scores), strict=True))
            decisions[i] = line.decision(math.exp(call), tools)
    return decisions


def choose_line(decisions, due, lost=0.0, asked=0.0, leak=None, leaks=0.0):
    """A CallLine from decisions on dev rows.

    The rule: fix the share of wrong decisions that cost most, then bar as many calls
    as that allows. decisions: of decide, whatever its line. due: per row the name of
    the tool due, None for none. Of the rows due a call at most the share `lost` falls
    below the line, and at most `asked` of them into the band where the verdict is
    "unsure". leak: (tool due, tool that must not be called instead), as Task.leak; of
    the rows due the first at most the share `leaks` has the second ahead. Of n rows
    that are like those to come, and a share of 0, one in n + 1 will be wrong all the
    same. ValueError where no row is due a call, or none the leak's first tool.
    """
    if not (lost >= 0 and asked >= 0 and lost + asked < 1 and 0 <= leaks < 1):
        raise ValueError("lost, asked and leaks are shares from 0 to below 1.")
    rows = list(zip(decisions, due, strict=True))
    calls = sorted(d.call for d, name in rows if name is not None)
    if not calls:
        raise ValueError("No dev row is due a call, so no line can be chosen on them.")
    high, low = (
        # Rounded down, so that the row it comes from stays above it.
        min(max(math.floor(calls[int(share * len(calls))] * 1e4), 1), 9999) / 1e4
        for share in (lost + asked, lost)
    )
    margins = {}
    if leak:
        leads = sorted(lead(d, leak) for d, name in rows if name == leak[0])
        if not leads:
            raise ValueError(f"No dev row is due {leak[0]}: leave leak out.")
        # Rounded up: the row it comes from must not be a tie.
        nats = (math.floor(-leads[int(leaks * len(leads))] * 100) + 1) / 100
        margins = {leak[1]: max(nats, 0.0)}
    return CallLine(high, low if asked else None, margins)


def lead(decision, pair):
    """Nats by which the first tool of a pair is likelier than the second."""
    one, other = (_log(decision.tools[name]) for name in pair)
    return one - other


def as_line(line):
    """A CallLine, of one or of its `high`."""
    return line if isinstance(line, CallLine) else CallLine(line)


def save_line(line, folder):
    """Keep a line beside a model that models.save_model wrote."""
    noted = models.made_from(folder) | {"call_line": asdict(as_line(line))}
    save_json(Path(folder) / "toolcalling.json", noted)


def saved_line(source):
    """The CallLine kept beside a saved model, None where there is none.

    source: its folder, or the Hub id that it was pushed to. RuntimeError as
    models.made_from.
    """
    noted = models.made_from(source).get("call_line")
    return CallLine(**noted) if noted else None


def _log(probability):
    return math.log(max(probability, 5e-324))  # an underflow is no error
