"""Counters and histograms as plain dicts, which become text in the Prometheus format only when somebody asks.

prometheus_client's own keep 15 KB a stream, and to write them out holds the interpreter for seconds. These cost a tuple
and a number, and are written some lines at a time, so that whoever asks can let others go on in between. Lines that are
alike but for their labels, as most are, are joined by what they share. Nothing of the text is kept: to write it again
costs less than to remember it. Written to by the event loop, read by any thread: each reading first copies its dict,
which happens in one step.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias, TypeVar

import orjson

Labels: TypeAlias = tuple[str, ...]

Known: TypeAlias = Iterable[tuple[Iterable[Labels], Sequence[str]]]
"""Label sets, some at a time, and beside them the same as they are written (`Family.written`). Each is there once."""

_Row: TypeAlias = tuple[list[int], list[float]]
"""How many values fell into each bucket, and their sum."""

T = TypeVar("T")

_SOME = 20
"""What is written at once, of streams or of others: it takes less than half a millisecond."""


def some_of(items: Iterable[T]) -> Iterator[list[T]]:
    """Pass the items on, as many at a time as are written at once."""
    coming = iter(items)
    while some := list(islice(coming, _SOME)):
        yield some


def _numbers(values: Sequence[float]) -> list[str]:
    """Write numbers with the digits that `repr` gives them; all at once they take a tenth of what `repr` takes."""
    return orjson.dumps(values).decode()[1:-1].split(",") if values else []


def escaped(label: str) -> str:
    """Write the value of a label as it stands between its quotes."""
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Family:
    """A metric: its name, its meaning, and how a line of it is written. A gauge, which keeps nothing, is just that."""

    __slots__ = ("_labels", "_name", "head")

    def __init__(self, name: str, help_: str, labels: Labels, kind: str = "gauge") -> None:
        self.head = f"# HELP {name} {help_}\n# TYPE {name} {kind}\n"
        self._name, self._labels = name, ",".join(f'{label}="%s"' for label in labels)

    def written(self, labels: Labels) -> str:
        """Write the labels of a line: `source="acme",stream="calls"`."""
        signs = "".join(labels)
        if "\\" in signs or '"' in signs or "\n" in signs:
            labels = tuple(map(escaped, labels))
        return self._labels % labels

    def block(self, pairs: Sequence[str], values: Sequence[float]) -> str:
        """Write some lines: labels, as they are written, and the numbers beside them."""
        if not pairs:
            return ""
        head = f"{self._name}{{"
        lines = f"\n{head}".join(map("} ".join, zip(pairs, _numbers(values), strict=True)))
        return f"{head}{lines}\n"


class StateSet(Family):
    """A gauge that is 1 for the state that something is in, and 0 for its other states, which its first label names.

    All lines of one thing are written together.
    """

    __slots__ = ("_between",)

    def __init__(self, name: str, help_: str, labels: Labels, states: Sequence[str]) -> None:
        first, *others = labels
        super().__init__(name, help_, tuple(others))
        self._between = {
            found: "".join(f'{name}{{{first}="{state}",\0}} {float(state == found)}\n' for state in states).split("\0")
            for found in states
        }

    def states(self, pairs: Sequence[str], states: Iterable[str]) -> str:
        """Write the lines of some things: labels, as they are written, and the states beside them."""
        return "".join([of.join(self._between[state]) for of, state in zip(pairs, states, strict=True)])


class Counter(Family):
    """A counter: one number per label set, which only rises."""

    __slots__ = ("_values",)

    def __init__(self, name: str, help_: str, labels: Labels) -> None:
        super().__init__(name, help_, labels, "counter")
        self._values: defaultdict[Labels, float] = defaultdict(float)

    def add(self, by: float, *labels: str) -> None:
        """Raise the number of these labels."""
        if by:  # of a thousand streams each zero would take 0.2 MB, and those of all that is known are written anyway
            self._values[labels] += by

    def lines(self, known: Known = ()) -> Iterator[str]:
        """Write all numbers, some lines at once, with zeros for the label sets in `known`."""
        left = self._values.copy()
        for labels, pairs in known:
            values = [left.pop(of, 0.0) for of in labels] if left else ()
            yield self.block(pairs, values) if any(values) else self._zeros(pairs)
        for some in some_of(left.items()):
            yield self.block([self.written(labels) for labels, _ in some], [value for _, value in some])

    def _zeros(self, pairs: Sequence[str]) -> str:
        head, tail = f"{self._name}{{", "} 0.0\n"
        return f"{head}{(tail + head).join(pairs)}{tail}" if pairs else ""


class Histogram(Family):
    """A histogram: counts per bucket and label set, and the sum of the values."""

    __slots__ = ("_bounds", "_heads", "_nothing", "_rows")

    def __init__(self, name: str, help_: str, labels: Labels, bounds: Sequence[float]) -> None:
        super().__init__(name, help_, labels, "histogram")
        self._bounds, comma = bounds, "," if labels else ""
        buckets = [f'{name}_bucket{{le="{bound}"{comma}' for bound in [*map(float, bounds), "+Inf"]]
        self._heads = [*buckets, f"{name}_count{{", f"{name}_sum{{"]
        self._nothing = self._row([], "\0", "0.0").split("\0")
        self._rows: dict[Labels, _Row] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one value; a negative one (two clocks that disagree) counts as zero, for a sum must not fall."""
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = [0] * (len(self._bounds) + 1), [0.0]
        row[0][bisect_left(self._bounds, value)] += 1
        row[1][0] += max(value, 0)

    def lines(self, known: Known = ()) -> Iterator[str]:
        """Write all buckets, some lines at once, with empty ones for the label sets in `known`."""
        left = self._rows.copy()
        for labels, pairs in known:
            yield self._block(pairs, [left.pop(of, None) for of in labels])
        for some in some_of(left.items()):
            yield self._block([self.written(labels) for labels, _ in some], [row for _, row in some])

    def _block(self, pairs: Sequence[str], rows: Sequence[_Row | None]) -> str:
        sums, nothing = _numbers([row[1][0] if row else 0.0 for row in rows]), self._nothing
        text = "".join(
            [
                self._row(row[0], of, total) if row else of.join(nothing)
                for of, row, total in zip(pairs, rows, sums, strict=True)
            ]
        )
        return text if self._labels else text.replace("{}", "")

    def _row(self, counts: Sequence[int], pairs: str, total: str) -> str:
        """Write the lines of one row. Buckets, up to the next one that something fell into, have the same number."""
        heads, text, begin, number = self._heads, "", 0, 0
        for place, count in enumerate(counts):
            if count:
                tail = f"{pairs}}} {number}.0\n"
                text += f"{tail.join(heads[begin:place])}{tail}" if place else ""
                begin, number = place, number + count
        tail = f"{pairs}}} {number}.0\n"
        return f"{text}{tail.join(heads[begin:])}{pairs}}} {total}\n"
