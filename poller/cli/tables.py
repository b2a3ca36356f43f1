"""Tables: for a person who looks, and plain lines for a pipe."""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from poller.commands.check import Finding
from poller.humanize import spelt_roughly
from poller.telemetry.status import GapStatus, StreamStatus, SweepStatus, rfc3339

COLOURS = {
    "ok": "green", "waiting": "cyan", "paused": "red", "denied": "red", "gap": "yellow", "suspect": "yellow",
    "late": "yellow",
}  # fmt: skip


def say_finding(found: Finding) -> None:
    """One line; at a terminal with a mark and a colour beside the word."""
    word = "ok" if found.ok else "FAIL"
    if not sys.stdout.isatty():
        sys.stdout.write(f"{word:<4} {found.name}: {found.words}\n")
        sys.stdout.flush()
        return
    shown = console()
    words, warns, warning = found.words.partition("; warning: ")
    marks = ("✓", "✗", "!") if "utf" in shown.encoding.lower() else (" ", " ", " ")
    mark, colour = (marks[0], "green") if found.ok else (marks[1], "red")
    shown.print(line((f"{mark} {word:<4} ", colour), (found.name, "bold"), (f": {words}", "")))
    if warns:
        shown.print(line((f"{marks[2]} warning: {warning}", "yellow")))


def say_streams(found: list[StreamStatus], now: datetime) -> None:
    """Every stream: a table at a terminal, else a line a sweep."""
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(map(cell, row)) + "\n" for row in rows(found))
        return
    shown = console()
    shown.print(table(found, now))
    for status in found:
        for gap in status.gaps:
            shown.print(line((f"{status.source}/{status.stream} gap: {_gap(gap)}", "yellow")))
        for sweep in status.sweeps:
            if sweep.last_error:
                where = f"{status.source}/{status.stream} {sweep.name}: "
                shown.print(line((where, "bold"), (sweep.last_error, "")))


def rows(found: list[StreamStatus]) -> Iterator[tuple[str, ...]]:
    """A row a sweep: source, stream, state, seconds of lag, gaps, sweep, last success, next poll, last error."""
    for status in found:
        lag = "" if status.lag_seconds is None else f"{status.lag_seconds:.0f}"
        gaps = "; ".join(map(_gap, status.gaps))
        for sweep in status.sweeps:
            times = (_when(sweep.last_success), _when(sweep.next_poll))
            yield (status.source, status.stream, status.state, lag, gaps, sweep.name, *times, sweep.last_error or "")


def table(found: list[StreamStatus], now: datetime) -> Table:
    """For people: what holds for all of a stream's sweeps is said once; times are how long ago, and how soon."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    owners = ("owner",) if any(status.owner for status in found) else ()
    for column in ("stream", "state", "lag", "sweep", "last success", "next poll", *owners):
        shown.add_column(column, no_wrap=column not in {"stream", "sweep", "owner"}, overflow="fold")
    for status in found:
        for number, sweep in enumerate(status.sweeps):
            first = number == 0
            owner = (status.owner if first else "",) if owners else ()
            shown.add_row(*(_stream_cells(status) if first else ("", "", "")), *_sweep_cells(sweep, now), *owner)
    return shown


def _stream_cells(status: StreamStatus) -> tuple[Text, ...]:
    lag = "-" if status.lag_seconds is None else spelt_roughly(timedelta(seconds=status.lag_seconds))
    return Text(f"{status.source}/{status.stream}", "bold"), Text(status.state, COLOURS[status.state]), Text(lag)


def _sweep_cells(sweep: SweepStatus, now: datetime) -> tuple[Text, ...]:
    error = Text(sweep.name, "red") + Text(" (failed)", "red") if sweep.last_error else Text(sweep.name)
    return error, Text(_ago(sweep.last_success, now)), Text(soon(sweep.next_poll, now))


def cell(text: str) -> str:
    """One cell of a plain line: never empty, no white space but single spaces."""
    return " ".join(text.split()) or "-"


def soon(moment: datetime | None, now: datetime) -> str:
    """How far off a time is."""
    if moment is None:
        return "-"
    return f"in {spelt_roughly(moment - now)}" if moment > now else "due"


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{spelt_roughly(max(now - moment, timedelta(0)))} ago" if moment else "-"


def _gap(gap: GapStatus) -> str:
    return f"{gap.sweep} {gap.start:%F %T} … {gap.end:%F %T} ({gap.kind})"


def _when(moment: datetime | None) -> str:
    return rfc3339(moment) if moment else ""


def line(*parts: tuple[str, str]) -> Text:
    """Texts, each with its colour; nothing in them is taken for markup."""
    return Text.assemble(*parts)


def console() -> Console:
    """The terminal: no colour where NO_COLOR says so, nothing highlighted but by us."""
    return Console(highlight=False, soft_wrap=True)
