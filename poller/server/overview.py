"""One look at a running poller: every stream with what is to be said of it, the outputs, and the verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from poller.server.diagnosis import Diagnosis, diagnose, waits_behind
from poller.telemetry.status import STATES, OutputStatus, StreamStatus, as_json, rfc3339


@dataclass(frozen=True, slots=True)
class StreamOverview:
    """A stream, whose fault it is, and up to when it is complete (None: not known)."""

    status: StreamStatus
    blame: Diagnosis
    covered_until: datetime | None
    events: Sequence[int]

    @property
    def name(self) -> str:
        """As commands name it in their output."""
        return f"{self.status.source}/{self.status.stream}"

    @property
    def troubled(self) -> bool:
        """Whether something is missing, or may be."""
        return self.status.here and self.status.state not in {"ok", "waiting"}

    @property
    def since(self) -> datetime | None:
        """From when on something may be missing."""
        moments = [gap.start for gap in self.status.gaps] + ([self.covered_until] if self.covered_until else [])
        return min(moments, default=None)


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, streams in the order of the configuration; `reasons` say why nothing can be delivered."""

    streams: Sequence[StreamOverview]
    outputs: Sequence[OutputStatus]
    reasons: Sequence[str]
    now: datetime

    def urgent_first(self) -> list[StreamOverview]:
        """The streams, troubled ones first, those that others poll last."""
        return sorted(self.streams, key=_urgency)


class TelemetryLookup(NamedTuple):
    """What telemetry knows of a stream, by source and stream: how its sweeps failed, its events a minute."""

    failures: Callable[[str, str], Mapping[str, str]]
    events: Callable[[str, str], Sequence[int]]


def overview_of(
    statuses: Sequence[StreamStatus],
    outputs: Sequence[OutputStatus],
    reasons: Sequence[str],
    asked: TelemetryLookup,
    now: datetime,
) -> Overview:
    """Put together what is known at this moment."""
    alone = [_stream(status, outputs, reasons, asked, now) for status in statuses]
    by_source: dict[str, dict[str, Diagnosis]] = {}
    for of in alone:
        by_source.setdefault(of.status.source, {})[of.name] = of.blame
    streams = [replace(of, blame=waits_behind(of.blame, by_source[of.status.source])) for of in alone]
    return Overview(streams, outputs, reasons, now)


def _stream(
    status: StreamStatus, outputs: Sequence[OutputStatus], reasons: Sequence[str], asked: TelemetryLookup, now: datetime
) -> StreamOverview:
    names = (status.source, status.stream)
    lag = status.lag_seconds
    covered = None if lag is None else (now - timedelta(seconds=lag)).replace(microsecond=0)
    found = diagnose(status, asked.failures(*names), outputs, reasons)
    return StreamOverview(status, found, covered, asked.events(*names))


def _urgency(of: StreamOverview) -> tuple[bool, int, bool, str, str]:
    status = of.status
    return not status.here, STATES.index(status.state), of.blame.fault is None, status.source, status.stream


def stream_json(of: StreamOverview) -> dict[str, Any]:
    """One object of `/api/streams`."""
    return as_json(of.status) | {
        "covered_until": rfc3339(of.covered_until) if of.covered_until else None,
        "fault": of.blame.fault,
        "reason": of.blame.reason,
        "events_per_minute": list(of.events),
    }


def output_json(output: OutputStatus) -> dict[str, Any]:
    """One of the outputs in `/api/status`."""
    return {"name": output.name, "up": output.up, "since": rfc3339(output.since), "error": output.error}
