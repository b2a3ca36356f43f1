"""What a benchmark is made of: cells, and the goals for them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Found: TypeAlias = Mapping[str, float]
"""What one round of a cell found, by what it is of: a contestant, or what was measured."""


@dataclass(frozen=True)
class Goal:
    """What `of` is to be at the most (or at the least): a number, or, with `over`, a ratio to that one.

    Without a `bound` the ratio is only told.
    """

    of: str
    bound: float | None
    over: str | None = None
    at_least: bool = False


@dataclass(frozen=True)
class Cell:
    """A kind of work; `measure` measures all its contestants once, in `unit`, which takes `rounds` of it."""

    name: str
    about: str
    unit: str
    measure: Callable[[], Awaitable[Found]]
    goals: Sequence[Goal]
    rounds: int = 5
