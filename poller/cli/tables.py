"""Tables: for a person who looks, and plain lines for a pipe."""

from collections.abc import Iterator
from datetime import datetime

from rich.markup import escape
from rich.table import Table

from poller.status import StreamStatus, rfc3339

COLUMNS = ("source", "stream", "state", "lag (s)", "gaps", "sweep", "last success", "next poll", "last error")


def rows(found: list[StreamStatus]) -> Iterator[tuple[str, ...]]:
    """A row a sweep, its cells as COLUMNS says; what is not known, or not there, is empty."""
    for status in found:
        lag = "" if status.lag_seconds is None else f"{status.lag_seconds:.0f}"
        gaps = "; ".join(f"{gap.sweep} {gap.start:%F %T} … {gap.end:%F %T} ({gap.kind})" for gap in status.gaps)
        for sweep in status.sweeps:
            times = (_when(sweep.last_success), _when(sweep.next_poll))
            yield (status.source, status.stream, status.state, lag, gaps, sweep.name, *times, sweep.last_error or "")


def table(found: list[StreamStatus]) -> Table:
    """For people: what holds for all of a stream's sweeps is said once."""
    shown, told = Table(*COLUMNS), set[tuple[str, ...]]()
    for row in rows(found):
        stream = row[:2]
        shown.add_row(*(("",) * 5 if stream in told else map(escape, row[:5])), *map(escape, row[5:]))
        told.add(stream)
    return shown


def cell(text: str) -> str:
    """One cell of a plain line: never empty, no white space but single spaces."""
    return " ".join(text.split()) or "-"


def _when(moment: datetime | None) -> str:
    return rfc3339(moment) if moment else ""
