"""`poller schema`: prints a JSON Schema."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from poller.cli.options import examples
from poller.config.document import read_document
from poller.config.json_schema import config_schema
from poller.config.plugins import Named, find_installed, find_named
from poller.events.json_schema import event_schema

OnlyNamed = Annotated[Path | None, typer.Option("-c", "--config", help="Show what this configuration names.")]

schema = typer.Typer(help="Print a JSON Schema, of events or of the configuration.", no_args_is_help=True)


@schema.command(name="event", epilog=examples("poller schema event > event.schema.json"))
def schema_event() -> None:
    """Print the JSON Schema of everything that is written to an output: events and rejects."""
    sys.stdout.write(json.dumps(event_schema(), indent=2) + "\n")


@schema.command(name="config", epilog=examples("poller schema config > config.schema.json"))
def schema_config(config: OnlyNamed = None) -> None:
    """Print the JSON Schema of the configuration file, for editors and other checks.

    It has the types of all packages that are installed; with -c, those that the configuration names.
    """
    named, problems = find_installed() if config is None else (_named(config), [])
    for problem in problems:
        sys.stderr.write(f"poller: left out: {problem}\n")
    sys.stdout.write(json.dumps(config_schema(named), indent=2) + "\n")


def _named(config: Path) -> Named:
    """Return what a configuration names, which may be wrong otherwise. Raises ConfigError."""
    document = read_document(config, os.environ)
    named = find_named(document)
    if named.problems:
        raise document.error(named.problems.values())
    return named
