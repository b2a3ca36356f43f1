"""The nouns of a source: a stream and its sweeps, what they ask for and what comes back."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

import msgspec

from poller.plugin.record_type import RecordType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """A range that a pass asks for, both ends included (aware, UTC).

    `end` is our now, unless the range is to have an end: most lists are asked open-ended.
    """

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment lies in the window; both ends do."""
        return self.start <= moment <= self.end


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """The end that a complete pass covered (aware, UTC), by the vendor's clock; `token` is the vendor's word for it, if
    it has one (a sync token)."""

    until: Annotated[datetime, msgspec.Meta(tz=True)]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The end of a complete pass, said with its last page, so that both are one commit.

    `cursor` is what the pass covered; None where it moves nothing. `unreadable` are the parts of the asked range that
    the list does not reach; they are left to other sweeps. `unsupported` says why the vendor offers no way for this
    sweep: the sweep then rests for a day.
    """

    cursor: Cursor | None = None
    unreadable: tuple[Window, ...] = ()
    unsupported: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one answer as sent, each one JSON value in UTF-8; the last page of a complete pass has an `end`.

    A page without an end is delivered but moves nothing: a pass that stops after it begins again. A fetch that returns
    without having said an end is complete, too, as if its last page had said `End()`. `to_fetch` are the ids of further
    records, each to be read by itself (see `Sweep.reread`), and how long ago, by the vendor's clock, they changed.

    `asked_from` is set where a list cannot be asked for the window alone, and is the window's start: an unseen record
    that lies wholly before it, and before the stream's `start`, is left alone. `begins_anew` is set where a chain of
    changes has broken and begins again: old records that are unseen are noted in silence, as in a first complete pass.

    `facts` are remembered with the stream (see `Http.knows`). A `notice` is, too, and is told when it is new.
    """

    records: Sequence[bytes | msgspec.Raw]
    to_fetch: Mapping[str, timedelta] = field(default_factory=dict)
    end: End | None = None
    asked_from: datetime | None = None
    begins_anew: bool = False
    facts: frozenset[str] = frozenset()
    notice: str | None = None


@dataclass(frozen=True)
class Response:
    """An answer read whole. `date` is the vendor's clock (its `Date` header; aware, UTC), None where it sent none.

    `sent` is the body in UTF-8, in which NaN and Infinity may stand where there is to be JSON; `mend` takes them out.
    The names of `headers` are in lower case.
    """

    status: int
    sent: bytes
    date: datetime | None
    headers: Mapping[str, str] = field(default_factory=dict)
    mend: Callable[[bytes], bytes] = bytes

    @cached_property
    def body(self) -> bytes:
        """The body as JSON, as far as it can be mended. To look through it costs: `decode_response` does if it must."""
        return self.mend(self.sent)


Query: TypeAlias = str | Mapping[str, str | Sequence[str]]
"""The query of a request: a raw one, which is sent as it is; or parameters, of which one may come several times."""


class Http(Protocol):
    """A source's session, which knows the origin, the credential, the limits. Paths are relative to `base_url`."""

    @abstractmethod
    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Ask once: a POST where there is a `body` (JSON), else a GET.

        Raises SourceError for every status not in `accept`, and for whatever breaks on the way.
        """

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        """Ask once by GET, as `ask` does."""
        return await self.ask(path, params, accept=accept)

    async def read(
        self,
        path: str,
        query: Query,
        believed: Callable[[Response], T],
        *,
        body: bytes | None = None,
        accept: Collection[int] = (200,),
    ) -> T:
        """Ask, as `ask` does, and return what `believed` makes of the answer. It raises SourceError where that is none.

        Within a pass such an answer is asked for again, as one that did not come: `believed` may be called several
        times, and remembers nothing.
        """
        return believed(await self.ask(path, query, body=body, accept=accept))

    @abstractmethod
    def answered(self, path: str) -> bool:
        """Return whether this path has given a 200 to this credential since the program started."""

    def knows(self, fact: str) -> bool:
        """Return whether a page of this stream ever had this fact."""
        del fact
        return False


Fetch: TypeAlias = Callable[[Http, Cursor | None, Window], AsyncIterator[Page]]
"""Yield all that the window asks for, one page a request, then return: the pass is complete. Raise SourceError
otherwise. Never sleeps, retries, counts or stores. The cursor is that of the sweep's last complete pass."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A kind of reading pass. `lookback` is None where a pass has no window (it always reads the whole list).

    `from_lookback_only`: it follows changes, so its first poll reaches back by its lookback only, never to `start`.
    `advisory`: a fast look, which moves no cursor and leaves no gap. `is_audit`: a wider sweep; what is news to it, the
    fast ones missed. `reread` reads one record that this sweep's pages named; an empty page where the vendor has no
    such record. `snapshot`: always whole, and what two complete passes in a row no longer hold was deleted. `ranges`
    reads a window that has an end, by the same filter as `fetch`, so that a long one can be read in slices; None where
    the list cannot be asked for that. `by_modified`: its window is about the records' modification stamp, so that it
    brings whatever was stamped in it, however old the record.
    """

    name: str
    every: timedelta
    lookback: timedelta | None
    fetch: Fetch
    from_lookback_only: bool = False
    advisory: bool = False
    is_audit: bool = False
    reread: Callable[[Http, str], Awaitable[Page]] | None = None
    snapshot: bool = False
    ranges: "History | None" = None
    by_modified: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """A way to read what began long ago, by the records' own time: `fetch` reads a window that has an end.

    `smallest` is the shortest slice that the vendor's filter can tell from another; None where a list can only be read
    down to the window's start, so that all of a range is one slice.
    """

    fetch: Fetch
    smallest: timedelta | None


@dataclass(frozen=True, slots=True)
class Stream:
    """A list endpoint of a vendor: its sweeps, and its type of records.

    `history` is None where there is no history to be read: a reference list is always read whole.
    """

    name: str
    sweeps: tuple[Sweep, ...]
    records: RecordType[Any]
    history: History | None = None

    @property
    def forever(self) -> bool:
        """True if the stream's identities are remembered for ever: a whole list meets them again at every pass."""
        return any(sweep.lookback is None for sweep in self.sweeps)


BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""The time that `start: all` reaches back to: no vendor here holds anything older."""
