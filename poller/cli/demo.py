"""`poller demo` and `poller sandbox`: the vendors, simulated on this machine."""

from functools import partial
from typing import Annotated

import typer

from poller.cli.options import end, wait
from poller.commands import demo
from poller.telemetry import Telemetry

Rate = Annotated[float, typer.Option(help="New records a minute and stream.", min=0, max=100_000)]


Seed = Annotated[int, typer.Option(help="Which world.")]


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
