"""Every metric of a running poller: its name, its meaning, its labels."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias

from poller.telemetry.metrics import Counter, Family, Histogram, Labels, StateSet
from poller.telemetry.status import STATES, OutputStatus, StreamStatus

REASONS: Final = ("late", "edited", "skipped")
"""The reasons for which only a wider sweep brought a record."""

_SOURCE: Final = ("source",)
_STREAM: Final = ("source", "stream")

_REQUEST: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATENESS: Final = (1, 5, 15, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600, 168 * 3600)
_COMMIT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


_SOME = 50
"""Streams that are written at once, in less than a millisecond."""

Lines: TypeAlias = Iterator[str]
Values: TypeAlias = Iterable[tuple[Labels, float]]


class Catalogue:
    """All metrics: counters are kept here, gauges are read off the statuses at each scrape."""

    def __init__(self) -> None:
        self.statuses: Callable[[], Iterable[StreamStatus]] = tuple
        self.outputs: dict[str, OutputStatus] = {}
        self.version: str | None = None
        self.replica: str | None = None
        self.polls = Counter("poller_polls_total", "Polls, by how they ended.", ("outcome", *_STREAM, "sweep"))
        self.requests = Counter("poller_requests_total", "Requests to vendors, by answer.", ("code", *_SOURCE))
        self.records = Counter("poller_records_total", "Records read, old ones too.", _STREAM)
        self.events = Counter("poller_events_total", "Events delivered.", (*_STREAM, "type"))
        self.duplicates = Counter("poller_duplicates_total", "Records read that were no news.", _STREAM)
        self.stale = Counter("poller_stale_total", "Revisions dropped: a newer one was delivered.", _STREAM)
        self.rejects = Counter("poller_rejects_total", "Records delivered as rejects.", _STREAM)
        self.throttled = Counter("poller_throttled_seconds_total", "Waits that vendors asked for.", _SOURCE)
        self.found = Counter("poller_audit_found_total", "Records only a wider sweep brought.", ("reason", *_STREAM))
        self.drift = Counter("poller_schema_drift_total", "Fields that are not as documented.", _STREAM)
        self.output_errors = Counter("poller_output_errors_total", "Writes that failed.", ("output",))
        self.request_seconds = Histogram("poller_request_seconds", "Time to a whole answer.", _SOURCE, _REQUEST)
        self.lateness = Histogram("poller_lateness_seconds", "First seen, less the record's time.", _SOURCE, _LATENESS)
        self.commit_seconds = Histogram("poller_commit_seconds", "Time to deliver and save a batch.", (), _COMMIT)
        self.lag = Family("poller_lag_seconds", "Now, less the end before which all is covered.", _STREAM)
        self.gaps = Family("poller_gap_seconds", "Covered range that is still missing.", _STREAM)
        self.seen = Family("poller_seen_records", "Identities remembered.", _STREAM)
        self.state = StateSet("poller_stream_state", "1 for the state the stream is in.", ("state", *_STREAM), STATES)
        self.success = Family(
            "poller_last_success_timestamp_seconds", "When a sweep's last complete pass ended.", (*_STREAM, "sweep")
        )
        self.owned = Family("poller_source_owned", "1 on the replica that owns the source.", _SOURCE)
        self.up = Family("poller_output_up", "1 while the output takes what it is given.", ("output",))
        self.build = Family("poller_build_info", "The version that runs.", ("version",))

    def exposition(self) -> Iterator[str]:
        """Write every family, also those that have no sample yet, in pieces that take less than a millisecond each.

        The first pieces are empty: that is where the statuses are asked for.
        """
        statuses: list[StreamStatus] = []
        coming = iter(self.statuses())
        while some := list(islice(coming, _SOME)):
            statuses += some
            yield ""
        for family, lines in self._families(statuses):
            yield family.head
            while some_lines := list(islice(lines, _SOME)):
                yield "".join(some_lines)

    def _families(self, statuses: list[StreamStatus]) -> Iterator[tuple[Family, Lines]]:
        streams = [(status.source, status.stream) for status in statuses]
        sources = [(source,) for source in dict.fromkeys(source for source, _ in streams)]
        yield self.polls, self.polls.lines(("complete", *names) for names, _ in _sweeps(statuses))
        yield self.requests, self.requests.lines()
        yield self.events, self.events.lines()
        for counter in (self.records, self.duplicates, self.stale, self.rejects, self.drift):
            yield counter, counter.lines(streams)
        yield self.found, self.found.lines((reason, *stream) for stream in streams for reason in REASONS)
        yield self.throttled, self.throttled.lines(sources)
        yield self.output_errors, self.output_errors.lines((output,) for output in self.outputs.copy())
        for histogram in (self.request_seconds, self.lateness):
            yield histogram, histogram.lines(sources)
        yield self.commit_seconds, self.commit_seconds.lines([()])
        here = [status for status in statuses if status.here]  # another replica tells of the others
        yield self.state, (self.state.block((status.source, status.stream), status.state) for status in here)
        for family, values in self._gauges(statuses, here):
            yield family, (family.line(labels, value) for labels, value in values)

    def _gauges(self, statuses: list[StreamStatus], here: list[StreamStatus]) -> Iterator[tuple[Family, Values]]:
        keys = [(status.source, status.stream) for status in here]
        yield self.lag, _lags(statuses)
        yield self.gaps, zip(keys, (status.gap_seconds for status in here), strict=True)
        yield self.seen, zip(keys, (float(status.seen) for status in here), strict=True)
        yield self.success, ((labels, at.timestamp()) for labels, at in _sweeps(here) if at is not None)
        owned = {(status.source,): float(status.owner == self.replica) for status in statuses}
        yield self.owned, owned.items()
        yield self.up, (((output.name,), float(output.up)) for output in self.outputs.copy().values())
        yield self.build, [((self.version,), 1.0)] if self.version is not None else []


def _sweeps(statuses: list[StreamStatus]) -> Iterator[tuple[Labels, datetime | None]]:
    """Return all sweeps, and the end of each one's last complete pass."""
    return (
        ((status.source, status.stream, sweep.name), sweep.last_success)
        for status in statuses
        for sweep in status.sweeps
    )


def _lags(statuses: list[StreamStatus]) -> Iterator[tuple[Labels, float]]:
    """Return the lags of what is polled here, and of what was polled here last, while nobody polls it."""
    return (
        ((status.source, status.stream), status.lag_seconds)
        for status in statuses
        if status.lag_seconds is not None and (status.here or not status.owner)
    )
