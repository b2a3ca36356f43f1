"""The commands by their names and summaries; the module of one is imported when it is asked for, and no other is.

All that polls, and all vendors, would else be imported for the sake of `poller --help`, and the sandbox for each run.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

SUMMARIES: Mapping[str, str] = {
    "run": "Poll all sources and deliver their events, until SIGTERM or Ctrl-C.",
    "demo": "Simulate all vendors on this machine, and poll them: events come to standard output until Ctrl-C.",
    "sandbox": (
        "Simulate all vendors over HTTP on this machine, until Ctrl-C; print their address and the credentials they "
        "take."
    ),
    "record": (
        "Poll one source as a dry run would, and keep what its vendor was asked and answered, until Ctrl-C at the "
        "latest."
    ),
    "backfill": ("Read the history of a stream once, in slices; records that were never delivered come as created."),
    "check": ("Say whether `poller run` would start and could work, one line for each source, output and the state."),
    "streams": "Show where every stream stands: how far it is behind, what is missing, and its last error.",
    "explain": "Say what each sweep of a stream asks next, when and why; or, with --id, what is known of one record.",
    "state": "Carry the state about, rename its sources, or forget what it knows; only while no poller runs.",
    "schema": "Print JSON Schemas of events and of the configuration, or an AsyncAPI document.",
}
"""What `poller --help` says of each command: the first paragraph of its own help."""


class Later(TyperCommand):
    """A command whose module is not imported yet: `poller.cli.NAME`, where `app` is the command or its group."""

    def load(self) -> Any:
        """Import the module, and return the command itself."""
        return typer.main.get_command(import_module(f"{__package__}.{self.name}").app)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Return the context of the command itself, which is what is run."""
        import_module("poller.telemetry").configure_logging(sys.stderr)
        return self.load().make_context(*arguments, **options)


class Commands(TyperGroup):
    """All commands, each of them for later."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in SUMMARIES.items():
            self.add_command(Later(name=name, help=summary))
