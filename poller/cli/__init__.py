"""The command line: commands, what they print, and their exit codes."""

import os
import sys
from typing import Annotated

import typer

from poller import VERSION
from poller.cli.backfill import backfill
from poller.cli.check import check
from poller.cli.demo import run_demo, sandbox
from poller.cli.explain import explain
from poller.cli.options import Command, end, examples
from poller.cli.record import record
from poller.cli.run import run
from poller.cli.schema import schema
from poller.cli.state import state
from poller.cli.streams import streams
from poller.errors import ConfigError
from poller.telemetry import configure_logging

app = typer.Typer(
    help=(
        "Poll the list APIs of vendors, and deliver every new or changed record once, as an event. "
        "Begin with `poller demo`: it needs no account and no configuration."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=examples("poller run", "poller run --once", "poller run --dry-run -c other.yaml"))(run)
app.command(name="demo", epilog=examples("poller demo", "poller demo --rate 600 | jq .type"))(run_demo)
app.command(
    epilog=examples(
        "poller sandbox --port 8123",
        "curl -s localhost:8123/_sandbox/vices",
        "poller sandbox --replay odd.jsonl > replay.yaml",
    )
)(sandbox)
app.command(
    cls=Command,
    epilog=examples("poller record acme-calls -o odd.jsonl --for 2m", "poller sandbox --replay odd.jsonl"),
)(record)
app.command(
    cls=Command,
    epilog=examples(
        "poller backfill acme-calls.calls --from 7d",
        "poller backfill crm.leads --from 2026-01-01 --to 2026-02-01",
        "poller backfill crm.leads --cancel",
    ),
)(backfill)
app.command(epilog=examples("poller check", "poller check --json | jq '.[] | select(.ok | not)'"))(check)
app.command(epilog=examples("poller streams", "poller streams --json"))(streams)
app.command(cls=Command, epilog=examples("poller explain acme-calls.calls", "poller explain crm.leads --id 4711"))(
    explain
)
app.add_typer(state, name="state")
app.add_typer(schema, name="schema")


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
    configure_logging(sys.stderr)
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
