"""`poller run`."""

import os
from typing import Annotated

import typer

from poller.cli.options import DEFAULT, Config, end, wait
from poller.commands.run import run as run_poller
from poller.config.reload import ConfigReload
from poller.telemetry import Telemetry


def run(
    config: Config = DEFAULT,
    *,
    once: Annotated[bool, typer.Option("--once", help="Every sweep of every stream once, then end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be delivered; save nothing.")] = False,
) -> None:
    """Poll until SIGTERM or SIGINT; then finish the page in hand, deliver, save."""
    read = ConfigReload(config, os.environ)
    end(wait(lambda: run_poller(read.settings, Telemetry(), once=once, dry=dry_run, rereading=read), config))
