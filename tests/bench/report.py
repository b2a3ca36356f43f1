"""The results of a benchmark: a table with goal and result side by side, and a JSON of all that was measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.cell import Cell, Found, Goal

RESULTS = Path(__file__).parents[2] / "build" / "bench.json"


@dataclass(frozen=True)
class Result:
    """What the rounds of a cell found."""

    cell: Cell
    rounds: Sequence[Found]

    def values(self, of: str, over: str | None = None) -> list[float]:
        """Return what each round found of one, or its ratio to another one of that round."""
        return [found[of] / found[over] if over else found[of] for found in self.rounds]

    def met(self, goal: Goal) -> bool | None:
        """Return True if the goal is reached, in the median; None where there is none."""
        if goal.bound is None:
            return None
        found = median(self.values(goal.of, goal.over))
        return found >= goal.bound if goal.at_least else found <= goal.bound


def lines(result: Result) -> Iterator[str]:
    """Return the lines of the table about one cell."""
    for of in result.rounds[0]:
        values = result.values(of)
        spread = f"{min(values):,.1f} to {max(values):,.1f}"
        line = f"{result.cell.name:<14} {of:<24} {median(values):>10,.1f} {result.cell.unit:<12} ({spread})"
        goals = [_said(result, goal) for goal in result.cell.goals if goal.of == of]
        yield "   ".join([f"{line:<84}", *goals]).rstrip()


def _said(result: Result, goal: Goal) -> str:
    found = median(result.values(goal.of, goal.over))
    ratio = f"{found:.2f} x {goal.over}" if goal.over else ""
    if goal.bound is None:
        return ratio
    bound = f"goal {'>=' if goal.at_least else '<='} {goal.bound:g}: {'met' if result.met(goal) else 'NOT MET'}"
    return f"{ratio}, {bound}" if ratio else bound


def as_json(result: Result) -> dict[str, Any]:
    """Return all that was measured, with medians and goals."""
    cell = result.cell
    goals = [
        {"of": goal.of, "over": goal.over, "bound": goal.bound, "at_least": goal.at_least, "met": result.met(goal),
         "found": median(result.values(goal.of, goal.over))}
        for goal in cell.goals
    ]  # fmt: skip
    medians = {of: median(result.values(of)) for of in result.rounds[0]}
    return {
        "about": cell.about, "unit": cell.unit, "rounds": list(result.rounds), "medians": medians, "goals": goals
    }  # fmt: skip
