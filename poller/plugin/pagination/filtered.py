"""Lists whose filter may not have been applied: rows come that were not asked for.

Some rows outside of what was asked are delivered, and make the pass doubtful. Where most of them lie outside, the
filter was plainly not applied, and what came would be all of history: then nothing is delivered.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Raw

from poller.errors import Unexpected
from poller.plugin.fields.columns import Column
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.fields.times import earliest_and_latest


class FilterCheck:
    """A count of the rows of one pass that lie inside and outside of what was asked for.

    `is_inside` judges a row, given the bounds (aware, UTC; an end of None is open). It returns None where that cannot
    be told; ValueError and errors of decoding count as None: such a row is a reject, for others to judge. `asked` names
    the filter for the error.
    """

    def __init__(self, is_inside: Callable[[Raw, datetime, datetime | None], bool | None], asked: str) -> None:
        self._is_inside, self._asked = is_inside, asked
        self._inside = self._outside = 0

    def doubt(self, rows: Sequence[Raw], start: datetime, end: datetime | None = None) -> str | None:
        """Count the next page's rows; return what is doubtful about them, None where nothing is.

        Raises Unexpected where most rows of the pass so far lie outside. A single one proves nothing of the filter.
        """
        before = self._outside
        judged = self._judge_all(rows, start, end)
        self._inside += judged.count(True)
        self._outside += judged.count(False)
        if self._outside > max(1, self._inside):
            raise Unexpected(f"the filter was not applied: {self._outside} records came that are not {self._asked}")
        return f"it holds records that are not {self._asked}" if self._outside > before else None

    def _judge_all(self, rows: Sequence[Raw], start: datetime, end: datetime | None) -> list[bool | None]:
        try:
            if isinstance(self._is_inside, _Between):
                return self._is_inside.judge_all(rows, start, end)
            return [self._is_inside(row, start, end) for row in rows]
        except (ValueError, *DECODE_ERRORS):  # some row is a reject
            return [self._judge(row, start, end) for row in rows]

    def _judge(self, row: Raw, start: datetime, end: datetime | None) -> bool | None:
        try:
            return self._is_inside(row, start, end)
        except (ValueError, *DECODE_ERRORS):
            return None


class _Between:
    """A judge of rows by their time, both bounds included. It cannot tell of a row whose time is None."""

    def __init__(self, time_of: Callable[[Raw], datetime | None]) -> None:
        self._time_of = time_of

    def __call__(self, row: Raw, start: datetime, end: datetime | None) -> bool | None:
        """Judge one row."""
        return _is_between(self._time_of(row), start, end)

    def judge_all(self, rows: Sequence[Raw], start: datetime, end: datetime | None) -> list[bool | None]:
        """Judge all rows of a page: where the first and the last by time lie inside, all do."""
        if not isinstance(self._time_of, Column):
            return [self(row, start, end) for row in rows]
        leaves, read = self._time_of.leaves(rows), self._time_of.read
        outermost = earliest_and_latest(leaves)
        if outermost and all(_is_between(read(leaf), start, end) for leaf in outermost):
            return [True] * len(rows)
        return [_is_between(read(leaf), start, end) for leaf in leaves]


def is_between(time_of: Callable[[Raw], datetime | None]) -> Callable[[Raw, datetime, datetime | None], bool | None]:
    """Return a judge of rows by their time, both bounds included; it cannot tell of a row whose time is None.

    Of a `Column` (see `column_of`) all rows of a page are judged at once.
    """
    return _Between(time_of)


def _is_between(time: datetime | None, start: datetime, end: datetime | None) -> bool | None:
    return None if time is None else start <= time and (end is None or time <= end)
