"""Clocks for tests: one that stands still."""

from datetime import datetime, timedelta

from poller.clock import Clock


def still(moment: datetime) -> Clock:
    """A clock that says the same time for ever."""
    return Clock(_nobody, lambda: moment, lambda: 0.0)


def _nobody(_: timedelta) -> None:
    raise AssertionError("a clock that stands still is not stepped")
