"""The command line: commands, what they print, and their exit codes."""

import os
import sys
from typing import Annotated

import typer

from poller import VERSION
from poller.cli.ending import end
from poller.cli.later import Commands
from poller.errors import ConfigError

app = typer.Typer(
    cls=Commands,
    help=(
        "Poll the list APIs of vendors, and deliver every new or changed record once, as an event. "
        "Begin with `poller demo`: it needs no account and no configuration."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"poller {VERSION}\n")
        end(0)


@app.callback()
def _program(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command. A mistake of the operator's is said in lines on stderr, and exits 2."""
    _occupy()
    try:
        app()
    except ConfigError as error:
        sys.stderr.write("".join(f"poller: {problem}\n" for problem in error.problems))
        end(2)


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
