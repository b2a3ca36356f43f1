"""The numbers of a page, as those who read it hand them to telemetry."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from poller.telemetry.fields import Sample


class Counts(Protocol):
    """The numbers that one page came to.

    `stale` are revisions older than the one already delivered; `events` are counted by type, `found` by reason: what a
    wider sweep brought. `lateness` holds, for each new record, the seconds since its own time, `drifted` the names of
    fields that the vendor's file does not know.
    """

    records: int
    duplicates: int
    stale: int
    rejects: int
    events: Counter[str]
    found: Counter[str]
    lateness: list[float]
    drifted: set[str]

    @property
    def samples(self) -> Sequence[Sample]:
        """What stood in the documented fields of some records."""
