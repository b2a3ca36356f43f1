"""The commands that ask and tell, and change nothing."""

import os
import sys
from datetime import UTC, datetime

import orjson
from rich.console import Console

from poller.check import Finding, standings
from poller.check import check as findings
from poller.cli.options import DEFAULT, AsJson, Config, end, wait
from poller.cli.tables import cell, rows, table
from poller.settings import Settings, load
from poller.status import as_json as status_json
from poller.telemetry import Telemetry


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
            sys.stdout.write(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.words}\n")
            sys.stdout.flush()
    return found


def streams(config: Config = DEFAULT, *, as_json: AsJson = False) -> None:
    """Show every stream: its checkpoint, lag, gaps, last error. Into a pipe: a line a sweep, tabs between the cells."""
    settings = load(config, os.environ)
    found = wait(lambda: standings(settings, Telemetry(), datetime.now(UTC)))
    if as_json:
        sys.stdout.write(orjson.dumps([status_json(status) for status in found]).decode() + "\n")
    elif sys.stdout.isatty():
        Console().print(table(found))
    else:
        sys.stdout.writelines("\t".join(map(cell, row)) + "\n" for row in rows(found))
