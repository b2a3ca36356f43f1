"""What one page is read under, and what it comes to."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from outputs import Message
from poller.events.seen import Entry
from poller.plugin.stream import Window


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page is read under. Times are aware, UTC.

    `baseline`: during a sweep's first complete pass, records wholly before it are noted in silence. `doubts`: the
    identities whose last delivery is in doubt. `reached`: where the window of `live` begins now, given to a wider
    sweep after its first pass, so that what it finds can be told apart. `names`: the batch says whom the page held.
    `history`: of what was never seen, or is still silent baseline, all that lies in this range is news.
    """

    now: datetime
    baseline: datetime | None = None
    doubts: Collection[int] = ()
    is_audit: bool = False
    names: bool = False
    reached: datetime | None = None
    history: Window | None = None


@dataclass(slots=True)
class Batch:
    """What one page comes to: messages in order, and what seen will hold once they are delivered."""

    messages: list[Message] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    touched: dict[int, Entry] = field(default_factory=dict)
    delivered: set[int] = field(default_factory=set)
    events: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    lateness: list[float] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    drifted: set[str] = field(default_factory=set)
    records: int = 0
    duplicates: int = 0
    stale: int = 0
    rejects: int = 0
