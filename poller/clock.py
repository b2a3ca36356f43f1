"""The wall clock. Everything below the commands is given one and never asks the system for the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

Now: TypeAlias = Callable[[], datetime]
"""A clock: returns the current time (aware, UTC)."""

_STEP = timedelta(seconds=1)
"""A clock that is moved by less is not worth a word: it may have been slewed while nobody asked."""
_SKEW = timedelta(seconds=10)
"""The clocks of two replicas may differ by so much."""


def utc_now() -> datetime:
    """Return the current time (aware, UTC)."""
    return datetime.now(UTC)


class Clock:
    """A wall clock that notices when it is stepped: by hand, by NTP, or because the machine slept.

    Called, it returns the time as the wall clock has it (aware, UTC). `stepped` is the sum of its steps so far, forth
    less back. `steady` gives seconds that only rise; `told` is given each step once.
    """

    def __init__(
        self,
        told: Callable[[timedelta], None],
        wall: Now = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stepped = timedelta(0)
        self._told, self._wall, self._steady = told, wall, steady
        self._at, self._seconds = wall(), steady()
        self._was_ahead = False

    def check_noted(self, moment: datetime) -> None:
        """Tell, once, that the clock was stepped back while nobody watched, where it noted a later time before.

        Nothing is carried over: who reads saved times takes none that lies ahead for what it says.
        """
        ahead = moment - self()
        if ahead > _SKEW and not self._was_ahead:
            self._was_ahead = True
            self._told(-ahead)

    def __call__(self) -> datetime:
        """Return the time. Where the wall clock moved otherwise than the steady one, that was a step."""
        now, seconds = self._wall(), self._steady()
        step = now - self._at - timedelta(seconds=seconds - self._seconds)
        self._at, self._seconds = now, seconds
        if abs(step) > _STEP:
            self.stepped += step
            self._told(step)
        return now


class Follower(Protocol):
    """Something that waits for times of the wall clock. `stepped` are the steps that its times take into account."""

    stepped: timedelta

    def shift(self, by: timedelta) -> None:
        """Have all that waits for a time wait for one so much later: it waits as long as it would have."""
        ...


def later(moment: datetime | None, by: timedelta) -> datetime | None:
    """Return a time that is waited for so much later; None where none is."""
    return moment + by if moment else None


def follow(clock: Clock, *those: Follower) -> datetime:
    """Return the time, and carry the clock's steps over to what waits: none makes anything due, or delays it.

    Where a time is computed from one that this returned, the two agree.
    """
    now = clock()
    for follower in those:
        if step := clock.stepped - follower.stepped:
            follower.stepped = clock.stepped
            follower.shift(step)
    return now
