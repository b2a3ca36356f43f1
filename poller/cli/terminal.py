"""What several commands show at a terminal, or into a pipe."""

import sys
from datetime import datetime

from rich.console import Console
from rich.text import Text

from poller.cli.options import wait
from poller.config.settings import Settings
from poller.humanize import format_duration_roughly
from poller.state.open import missing_state

COLOURS = {
    "ok": "green", "waiting": "cyan", "paused": "red", "denied": "red", "gap": "yellow", "suspect": "yellow",
    "late": "yellow",
}  # fmt: skip


def line(*parts: tuple[str, str]) -> Text:
    """Texts, each with its colour; nothing in them is taken for markup."""
    return Text.assemble(*parts)


def console() -> Console:
    """The terminal: no colour where NO_COLOR says so, nothing highlighted but by us."""
    return Console(highlight=False, soft_wrap=True)


def cell(text: str) -> str:
    """One cell of a plain line: never empty, no white space but single spaces."""
    return " ".join(text.split()) or "-"


def soon(moment: datetime | None, now: datetime) -> str:
    """How far off a time is."""
    if moment is None:
        return "-"
    return f"in {format_duration_roughly(moment - now)}" if moment > now else "due"


def say_absent(settings: Settings) -> None:
    """Without a state all looks as it does before the first poll: another folder's state may have been meant."""
    if missing := wait(lambda: missing_state(settings.state)):
        sys.stderr.write(f"poller: {missing}\n")
