"""The look of what commands print, at a terminal and into a pipe."""

import sys
from datetime import datetime

from rich.console import Console
from rich.text import Text

from outputs.escapes import escape_controls
from poller.humanize import format_duration_roughly

COLOURS = {
    "ok": "green", "waiting": "cyan", "paused": "red", "denied": "red", "gap": "yellow", "suspect": "yellow",
    "late": "yellow",
}  # fmt: skip


def printable(text: str) -> str:
    """Return a text without what drives a terminal or begins a line: a vendor may have said it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def line(*parts: tuple[str, str]) -> Text:
    """Texts, each with its colour; nothing in them is taken for markup, and nothing drives the terminal."""
    return Text.assemble(*((printable(text), colour) for text, colour in parts))


def console() -> Console:
    """The terminal: no colour where NO_COLOR says so, nothing highlighted but by us."""
    return Console(highlight=False, soft_wrap=True)


def cell(text: str) -> str:
    """One cell of a plain line: never empty, no white space but single spaces."""
    return printable(" ".join(text.split())) or "-"


def soon(moment: datetime | None, now: datetime) -> str:
    """Return how far off a time is, in words."""
    if moment is None:
        return "-"
    return f"in {format_duration_roughly(moment - now)}" if moment > now else "due"


def print_json(found: bytes) -> None:
    """Print what a program reads, and maybe a person at a terminal."""
    sys.stdout.write(escape_controls(found.decode()) + "\n")


def say(words: str) -> None:
    """Tell the operator something beside what was asked for."""
    sys.stderr.write(f"poller: {words}\n")
