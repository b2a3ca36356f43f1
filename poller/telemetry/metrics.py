"""Counters and histograms as plain dicts, which become text in the Prometheus format only when somebody asks.

prometheus_client's own keep 15 KB a stream, and to write them out holds the interpreter for seconds. These cost a tuple
and a number, and are written a few lines at a time, so that whoever asks can let others go on in between. Nothing of
the text is kept: to write it again costs less than to remember it. Written to by the event loop, read by any thread:
each reading first copies its dict, which happens in one step.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

Labels: TypeAlias = tuple[str, ...]

_PAIRS = "\0"
"""Stands for the labels in the text of a histogram, and of a set of states."""

Known: TypeAlias = Iterable[tuple[Labels, str]]
"""Label sets, each there once and with its labels as they are written (`Family.written`)."""


def escaped(label: str) -> str:
    """Write the value of a label as it stands between its quotes."""
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")  # a third of what `translate` takes


class Family:
    """A metric: its name, its meaning, and how a line of it is written. A gauge, which keeps nothing, is just that."""

    __slots__ = ("_labels", "_name", "head")

    def __init__(self, name: str, help_: str, labels: Labels, kind: str = "gauge") -> None:
        self.head = f"# HELP {name} {help_}\n# TYPE {name} {kind}\n"
        self._name, self._labels = name, ",".join(f'{label}="%s"' for label in labels)

    def written(self, labels: Labels) -> str:
        """Write the labels of a line: `source="acme",stream="calls"`."""
        return self._labels % tuple(map(escaped, labels))

    def line(self, pairs: str, value: float) -> str:
        """Write one line; `pairs` are its labels as they are written, "" where the metric has none."""
        return f"{self._name}{{{pairs}}} {value!r}\n" if pairs else f"{self._name} {value!r}\n"


class StateSet(Family):
    """A gauge that is 1 for the state that something is in, and 0 for its other states, which its first label names.

    All lines of one thing are written together.
    """

    __slots__ = ("_blocks",)

    def __init__(self, name: str, help_: str, labels: Labels, states: Sequence[str]) -> None:
        first, *others = labels
        super().__init__(name, help_, tuple(others))
        self._blocks = {
            found: "".join(f'{name}{{{first}="{state}",{_PAIRS}}} {float(state == found)}\n' for state in states)
            for found in states
        }

    def block(self, pairs: str, state: str) -> str:
        """Write the lines of what is in this state; `pairs` are the other labels as they are written."""
        return self._blocks[state].replace(_PAIRS, pairs)


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
        """Write all numbers, with zeros for the label sets in `known`."""
        values, name = self._values.copy(), self._name
        for labels, pairs in known:
            yield f"{name}{{{pairs}}} {values.pop(labels, 0.0)!r}\n"
        for labels, value in values.items():
            yield self.line(self.written(labels), value)


class Histogram(Family):
    """A histogram: counts per bucket and label set, and the sum of the values."""

    __slots__ = ("_block", "_bounds", "_rows")

    def __init__(self, name: str, help_: str, labels: Labels, bounds: Sequence[float]) -> None:
        super().__init__(name, help_, labels, "histogram")
        self._bounds = bounds
        names, more, whole = [*map(str, map(float, bounds)), "+Inf"], f",{_PAIRS}" * bool(labels), f"{{{_PAIRS}}}"
        buckets = [f'{name}_bucket{{le="{bound}"{more}}} %d.0\n' for bound in names]
        plain = whole if labels else ""
        self._block = f"{''.join(buckets)}{name}_count{plain} %d.0\n{name}_sum{plain} %r\n"
        self._rows: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one value; a negative one (two clocks that disagree) counts as zero, for a sum must not fall."""
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = self._empty()
        row[0][bisect_left(self._bounds, value)] += 1
        row[1][0] += max(value, 0)

    def lines(self, known: Known = ()) -> Iterator[str]:
        """Write all buckets, some lines at once, with empty ones for the label sets in `known`."""
        rows, empty = self._rows.copy(), self._buckets(self._empty())
        for labels, pairs in known:
            row = rows.pop(labels, None)
            yield (self._buckets(row) if row else empty).replace(_PAIRS, pairs)
        for labels, row in rows.items():
            yield self._buckets(row).replace(_PAIRS, self.written(labels))

    def _buckets(self, row: tuple[list[int], list[float]]) -> str:
        """Write the lines of one row, without its labels."""
        counts = list(accumulate(row[0]))
        return self._block % (*counts, counts[-1], *row[1])

    def _empty(self) -> tuple[list[int], list[float]]:
        return [0] * (len(self._bounds) + 1), [0.0]
