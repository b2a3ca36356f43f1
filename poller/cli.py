"""The command line: commands, what they print, and their exit codes."""

import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from poller import app as composition
from poller import demo as demonstration
from poller.check import Finding, check, standings
from poller.errors import ConfigError, first
from poller.schema import event_schema
from poller.settings import Settings, config_schema, load
from poller.status import StreamStatus, as_json, rfc3339
from poller.telemetry import Telemetry, configure_logging

T = TypeVar("T")

app = typer.Typer(
    help="Polls every stream of every source, and delivers every revision of every record once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path, typer.Option("-c", "--config", help="The configuration.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Rate = Annotated[float, typer.Option(help="New records a minute and stream.", min=0, max=100_000)]
DEFAULT = Path("config.yaml")


@app.command()
def run(
    config: Config = DEFAULT,
    *,
    once: Annotated[bool, typer.Option("--once", help="Every sweep of every stream once, then end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be delivered; save nothing.")] = False,
) -> None:
    """Poll until SIGTERM or SIGINT; then finish the page in hand, deliver, save."""
    settings = load(config, os.environ)
    _end(_wait(lambda: composition.run(settings, Telemetry(), once=once, dry=dry_run)))


@app.command()
def demo(
    rate: Rate = 60,
    seed: Annotated[int, typer.Option(help="Which world.")] = 1,
) -> None:
    """Start the sandbox and poll it to stdout."""
    _end(_wait(lambda: demonstration.demo(Telemetry(), rate=rate, seed=seed)))


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 takes any.", min=0, max=65535)] = 8080,
    seed: Annotated[int, typer.Option(help="Which world.")] = 1,
    rate: Rate = 30,
) -> None:
    """Simulate the vendors over HTTP on loopback, until a signal."""
    say = partial(typer.echo, err=True)
    _end(_wait(lambda: demonstration.sandbox(port=port, rate=rate, seed=seed, say=say)))


@app.command(name="check")
def check_command(config: Config = DEFAULT, *, as_json: AsJson = False) -> None:
    """Ask every vendor for one record, and every output whether it could be written; change nothing."""
    settings = load(config, os.environ)
    found = _wait(lambda: _found(settings, aloud=not as_json))
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    _end(int(not all(finding.ok for finding in found)))


async def _found(settings: Settings, *, aloud: bool) -> list[Finding]:
    """All findings, each said as soon as it is known: a vendor that hangs takes its time."""
    found = []
    async for finding in check(settings, Telemetry(), datetime.now(UTC)):
        found.append(finding)
        if aloud:
            sys.stdout.write(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.words}\n")
            sys.stdout.flush()
    return found


@app.command()
def streams(config: Config = DEFAULT, *, as_json: AsJson = False) -> None:
    """Show every stream: its checkpoint, lag, gaps, last error. Into a pipe: a line a sweep, tabs between the cells."""
    settings = load(config, os.environ)
    found = _wait(lambda: standings(settings, Telemetry(), datetime.now(UTC)))
    if as_json:
        sys.stdout.write(orjson.dumps([_json(status) for status in found]).decode() + "\n")
    elif sys.stdout.isatty():
        Console().print(_table(found))
    else:
        sys.stdout.writelines("\t".join(map(_cell, row)) + "\n" for row in _rows(found))


schema = typer.Typer(help="Print a JSON Schema.", no_args_is_help=True)
app.add_typer(schema, name="schema")


@schema.command(name="event")
def schema_event() -> None:
    """Of everything that is ever written to an output."""
    sys.stdout.write(json.dumps(event_schema(), indent=2) + "\n")


@schema.command(name="config")
def schema_config() -> None:
    """Of the configuration."""
    sys.stdout.write(json.dumps(config_schema(), indent=2) + "\n")


def main() -> None:
    """Run a command. A mistake of the operator's is said in lines on stderr, and exits 2."""
    _occupy()
    configure_logging(sys.stderr)
    try:
        app()
    except ConfigError as error:
        sys.stderr.write("".join(f"poller: {problem}\n" for problem in error.problems))
        _end(2)


def _occupy() -> None:
    """Standard streams that came closed: else what we open would take their numbers, and be printed into.

    A closed standard output is a pipe that nobody reads.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: its own
    if sys.stdout is None:
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.close(reading)
        os.close(writing)
        sys.stdout = os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _wait(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return anyio.run(work)
    except BaseExceptionGroup as group:
        if found := group.subgroup(ConfigError):
            raise first(found) from None
        raise


def _end(code: int) -> None:
    """Leave at once: a thread that hangs in a full pipe must not keep the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _json(status: StreamStatus) -> dict[str, Any]:
    return as_json(status)


COLUMNS = ("source", "stream", "state", "lag (s)", "gaps", "sweep", "last success", "next poll", "last error")


def _rows(found: list[StreamStatus]) -> Iterator[tuple[str, ...]]:
    """A row a sweep, its cells as COLUMNS says; what is not known, or not there, is empty."""
    for status in found:
        lag = "" if status.lag_seconds is None else f"{status.lag_seconds:.0f}"
        gaps = "; ".join(f"{gap.sweep} {gap.start:%F %T} … {gap.end:%F %T} ({gap.kind})" for gap in status.gaps)
        for sweep in status.sweeps:
            times = (_when(sweep.last_success), _when(sweep.next_poll))
            yield (status.source, status.stream, status.state, lag, gaps, sweep.name, *times, sweep.last_error or "")


def _table(found: list[StreamStatus]) -> Table:
    """For people: what holds for all of a stream's sweeps is said once."""
    table, told = Table(*COLUMNS), set[tuple[str, ...]]()
    for row in _rows(found):
        stream = row[:2]
        table.add_row(*(("",) * 5 if stream in told else map(escape, row[:5])), *map(escape, row[5:]))
        told.add(stream)
    return table


def _cell(text: str) -> str:
    return " ".join(text.split()) or "-"


def _when(moment: datetime | None) -> str:
    return rfc3339(moment) if moment else ""
