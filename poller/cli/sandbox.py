"""`poller sandbox`: the vendors, simulated on this machine, or a recording of one."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from poller.cli.ending import end
from poller.cli.options import DEFAULT, Rate, Seed, Unread, examples, wait
from poller.commands import demo
from poller.commands import replay as replaying

app = typer.Typer(add_completion=False)


@app.command(
    epilog=examples(
        "poller sandbox --port 8123",
        "curl -s localhost:8123/_sandbox/vices",
        "poller sandbox --replay odd.jsonl > replay.yaml",
    )
)
def sandbox(
    port: Annotated[
        int, typer.Option(help="The port to listen on, on 127.0.0.1; 0 takes any that is free.", min=0, max=65535)
    ] = 8080,
    seed: Seed = 1,
    rate: Rate = 30,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Serve what `poller record` kept, instead of the simulated vendors; --seed and --rate do not apply.",
            show_default=False,
        ),
    ] = None,
    _config: Unread = DEFAULT,
) -> None:
    """Simulate all vendors over HTTP on this machine, until Ctrl-C; print their address and the credentials they take.

    With --replay a whole configuration goes to standard output, by which `poller run --once` reads the recording.

    Paths under /_sandbox steer the simulation:
    GET /vices lists how the vendors misbehave now, and every way there is.
    POST /vices {"ipscape": {"stall": 1.0}} lets them misbehave in just these ways; {} ends it.
    GET /log?since=0 lists the requests that came. GET /truth?stream=callcap/calls lists every record and its changes.
    POST /quiet ends all changes and all misbehaviour.
    """
    say = partial(typer.echo, err=True)
    if replay:
        end(wait(lambda: replaying.replay(replay, port=port, say=say, show=typer.echo)))
    end(wait(lambda: demo.sandbox(port=port, rate=rate, seed=seed, say=say)))
