"""The status of a stream and of an output, for metrics, the page and `/api/streams`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct, field
from msgspec.structs import asdict

State: TypeAlias = Literal["paused", "denied", "gap", "suspect", "late", "waiting", "ok"]
"""The state of a stream: the first of these that holds.

paused: an output is down; denied: its source's credential is refused; gap: a gap is open; suspect: too much vanished
at once; late: its lag is too long; waiting: it backs off or was never polled; ok: none of these.
"""

STATES: tuple[State, ...] = get_args(State)


class GapStatus(Struct, frozen=True):
    """A range that is still missing, found at `since`; times aware, UTC. `kind` says why it is open."""

    sweep: str
    start: datetime
    end: datetime
    kind: str
    since: datetime


class SweepStatus(Struct, frozen=True):
    """A sweep's status. `last_success` is the end of its last complete pass, None before the first one."""

    name: str
    last_success: datetime | None
    next_poll: datetime | None
    last_error: str | None


class BackfillStatus(Struct, frozen=True):
    """A backfill's status: ordered from `start` to `end`, read up to `at`; `error` is that of the last try."""

    start: datetime
    end: datetime
    at: datetime
    records: int
    events: int
    error: str | None

    @property
    def share(self) -> float:
        """The part of the range that is read, 0 to 1."""
        return (self.at - self.start) / (self.end - self.start)


class FindingStatus(Struct, frozen=True):
    """Records that only an audit brought, for one `reason` (late, edited, skipped).

    `share` of them, 0 to 1, were found `within` so many seconds of their own time; `advice` is the setting of a faster
    sweep that would have brought these. None where that cannot be told, or is no use.
    `text` says all that to people.
    """

    sweep: str
    reason: str
    records: int
    text: str
    share: float | None = None
    within: float | None = None
    advice: str | None = None


class StreamGauges(Struct, frozen=True, gc=False):
    """What the metrics say of a stream: the part of its status that each scrape asks of thousands of them.

    The fields mean what they mean in `StreamStatus`; `successes` are its sweeps' names, each with its `last_success`.
    """

    source: str
    stream: str
    state: State
    lag_seconds: float | None
    owner: str
    seen: int
    gap_seconds: float
    successes: Sequence[tuple[str, datetime | None]]
    here: bool = True


class StreamStatus(Struct, frozen=True):
    """A stream's status.

    `lag_seconds` is None before the first complete pass. `owner` is the replica that polls the source ("": none, or
    not known); where it is not polled `here`, only its lag may be known, while nobody does. `seen` counts identities
    remembered, `gap_seconds` the covered range that is still missing; `backfill` is None where no history is left to
    be read. `found` is what its audits found, `suspicion` why it is suspect where it fell silent. `coverage` are the
    ranges of the vendor's time that were read completely, by sweep, and by `backfill`. `covered_until` and
    `settled_until` are what progress events say, so they never go back; the lag is longer where records are left to be
    read again, or where a gap has opened before that time. `unmapped` are words of a described field that were met
    since the start and are none of ours.
    """

    source: str
    stream: str
    state: State
    lag_seconds: float | None
    gaps: list[GapStatus]
    last_error: str | None
    owner: str
    sweeps: list[SweepStatus]
    seen: int
    gap_seconds: float
    backfill: BackfillStatus | None = None
    here: bool = True
    found: list[FindingStatus] = field(default_factory=list)
    suspicion: str | None = None
    covered_until: datetime | None = None
    settled_until: datetime | None = None
    coverage: dict[str, tuple[tuple[datetime, datetime], ...]] = field(default_factory=dict)
    unmapped: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_barren(self) -> bool:
        """True if its list was read to the end, and no record of it is known: nobody can tell that from a filter that
        lets nothing through."""
        return self.here and self.covered_until is not None and not self.seen

    @property
    def gauges(self) -> StreamGauges:
        """The part of it that the metrics say."""
        successes = [(sweep.name, sweep.last_success) for sweep in self.sweeps]
        return StreamGauges(
            self.source,
            self.stream,
            self.state,
            self.lag_seconds,
            self.owner,
            self.seen,
            self.gap_seconds,
            successes,
            self.here,
        )


class OutputStatus(Struct, frozen=True):
    """An output's status: up or down since `since`; `error` is that of the last write, None while it is up."""

    name: str
    up: bool
    error: str | None
    since: datetime


def rfc3339(moment: datetime) -> str:
    """Write an aware time as `2026-03-14T16:15:50.120Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def as_json(status: StreamStatus) -> dict[str, Any]:
    """Return one object of `/api/streams`: plain values only, times in RFC 3339."""
    return {
        "source": status.source,
        "stream": status.stream,
        "state": status.state,
        "lag_seconds": status.lag_seconds,
        "covered_until": _time(status.covered_until),
        "settled_until": _time(status.settled_until),
        "gap_seconds": status.gap_seconds,
        "gaps": [_gap(gap) for gap in status.gaps],
        "last_error": status.last_error,
        "owner": status.owner,
        "seen": status.seen,
        "backfill": _backfill(status.backfill) if status.backfill else None,
        "sweeps": [_sweep(sweep) for sweep in status.sweeps],
        "suspicion": status.suspicion,
        "coverage": {
            name: [[rfc3339(start), rfc3339(end)] for start, end in ranges] for name, ranges in status.coverage.items()
        },
        "found": [asdict(finding) for finding in status.found],
        "unmapped": status.unmapped,
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def _gap(gap: GapStatus) -> dict[str, str]:
    return {
        "start": rfc3339(gap.start),
        "end": rfc3339(gap.end),
        "kind": gap.kind,
        "sweep": gap.sweep,
        "since": rfc3339(gap.since),
    }


def _backfill(backfill: BackfillStatus) -> dict[str, Any]:
    times = {"start": rfc3339(backfill.start), "end": rfc3339(backfill.end), "at": rfc3339(backfill.at)}
    return {**times, "records": backfill.records, "events": backfill.events, "error": backfill.error}


def _sweep(sweep: SweepStatus) -> dict[str, str | None]:
    return {
        "name": sweep.name,
        "last_success": _time(sweep.last_success),
        "next_poll": _time(sweep.next_poll),
        "last_error": sweep.last_error,
    }
