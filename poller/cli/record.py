"""`poller record`: what a vendor was asked and answered, kept in a file."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from outputs.units import duration
from poller.cli.ending import end
from poller.cli.options import DEFAULT, Command, Config, examples, wait
from poller.cli.terminal import say
from poller.commands.record import record as record_source
from poller.config.settings import load
from poller.errors import ConfigError
from poller.telemetry import Telemetry

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The source, such as acme-calls.", show_default=False)]
File = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="The file to make: JSON lines.", show_default=False)
]
For = Annotated[str, typer.Option("--for", metavar="DURATION", help="How long, such as 30s, 10m or 2h.")]
Masked = Annotated[
    bool, typer.Option("--mask", help="Replace texts, numbers and addresses by others of the same shape, for good.")
]


app = typer.Typer(add_completion=False)


@app.command(
    cls=Command,
    epilog=examples("poller record acme-calls -o odd.jsonl --for 2m", "poller sandbox --replay odd.jsonl"),
)
def record(
    source: Source, output: File, length: For = "10m", config: Config = DEFAULT, *, mask: Masked = False
) -> None:
    """Poll one source as a dry run would, and keep what its vendor was asked and answered, until Ctrl-C at the latest.

    Nothing is delivered, saved or locked, so it is safe beside a running poller. The file holds the vendor's records,
    and no credential. `poller sandbox --replay FILE` serves it again. With --mask it holds other texts, numbers and
    addresses than the vendor sent; times, words such as a status, and what pages a list stay: read it before you send
    it to others.
    """
    settings = load(config, os.environ)
    done = wait(lambda: record_source(settings, source, Telemetry(), output, _length(length), mask=mask), config)
    if done.exchanges:
        say(f"{output}: {done.exchanges:,} answers; `poller sandbox --replay {output}` serves them again")
    if done.problem:
        say(done.problem)
    end(int(done.problem is not None))


def _length(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from None
