"""What one parameter can hold, as one tool set declares it. Imports nothing of ours."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Declared:
    """One parameter's values in one tool set.

    schema: JSON schema without description. note: what the description has to add.
    pick(draw, today) -> raw. say(raw, draw, today, on) -> words; on: a preposition
    is wanted. write(raw) -> the value in a call.
    """

    schema: dict
    note: str
    pick: Callable
    say: Callable
    write: Callable
