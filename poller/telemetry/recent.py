"""The recent past of each stream: its events of the last hour, minute by minute, and how its sweeps failed."""

from array import array
from collections.abc import Callable
from typing import Final, TypeAlias

Names: TypeAlias = tuple[str, str]
"""A source and a stream."""

MINUTES: Final = 60


class Recent:
    """A memory written by the event loop and read by any thread. `clock` gives seconds that only rise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rings: dict[Names, _Ring] = {}
        self._failures: dict[Names, dict[str, str]] = {}

    def delivered(self, names: Names, events: int) -> None:
        """Note that this many events went out now."""
        if not events:
            return
        ring = self._rings.get(names)
        if ring is None:
            ring = self._rings[names] = _Ring()
        ring.add(self._minute(), events)

    def events(self, names: Names) -> list[int]:
        """Return the events a minute, oldest first; the last one is the minute that still runs."""
        ring = self._rings.get(names)
        return ring.read(self._minute()) if ring else [0] * MINUTES

    def failed(self, names: Names, sweep: str, outcome: str) -> None:
        """Note how a pass broke off."""
        self._failures.setdefault(names, {})[sweep] = outcome

    def completed(self, names: Names, sweep: str) -> None:
        """Note a complete pass: the failure before it is over."""
        if failures := self._failures.get(names):
            failures.pop(sweep, None)

    def failures(self, names: Names) -> dict[str, str]:
        """Return the outcome of each sweep's last pass, where that one failed in this process."""
        return dict(self._failures.get(names, ()))

    def _minute(self) -> int:
        return int(self._clock() // 60)


class _Ring:
    """A ring with a slot for each of the last minutes; the next event empties those that passed without one."""

    __slots__ = ("_last", "_slots")

    def __init__(self) -> None:
        self._slots, self._last = array("Q", bytes(8 * MINUTES)), 0

    def add(self, minute: int, events: int) -> None:
        for passed in range(max(self._last + 1, minute - MINUTES + 1), minute + 1):
            self._slots[passed % MINUTES] = 0
        self._last = minute
        self._slots[minute % MINUTES] += events

    def read(self, minute: int) -> list[int]:
        slots, last = self._slots[:], self._last
        first = minute - MINUTES + 1
        return [slots[at % MINUTES] if last - MINUTES < at <= last else 0 for at in range(first, minute + 1)]
