"""What a loop did, step by step, as objects that a program can read."""

from dataclasses import asdict, dataclass

from ..calls import neutralise

KINDS = ("ran", "failed", "refused", "repeated", "malformed", "answer", "unsure")
STOPS = ("answer", "rounds", "malformed", "silent", "unsure")


@dataclass(frozen=True)
class Step:
    """One thing that happened.

    round: from 1. kind: one of KINDS. reply: what the model wrote, whole. name,
    arguments: of the call, or the tool that was ahead where it was unsure. response:
    what the model was shown for it. why: for a reader, of what failed, was refused or
    unsure; the model does not see it.
    """

    round: int
    kind: str
    reply: str
    name: str | None = None
    arguments: dict | None = None
    response: dict | None = None
    why: str | None = None


@dataclass(frozen=True)
class Outcome:
    """answer: text for the user, "" for none. worded_by: "model", "code" or None.

    stopped: one of STOPS. steps: every Step in order. conversation: {"prompt",
    "tools"} with all messages, the answer too.
    """

    answer: str
    worded_by: str | None
    stopped: str
    steps: tuple
    conversation: dict

    def __str__(self):
        by_code = " (put into words by code)" if self.worded_by == "code" else ""
        return self.answer + by_code

    @property
    def ran(self):
        """The steps of calls that ran."""
        return [step for step in self.steps if step.kind == "ran"]

    @property
    def responses(self):
        """What the model was shown for its calls, in order."""
        return [step.response for step in self.steps if step.response is not None]

    def record(self):
        """All of it as a JSON value."""
        return asdict(self)

    def then(self, text):
        """The conversation with a further message of the user, to ask again."""
        asked = {"role": "user", "content": neutralise(text)}
        return {**self.conversation, "prompt": [*self.conversation["prompt"], asked]}


def plain_words(steps):
    """Tools' responses put into words by code, a line a call."""

    def said(value):
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, dict):
            return ", ".join(
                f"{k.replace('_', ' ')} {said(v)}" for k, v in value.items()
            )
        if isinstance(value, list):
            return " and ".join(map(said, value)) or "none"
        return str(value)

    return "\n".join(
        f"{step.name.replace('_', ' ')}: {said(step.response)}." for step in steps
    )
