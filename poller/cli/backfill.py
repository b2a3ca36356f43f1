"""`poller backfill`: reads history, and shows how far it is."""

import os
import sys
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated

import anyio
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from poller.cli.ending import end
from poller.cli.options import DEFAULT, Command, Config, examples, wait
from poller.cli.terminal import say
from poller.commands.backfill import backfill as read_alone
from poller.commands.backfill import cancellation, order, owner_elsewhere
from poller.commands.backfill_beside import PollerGone, order_from_running
from poller.config.settings import Settings, load, split_name
from poller.errors import ConfigError
from poller.polling.progress.backfill import Order
from poller.server.control import BackfillRequest
from poller.state.checkpoint import Backfill
from poller.state.sqlite.lock import RUN, StateInUse
from poller.telemetry import Telemetry, configure_logging

Name = Annotated[
    str, typer.Argument(metavar="SOURCE.STREAM", help="The stream, such as acme-calls.calls.", show_default=False)
]
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Since when: 7d (ago), 2026-03-14, 2026-03-14T09:00:00Z, or all.",
        show_default=False,
    ),
]
Until = Annotated[str | None, typer.Option("--to", help="Until when, in the same way; until now, if left out.")]
Instead = Annotated[bool, typer.Option("--instead", help="Give up another order for this stream that is not done.")]
Cancel = Annotated[bool, typer.Option("--cancel", help="Give up the order for this stream that is not done.")]
Again = Annotated[bool, typer.Option("--again", help="Also what is older than `keep`, which is delivered anew.")]

_STARTING = 10.0
"""Seconds that a poller which has the state may need until it takes orders."""
_LOOK_AGAIN = 0.5

app = typer.Typer(add_completion=False)


@app.command(
    cls=Command,
    epilog=examples(
        "poller backfill acme-calls.calls --from 7d",
        "poller backfill crm.leads --from 2026-01-01 --to 2026-02-01",
        "poller backfill crm.leads --cancel",
    ),
)
def backfill(
    name: Name,
    since: Since = None,
    until: Until = None,
    config: Config = DEFAULT,
    *,
    again: Again = False,
    instead: Instead = False,
    cancel: Cancel = False,
) -> None:
    """Read the history of a stream once, in slices; records that were never delivered come as created.

    A running poller does the work, within its rate budget and after all that is due; this command shows how far it is.
    Where no poller runs, the command does the work by itself. What was stopped goes on with the same command.
    """
    settings, telemetry = load(config, os.environ), Telemetry()
    source, stream = split_name(settings, name)
    wanted = _order(since, until, again=again, instead=instead, cancel=cancel)
    shown = _Bar(name) if sys.stderr.isatty() else _Lines(source, stream, telemetry)
    with shown:
        try:
            code = wait(lambda: _read(settings, telemetry, BackfillRequest(source, stream, wanted), shown), config)
        except KeyboardInterrupt:
            sys.stderr.write("poller: the running poller goes on with it; the same command shows how far it is\n")
            end(130)
    end(max(code, _say_cancelled(name, shown.last) if cancel else _say_result(name, shown.last)))


def _order(since: str | None, until: str | None, *, again: bool, instead: bool, cancel: bool) -> Order:
    if cancel and (since or until or again or instead):
        raise ConfigError("--cancel: it gives up the order that there is, and takes no other option beside it")
    if cancel:
        return cancellation(datetime.now(UTC))
    if since is None:
        raise ConfigError("--from: this option is missing: how long ago (7d), since when (2026-03-14), or all")
    return order(since, until, datetime.now(UTC), again=again, instead=instead)


async def _read(settings: Settings, telemetry: Telemetry, asked: BackfillRequest, shown: "_Bar | _Lines") -> int:
    """By a poller that runs, also one that has only just been started; where none does, by ourselves."""
    end_of_patience = anyio.current_time() + _STARTING
    while True:
        try:
            if settings.control and await order_from_running(settings.control, asked, shown.tell, say):
                return 0
        except PollerGone as gone:
            say(str(gone))
            return 1
        if another := await owner_elsewhere(settings, asked.source):
            raise ConfigError(another)
        shown.alone = True
        try:
            return await read_alone(settings, telemetry, asked, shown.tell)
        except StateInUse as busy:
            starting = settings.control and busy.holder and busy.holder.command == RUN
            if not starting or anyio.current_time() > end_of_patience:
                raise
        shown.alone = False
        await anyio.sleep(_LOOK_AGAIN)


def _say_cancelled(name: str, found: Backfill | None) -> int:
    if found is None or found.done is None:
        return 1
    sys.stdout.write(f"{name}: given up, at {found.at:%F %T} UTC: {found.records:,} records were read\n")
    return 0


def _say_result(name: str, found: Backfill | None) -> int:
    """Say what it came to; returns the exit code."""
    if found is None:
        return 1
    slices = "1 slice" if found.slices == 1 else f"{found.slices:,} slices"
    came = f"{found.records:,} records read, {found.events:,} events, {slices}"
    if found.done is None:
        why = f" ({found.error})" if found.error else ""
        sys.stdout.write(f"{name}: stopped at {found.at:%F %T} UTC{why}: {came}; the same command goes on from there\n")
        return 1
    sys.stdout.write(f"{name}: {found.start:%F %T} to {found.end:%F %T} UTC: {came}\n")
    for start, beyond in found.unreadable:
        sys.stdout.write(
            f"{name}: {start:%F %T} to {beyond:%F %T} UTC: unreadable, the vendor's list is cut off there\n"
        )
    return int(bool(found.unreadable))


class _Lines:
    """Into a pipe: a log line whenever a slice was read. By ourselves we log them anyway."""

    def __init__(self, source: str, stream: str, telemetry: Telemetry) -> None:
        self._names, self._telemetry = (source, stream), telemetry
        self.last: Backfill | None = None
        self.alone = False

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def tell(self, found: Backfill) -> None:
        if not self.alone and found.slices and (self.last is None or found.slices > self.last.slices):
            self._telemetry.slice_read(*self._names, found.at, found.end, records=found.records, events=found.events)
        self.last = found


class _Bar:
    """On a terminal: how much of the range, how many records, how fast, how long still."""

    def __init__(self, name: str) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[came]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
        )
        self._task = self._progress.add_task(name, total=None, came="")
        self._began: tuple[float, int] | None = None
        self.last: Backfill | None = None
        self.alone = False

    def __enter__(self) -> None:
        self._progress.start()
        configure_logging(sys.stderr)  # which the bar has taken, so that lines go above it

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        configure_logging(sys.stderr)

    def tell(self, found: Backfill) -> None:
        self.last = found
        began, records = self._began = self._began or (monotonic(), found.records)
        rate = (found.records - records) / max(monotonic() - began, 0.001)
        came = f"{found.at:%F}  {found.records:,} records, {rate:,.0f}/s"
        self._progress.update(
            self._task,
            total=(found.end - found.start).total_seconds(),
            completed=(found.at - found.start).total_seconds(),
            came=f"{came}  {found.error}" if found.error else came,
        )
