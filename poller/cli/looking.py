"""The commands that ask and tell, and change nothing."""

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import orjson
import typer

from poller.cli import plans as told
from poller.cli import tables
from poller.cli.options import DEFAULT, AsJson, Config, end, wait
from poller.commands.check import Finding
from poller.commands.check import check as findings
from poller.commands.explain import plans as explaining
from poller.commands.streams import standings
from poller.config.settings import Settings, load
from poller.state.open import absent
from poller.telemetry import Telemetry
from poller.telemetry.status import as_json as status_json

Stream = Annotated[str, typer.Argument(metavar="SOURCE.STREAM", help="Which one, such as acme-calls.calls.")]
Identity = Annotated[str | None, typer.Option("--id", help="What is known of this record (`subject` of its events).")]


def check(config: Config = DEFAULT, *, as_json: AsJson = False) -> None:
    """Ask every vendor for one record, and every output whether it could be written; change nothing."""
    settings = load(config, os.environ)
    found = wait(lambda: _found(settings, aloud=not as_json))
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    end(int(not all(finding.ok for finding in found)))


async def _found(settings: Settings, *, aloud: bool) -> list[Finding]:
    """All findings, each said as soon as it is known: a vendor that hangs takes its time."""
    found = []
    async for finding in findings(settings, Telemetry(), datetime.now(UTC)):
        found.append(finding)
        if aloud:
            tables.say_finding(finding)
    return found


def streams(config: Config = DEFAULT, *, as_json: AsJson = False) -> None:
    """Show every stream: its checkpoint, lag, gaps, last error.

    Into a pipe: a line a sweep, cells divided by tabs, "-" where there is nothing. They are:
    source, stream, state, lag (seconds), gaps (UTC), sweep, last success (UTC), next poll (UTC), last error.
    """
    settings, now = load(config, os.environ), datetime.now(UTC)
    found = wait(lambda: standings(settings, Telemetry(), now))
    _say_absent(settings)
    if as_json:
        sys.stdout.write(orjson.dumps([status_json(status) for status in found]).decode() + "\n")
    else:
        tables.say_streams(found, now)


def explain(stream: Stream, config: Config = DEFAULT, *, identity: Identity = None, as_json: AsJson = False) -> None:
    """Say what each sweep of a stream would ask next, and why; no vendor is asked. Or what is known of one record."""
    settings, now = load(config, os.environ), datetime.now(UTC)
    if identity is not None:
        known = wait(lambda: explaining.known(settings, stream, identity, now))
        _say_absent(settings)
        said = msgspec.json.encode(known).decode() if as_json else told.known(known)
        sys.stdout.write(said + "\n")
        return
    plans = wait(lambda: explaining.plans(settings, stream, now))
    _say_absent(settings)
    if as_json:
        sys.stdout.write(msgspec.json.encode(plans).decode() + "\n")
    else:
        told.say(plans, now)


def _say_absent(settings: Settings) -> None:
    """Without a state all looks as it does before the first poll: another folder's state may have been meant."""
    if missing := wait(lambda: absent(settings.state)):
        sys.stderr.write(f"poller: {missing}\n")
