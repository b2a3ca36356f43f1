"""`poller run`: polls all sources until it is stopped."""

import os
from typing import Annotated

import typer

from poller.cli.ending import end
from poller.cli.options import DEFAULT, Config, examples, wait
from poller.commands.run import run as run_poller
from poller.config.reload import ConfigReload
from poller.telemetry import Telemetry

app = typer.Typer(add_completion=False)


@app.command(epilog=examples("poller run", "poller run --once", "poller run --dry-run -c other.yaml"))
def run(
    config: Config = DEFAULT,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Run every sweep of every stream once, then end: for cron.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be delivered to standard output; save nothing.")
    ] = False,
) -> None:
    """Poll all sources and deliver their events, until SIGTERM or Ctrl-C.

    Then the page in hand is finished, delivered and saved. A second signal ends it at once, and loses nothing.

    With --once a record that is to be read again by itself, and is not due yet, is left to the next run; the log says
    how many there are.
    """
    read = ConfigReload(config, os.environ)
    end(wait(lambda: run_poller(read.settings, Telemetry(), once=once, dry=dry_run, rereading=read), config))
