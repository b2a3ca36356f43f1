"""The wall clock. Everything below the commands is given one and never asks the system for the time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Now: TypeAlias = Callable[[], datetime]
"""A clock: returns the current time (aware, UTC)."""


def utc_now() -> datetime:
    """Return the current time (aware, UTC)."""
    return datetime.now(UTC)
