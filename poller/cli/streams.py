"""`poller streams`: a table at a terminal, a line a sweep into a pipe."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import typer
from rich.table import Table
from rich.text import Text

from poller.cli.options import DEFAULT, AsJson, Config, examples, wait
from poller.cli.terminal import COLOURS, cell, console, line, print_json, say, soon
from poller.commands.streams import stream_statuses
from poller.config.settings import load
from poller.humanize import format_duration_roughly
from poller.server.diagnosis import NOTHING_YET
from poller.telemetry.status import GapStatus, StreamStatus, SweepStatus, rfc3339
from poller.telemetry.status import as_json as status_json

app = typer.Typer(add_completion=False)


@app.command(epilog=examples("poller streams", "poller streams --json"))
def streams(config: Config = DEFAULT, *, as_json: AsJson = False) -> None:
    """Show where every stream stands: how far it is behind, what is missing, and its last error.

    Into a pipe this prints one line for each sweep, with tabs between its cells and "-" for an empty one:
    source, stream, state, lag (seconds), gaps (UTC), sweep, last success (UTC), next poll (UTC), last error.
    What audits found, why a stream is suspect, and which words of a described field are not mapped, is said below, into
    a pipe on standard error.
    """
    settings, now = load(config, os.environ), datetime.now(UTC)
    found = wait(lambda: stream_statuses(settings, now, say), config)
    if as_json:
        print_json(orjson.dumps([status_json(status) for status in found]))
    else:
        say_streams(found, now)


def say_streams(found: list[StreamStatus], now: datetime) -> None:
    """Every stream: a table at a terminal, else a line a sweep."""
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(map(cell, row)) + "\n" for row in rows(found))
        for status in found:
            for note in notes(status):
                say(f"{status.source}/{status.stream}: {note}")
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
        for note in notes(status):
            shown.print(line((f"{status.source}/{status.stream}: ", "bold"), (note, "")))


def notes(status: StreamStatus) -> list[str]:
    """What is to be said of a stream besides its numbers: why it is suspect, or that no record of it is known, what its
    audits found, unknown words."""
    words = (f"words of {name} that are not mapped: {', '.join(found)}" for name, found in status.unmapped.items())
    silence = status.suspicion or (NOTHING_YET if status.is_barren else None)
    return [*([silence] if silence else []), *(finding.text for finding in status.found), *words]


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
    lag = "-" if status.lag_seconds is None else format_duration_roughly(timedelta(seconds=status.lag_seconds))
    return Text(f"{status.source}/{status.stream}", "bold"), Text(status.state, COLOURS[status.state]), Text(lag)


def _sweep_cells(sweep: SweepStatus, now: datetime) -> tuple[Text, ...]:
    error = Text(sweep.name, "red") + Text(" (failed)", "red") if sweep.last_error else Text(sweep.name)
    return error, Text(_ago(sweep.last_success, now)), Text(soon(sweep.next_poll, now))


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{format_duration_roughly(max(now - moment, timedelta(0)))} ago" if moment else "-"


def _gap(gap: GapStatus) -> str:
    return f"{gap.sweep} {gap.start:%F %T} … {gap.end:%F %T} ({gap.kind})"


def _when(moment: datetime | None) -> str:
    return rfc3339(moment) if moment else ""
