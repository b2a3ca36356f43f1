"""`poller check`: a line a finding, as soon as it is known."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from poller.cli.ending import end
from poller.cli.options import DEFAULT, AsJson, Config, examples, wait
from poller.cli.terminal import console, line, print_json, printable
from poller.commands.check import Finding
from poller.commands.check import check as findings
from poller.commands.check_deep import check_deep
from poller.config.document import read_document
from poller.config.settings import Settings, load
from poller.redaction import SECRETS
from poller.telemetry import Telemetry

Deep = Annotated[
    str | None,
    typer.Option("--deep", metavar="SOURCE", help="Put what is assumed of this source's vendor to the test, instead."),
]
WORDS: Mapping[str, str] = {"holds": "holds", "fails": "FAILS", "unknown": "?"}
"""How a verdict stands before its line."""

app = typer.Typer(add_completion=False)


@app.command(epilog=examples("poller check", "poller check --json | jq '.[] | select(.ok | not)'"))
def check(config: Config = DEFAULT, *, as_json: AsJson = False, deep: Deep = None) -> None:
    """Say whether `poller run` would start and could work, one line for each source, output and the state.

    Every vendor is asked for one record, and every output whether it could be written. Nothing is changed.
    """
    settings = load(config, os.environ)
    found = wait(lambda: _found(settings, deep, config, aloud=not as_json), config)
    if as_json:
        print_json(orjson.dumps(found))
    end(int(not all(finding.ok for finding in found)))


async def _found(settings: Settings, deep: str | None, config: Path, *, aloud: bool) -> list[Finding]:
    """All findings, each said as soon as it is known: a vendor that hangs takes its time."""
    found = []
    if deep is None:
        looking = findings(settings, Telemetry(), datetime.now(UTC))
    else:
        looking = check_deep(settings, deep, Telemetry(), lambda: datetime.now(UTC))
    async for unplaced in looking:
        finding = _hidden(_placed(unplaced, config) if unplaced.keys else unplaced)
        found.append(finding)
        if aloud:
            say_finding(finding)
    return found


def _placed(found: Finding, config: Path) -> Finding:
    """Say where in the file it stands, as a mistake of the configuration is told."""
    document = read_document(config, os.environ)
    (words,) = document.error([document.problem(found.keys, found.words)]).problems
    return replace(found, words=words)


def _hidden(found: Finding) -> Finding:
    """Take out what a package's own words may quote."""
    return replace(found, words=SECRETS.hide(found.words), details=SECRETS.hide_within(found.details))


def say_finding(found: Finding) -> None:
    """One line; at a terminal with a mark and a colour beside the word."""
    verdict = found.details.get("verdict")
    word = WORDS[verdict] if verdict else "ok" if found.ok else "FAIL"
    if not sys.stdout.isatty():
        sys.stdout.write(f"{word:<4} {found.name}: {printable(found.words)}\n")
        sys.stdout.flush()
        return
    shown = console()
    words, warns, warning = found.words.partition("; warning: ")
    marks = ("✓", "✗", "!") if "utf" in shown.encoding.lower() else (" ", " ", " ")
    mark, colour = (marks[0], "green") if found.ok else (marks[1], "red")
    mark, colour = (marks[2], "yellow") if verdict == "unknown" else (mark, colour)
    shown.print(line((f"{mark} {word:<4} ", colour), (found.name, "bold"), (f": {words}", "")))
    if warns:
        shown.print(line((f"{marks[2]} warning: {warning}", "yellow")))
