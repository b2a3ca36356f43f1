"""`poller schema`: prints a JSON Schema."""

import json
import sys

import typer

from poller.cli.options import examples
from poller.config.json_schema import config_schema
from poller.events.json_schema import event_schema

schema = typer.Typer(help="Print a JSON Schema, of events or of the configuration.", no_args_is_help=True)


@schema.command(name="event", epilog=examples("poller schema event > event.schema.json"))
def schema_event() -> None:
    """Print the JSON Schema of everything that is written to an output: events and rejects."""
    sys.stdout.write(json.dumps(event_schema(), indent=2) + "\n")


@schema.command(name="config", epilog=examples("poller schema config > config.schema.json"))
def schema_config() -> None:
    """Print the JSON Schema of the configuration file, for editors and other checks."""
    sys.stdout.write(json.dumps(config_schema(), indent=2) + "\n")
