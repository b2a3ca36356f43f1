"""The input and the result of reading one page: its context, and its batch of messages."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from outputs import Message
from poller.events.drift import Sample
from poller.events.seen import Entry, pack_rows
from poller.plugin.stream import Page, Window


@dataclass(frozen=True, slots=True)
class PageContext:
    """A page's circumstances, which decide what of it is news. All times are aware, in UTC.

    `baseline`: during a sweep's first complete pass, records that lie wholly before this time are noted in silence.
    `doubts`: the keys of identities whose last delivery is in doubt; what they show is news.
    `is_audit`: the sweep is a wider one; what is news to it, the fast ones missed.
    `names`: the batch lists the identities that the page held.
    `reached`: the start of the present window of `live`. A wider sweep has it after its first pass; it tells records
    that were late from those that were skipped. `live_by_modified`: that window is about the modification stamp, so
    what is stamped in it is nothing that only a wider sweep brings.
    `history`: records in this range are news if they were never seen or are still silent baseline; all others of
    that sort are left alone.
    `left_alone_before`: records that were never seen and lie wholly before this time were not asked for.
    `looks`: the page's first news is looked at for fields that are not as documented (`drift`).
    """

    now: datetime
    baseline: datetime | None = None
    doubts: Collection[int] = ()
    is_audit: bool = False
    names: bool = False
    reached: datetime | None = None
    live_by_modified: bool = False
    history: Window | None = None
    left_alone_before: datetime | None = None
    looks: bool = True

    def of_page(self, page: Page, start: datetime | None, *, looks: bool) -> "PageContext":
        """Return the context with what the page says of itself; `start` is the stream's, None for all there is."""
        asked_from = min(page.asked_from, start) if page.asked_from and start else None
        baseline = start if page.begins_anew else self.baseline
        return replace(self, baseline=baseline, left_alone_before=asked_from, looks=looks)


@dataclass(slots=True)
class SeenUpdate:
    """The changes that `seen` takes on once a batch is delivered.

    `entries` are saved with the commit, and cannot be changed once they are packed for it; `touched` are kept in memory
    only, since losing them costs a comparison at most. `delivered` are the keys that the batch tells of, whose doubts
    end.
    """

    entries: dict[int, Entry] = field(default_factory=dict)
    touched: dict[int, Entry] = field(default_factory=dict)
    delivered: set[int] = field(default_factory=set)
    _rows: list[bytes] | None = field(default=None, init=False, compare=False)

    def rows(self) -> Sequence[bytes]:
        """Return the packed entries; those that are saved are the ones that memory takes."""
        if self._rows is None:
            self._rows = pack_rows(self.entries)
            self.entries = MappingProxyType(self.entries)  # type: ignore[assignment]  # whoever changes them now, fails
        return self._rows


@dataclass(slots=True)
class Counts:
    """The numbers of a batch, for telemetry.

    `stale` are revisions older than the one already delivered; `events` are counted by type; `found` by reason (edited,
    late, skipped), which is what a wider sweep brought. `found_ages` has the reason and the age, in seconds since its
    own time, of each record that is counted in `found`. `lateness` holds, for each new record, the seconds since its
    own time, `drifted` the paths of undocumented fields, `samples` what stood in the documented ones.
    """

    records: int = 0
    duplicates: int = 0
    stale: int = 0
    rejects: int = 0
    events: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    found_ages: list[tuple[str, float]] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    drifted: set[str] = field(default_factory=set)
    samples: list[Sample] = field(default_factory=list)

    @property
    def created(self) -> int:
        """Return the number of records that were never seen before."""
        return sum(count for type_, count in self.events.items() if type_.endswith(".created"))


@dataclass(slots=True)
class Batch:
    """The result of one page: its messages in order, and what follows from their delivery.

    `identities` are those that the page held, where its context asks for them.
    """

    messages: list[Message] = field(default_factory=list)
    seen: SeenUpdate = field(default_factory=SeenUpdate)
    identities: set[str] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)
