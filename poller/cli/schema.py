"""`poller schema`: prints a JSON Schema."""

import json
import sys

import typer

from poller.config.json_schema import config_schema
from poller.events.json_schema import event_schema

schema = typer.Typer(help="Print a JSON Schema.", no_args_is_help=True)


@schema.command(name="event")
def schema_event() -> None:
    """Of everything that is ever written to an output."""
    sys.stdout.write(json.dumps(event_schema(), indent=2) + "\n")


@schema.command(name="config")
def schema_config() -> None:
    """Of the configuration."""
    sys.stdout.write(json.dumps(config_schema(), indent=2) + "\n")
