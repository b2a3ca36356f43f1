"""`poller schema`: prints a JSON Schema, or an AsyncAPI document."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from poller.cli.options import DEFAULT, Config, examples
from poller.commands.schema import asyncapi, delivered_kinds
from poller.config.document import read_document
from poller.config.json_schema import config_schema
from poller.config.plugins import Named, find_installed, find_named
from poller.config.settings import load
from poller.events.json_schema import event_schema

OnlyNamed = Annotated[Path | None, typer.Option("-c", "--config", help="Show what this configuration names.")]

app = typer.Typer(
    help="Print JSON Schemas of events and of the configuration, or an AsyncAPI document.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command(name="event", epilog=examples("poller schema event > event.schema.json"))
def schema_event(config: OnlyNamed = None) -> None:
    """Print the JSON Schema of everything that is written to an output: events and rejects.

    With -c it also has the kinds that the configuration brings.
    """
    further = () if config is None else delivered_kinds(load(config, os.environ))
    _print(event_schema(further))


@app.command(name="config", epilog=examples("poller schema config > config.schema.json"))
def schema_config(config: OnlyNamed = None) -> None:
    """Print the JSON Schema of the configuration file, for editors and other checks.

    It has the types of all packages that are installed; with -c, those that the configuration names.
    """
    named, problems = find_installed() if config is None else (_named(config), [])
    for problem in problems:
        sys.stderr.write(f"poller: left out: {problem}\n")
    _print(config_schema(named))


@app.command(name="asyncapi", epilog=examples("poller schema asyncapi -c config.yaml > asyncapi.json"))
def schema_asyncapi(config: Config = DEFAULT) -> None:
    """Print the AsyncAPI document of what this configuration delivers: topics, keys, messages, headers, schemas."""
    _print(asyncapi(load(config, os.environ)))


def _print(found: object) -> None:
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _named(config: Path) -> Named:
    """Return what a configuration names, which may be wrong otherwise. Raises ConfigError."""
    document = read_document(config, os.environ)
    named = find_named(document)
    if named.problems:
        raise document.error(named.problems.values())
    return named
