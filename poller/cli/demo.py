"""`poller demo`: the vendors, simulated on this machine, and polled."""

import typer

from poller.cli.ending import end
from poller.cli.options import DEFAULT, Rate, Seed, Unread, examples, wait
from poller.commands import demo
from poller.telemetry import Telemetry

app = typer.Typer(add_completion=False)


@app.command(epilog=examples("poller demo", "poller demo --rate 600 | jq .type"))
def run_demo(rate: Rate = 60, seed: Seed = 1, _config: Unread = DEFAULT) -> None:
    """Simulate all vendors on this machine, and poll them: events come to standard output until Ctrl-C.

    Needs no account and no configuration. The state is thrown away at the end.
    """
    end(wait(lambda: demo.demo(Telemetry(), rate=rate, seed=seed)))
