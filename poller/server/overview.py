"""An overview of a running poller at one moment, for the page and /api: its streams, their troubles, its outputs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from poller.server.diagnosis import Diagnosis, diagnose, waits_behind
from poller.telemetry.status import STATES, OutputStatus, StreamStatus, as_json, rfc3339


@dataclass(frozen=True, slots=True)
class StreamOverview:
    """A stream's status, and what is wrong with it.

    `events` are those of the last 60 minutes, by minute, the running one last.
    """

    status: StreamStatus
    diagnosis: Diagnosis
    events: Sequence[int]

    @property
    def name(self) -> str:
        """The stream's name as commands print it: source/stream."""
        return f"{self.status.source}/{self.status.stream}"

    @property
    def troubled(self) -> bool:
        """True if something of the stream is missing, or may be."""
        return self.status.here and self.status.state not in {"ok", "waiting"}

    @property
    def since(self) -> datetime | None:
        """The time from which on something may be missing, None where that is not known."""
        moments = [gap.start for gap in self.status.gaps]
        moments += [self.status.covered_until] if self.status.covered_until else []
        return min(moments, default=None)


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A range of a stream that is read beside what is new: a backfill, or the gap of the sweep that `reader` names.

    What lies before `at` is read, and the range ends at `end`. `share` is the part that is read, 0 to 1, None where
    that is not known: a gap does not keep where it began.
    """

    stream: str
    reader: str
    at: datetime
    end: datetime
    share: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All streams, in the order of the configuration, and all outputs; `reasons` say why nothing can be delivered."""

    streams: Sequence[StreamOverview]
    outputs: Sequence[OutputStatus]
    reasons: Sequence[str]
    now: datetime

    def urgent_first(self) -> list[StreamOverview]:
        """Return the streams: those in trouble first, those that other replicas poll last."""
        return sorted(self.streams, key=_urgency)

    def catch_ups(self) -> list[CatchUp]:
        """Return what is being read after the event, by stream; not what a vendor's list does not reach."""
        return [catch_up for stream in self.streams for catch_up in _catch_ups(stream)]


class TelemetryLookup(NamedTuple):
    """Two questions to telemetry, by source and stream: how its sweeps failed last, and its events by minute."""

    failures: Callable[[str, str], Mapping[str, str]]
    events: Callable[[str, str], Sequence[int]]


def overview_of(
    statuses: Iterable[StreamStatus],
    outputs: Sequence[OutputStatus],
    reasons: Sequence[str],
    lookup: TelemetryLookup,
    now: datetime,
) -> Overview:
    """Return what is known at this moment."""
    alone = [_stream(status, outputs, reasons, lookup) for status in statuses]
    by_source: dict[str, dict[str, Diagnosis]] = {}
    for stream in alone:
        by_source.setdefault(stream.status.source, {})[stream.name] = stream.diagnosis
    streams = [_beside(stream, by_source[stream.status.source]) for stream in alone]
    return Overview(streams, outputs, reasons, now)


def _beside(stream: StreamOverview, siblings: Mapping[str, Diagnosis]) -> StreamOverview:
    found = waits_behind(stream.diagnosis, siblings)
    return stream if found is stream.diagnosis else replace(stream, diagnosis=found)


def _stream(
    status: StreamStatus,
    outputs: Sequence[OutputStatus],
    reasons: Sequence[str],
    lookup: TelemetryLookup,
) -> StreamOverview:
    names = (status.source, status.stream)
    found = diagnose(status, lookup.failures(*names), outputs, reasons)
    return StreamOverview(status, found, lookup.events(*names))


def _urgency(stream: StreamOverview) -> tuple[bool, int, bool, str, str]:
    status = stream.status
    return not status.here, STATES.index(status.state), stream.diagnosis.fault is None, status.source, status.stream


def _catch_ups(stream: StreamOverview) -> Iterator[CatchUp]:
    if backfill := stream.status.backfill:
        yield CatchUp(stream.name, "backfill", backfill.at, backfill.end, backfill.share)
    for gap in stream.status.gaps:
        if gap.kind != "unreadable":
            yield CatchUp(stream.name, gap.sweep, gap.start, gap.end, None)


def catch_up_json(catch_up: CatchUp) -> dict[str, Any]:
    """Return one of the ranges that are caught up with in `/api/status`."""
    until, end = rfc3339(catch_up.at), rfc3339(catch_up.end)
    return {"stream": catch_up.stream, "reader": catch_up.reader, "at": until, "end": end, "share": catch_up.share}


def stream_json(stream: StreamOverview) -> dict[str, Any]:
    """Return one object of `/api/streams`."""
    return as_json(stream.status) | {
        "fault": stream.diagnosis.fault,
        "reason": stream.diagnosis.reason,
        "events_per_minute": list(stream.events),
    }


def output_json(output: OutputStatus) -> dict[str, Any]:
    """Return one of the outputs in `/api/status`."""
    return {"name": output.name, "up": output.up, "since": rfc3339(output.since), "error": output.error}
