"""The commands that poll, and the one that is polled."""

import os
from functools import partial
from typing import Annotated

import typer

from poller.cli.options import DEFAULT, Config, end, wait
from poller.commands import demo
from poller.commands.run import run as run_poller
from poller.config.reload import Rereading
from poller.telemetry import Telemetry

Rate = Annotated[float, typer.Option(help="New records a minute and stream.", min=0, max=100_000)]
Seed = Annotated[int, typer.Option(help="Which world.")]


def run(
    config: Config = DEFAULT,
    *,
    once: Annotated[bool, typer.Option("--once", help="Every sweep of every stream once, then end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be delivered; save nothing.")] = False,
) -> None:
    """Poll until SIGTERM or SIGINT; then finish the page in hand, deliver, save."""
    read = Rereading(config, os.environ)
    end(wait(lambda: run_poller(read.settings, Telemetry(), once=once, dry=dry_run, rereading=read)))


def run_demo(rate: Rate = 60, seed: Seed = 1) -> None:
    """Start the sandbox and poll it to stdout."""
    end(wait(lambda: demo.demo(Telemetry(), rate=rate, seed=seed)))


def sandbox(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 takes any.", min=0, max=65535)] = 8080,
    seed: Seed = 1,
    rate: Rate = 30,
) -> None:
    """Simulate the vendors over HTTP on loopback, until a signal. Says where they are, and what lets a poller in.

    Under /_sandbox:
    GET /vices: how they misbehave, and all the ways there are.
    POST /vices {"ipscape": {"stall": 1.0}}: so, and in no other way. {}: well.
    GET /log?since=0: what was asked. GET /truth?stream=callcap/calls: what there was.
    POST /quiet: from now on nothing changes, and all behave well.
    """
    say = partial(typer.echo, err=True)
    end(wait(lambda: demo.sandbox(port=port, rate=rate, seed=seed, say=say)))
