"""Counters and histograms as plain dicts, which become Prometheus families only when somebody asks.

prometheus_client's own keep 15 KB a stream and are slow to walk; these cost a tuple and a number.
Written by the event loop, read by a worker thread: each reading first copies its dict, which happens in one step.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

Labels: TypeAlias = tuple[str, ...]


class Counter:
    """A counter: one number per label set, which only rises."""

    __slots__ = ("_help", "_labels", "_name", "_values")

    def __init__(self, name: str, help_: str, labels: Labels) -> None:
        self._name, self._help, self._labels = name, help_, labels
        self._values: defaultdict[Labels, float] = defaultdict(float)

    def add(self, by: float, *labels: str) -> None:
        """Raise the number of these labels; adding 0 makes it appear."""
        self._values[labels] += by

    def family(self, known: Iterable[Labels] = ()) -> CounterMetricFamily:
        """Return all numbers, with zeros for the label sets in `known`."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, value in (dict.fromkeys(known, 0.0) | self._values.copy()).items():
            family.add_metric(labels, value)
        return family


class Histogram:
    """A histogram: counts per bucket and label set, and the sum of the values."""

    __slots__ = ("_bounds", "_help", "_labels", "_name", "_names", "_rows")

    def __init__(self, name: str, help_: str, labels: Labels, bounds: Sequence[float]) -> None:
        self._name, self._help, self._labels = name, help_, labels
        self._bounds = bounds
        self._names = [*map(str, map(float, bounds)), "+Inf"]
        self._rows: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one value; a negative one (two clocks that disagree) counts as zero, for a sum must not fall."""
        row = self._rows.get(labels)
        if row is None:
            row = self._rows[labels] = self._empty()
        row[bisect_left(self._bounds, value)] += 1
        row[-1] += max(value, 0)

    def family(self, known: Iterable[Labels] = ()) -> HistogramMetricFamily:
        """Return all buckets, with empty ones for the label sets in `known`."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, row in (dict.fromkeys(known, self._empty()) | self._rows.copy()).items():
            *counts, total = row
            family.add_metric(labels, list(zip(self._names, accumulate(counts), strict=True)), total)
        return family

    def _empty(self) -> list[float]:
        return [0] * (len(self._bounds) + 1) + [0.0]


def gauge(name: str, help_: str, labels: Labels, values: Iterable[tuple[Labels, float]]) -> GaugeMetricFamily:
    """Build a family of gauges out of labels and their present values."""
    family = GaugeMetricFamily(name, help_, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
