"""Every metric of a running poller: its name, its meaning, its labels."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from poller.telemetry.metrics import Counter, Histogram, gauge
from poller.telemetry.status import STATES, OutputStatus, StreamStatus

REASONS: Final = ("late", "edited", "skipped")
"""The reasons for which only a wider sweep brought a record."""

_SOURCE: Final = ("source",)
_STREAM: Final = ("source", "stream")

_REQUEST: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATENESS: Final = (1, 5, 15, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600, 168 * 3600)
_COMMIT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Catalogue(Collector):
    """A collector of all metrics: counters are kept here, gauges are read off the statuses at each scrape."""

    def __init__(self) -> None:
        self.statuses: Callable[[], Iterable[StreamStatus]] = tuple
        self.outputs: dict[str, OutputStatus] = {}
        self.version: str | None = None
        self.replica: str | None = None
        self.polls = Counter("poller_polls_total", "Polls, by how they ended.", (*_STREAM, "sweep", "outcome"))
        self.requests = Counter("poller_requests_total", "Requests to vendors, by answer.", (*_SOURCE, "code"))
        self.records = Counter("poller_records_total", "Records read, old ones too.", _STREAM)
        self.events = Counter("poller_events_total", "Events delivered.", (*_STREAM, "type"))
        self.duplicates = Counter("poller_duplicates_total", "Records read that were no news.", _STREAM)
        self.stale = Counter("poller_stale_total", "Revisions dropped: a newer one was delivered.", _STREAM)
        self.rejects = Counter("poller_rejects_total", "Records delivered as rejects.", _STREAM)
        self.throttled = Counter("poller_throttled_seconds_total", "Waits that vendors asked for.", _SOURCE)
        self.found = Counter("poller_audit_found_total", "Records only a wider sweep brought.", (*_STREAM, "reason"))
        self.drift = Counter("poller_schema_drift_total", "Fields met that nobody documented.", _STREAM)
        self.output_errors = Counter("poller_output_errors_total", "Writes that failed.", ("output",))
        self.request_seconds = Histogram("poller_request_seconds", "Time to a whole answer.", _SOURCE, _REQUEST)
        self.lateness = Histogram("poller_lateness_seconds", "First seen, less the record's time.", _SOURCE, _LATENESS)
        self.commit_seconds = Histogram("poller_commit_seconds", "Time to deliver and save a batch.", (), _COMMIT)

    def collect(self) -> Iterator[Metric]:
        """Yield every family, also those that have no sample yet."""
        statuses = list(self.statuses())
        yield from self._counters(statuses)
        yield from self._histograms(statuses)
        yield from _stream_gauges(statuses)
        yield from self._other_gauges(statuses)

    def _counters(self, statuses: list[StreamStatus]) -> Iterator[Metric]:
        streams = [(status.source, status.stream) for status in statuses]
        sweeps = ((status.source, status.stream, sweep.name) for status in statuses for sweep in status.sweeps)
        yield self.polls.family((*names, "complete") for names in sweeps)
        yield self.requests.family()
        yield self.events.family()
        for counter in (self.records, self.duplicates, self.stale, self.rejects, self.drift):
            yield counter.family(streams)
        yield self.found.family((*stream, reason) for stream in streams for reason in REASONS)
        yield self.throttled.family((status.source,) for status in statuses)
        yield self.output_errors.family((output,) for output in self.outputs.copy())

    def _histograms(self, statuses: list[StreamStatus]) -> Iterator[Metric]:
        yield self.request_seconds.family((status.source,) for status in statuses)
        yield self.lateness.family((status.source,) for status in statuses)
        yield self.commit_seconds.family([()])

    def _other_gauges(self, statuses: list[StreamStatus]) -> Iterator[Metric]:
        owned = {(status.source,): float(status.owner == self.replica) for status in statuses}
        yield gauge("poller_source_owned", "1 on the replica that owns the source.", _SOURCE, owned.items())
        up = (((output.name,), float(output.up)) for output in self.outputs.copy().values())
        yield gauge("poller_output_up", "1 while the output takes what it is given.", ("output",), up)
        build = [((self.version,), 1.0)] if self.version is not None else []
        yield gauge("poller_build_info", "The version that runs.", ("version",), build)


def _stream_gauges(statuses: list[StreamStatus]) -> Iterator[Metric]:
    streams = [
        ((status.source, status.stream), status) for status in statuses if status.here
    ]  # another replica tells of the others
    lag = (
        ((status.source, status.stream), status.lag_seconds)
        for status in statuses  # also of what was polled here last, while nobody polls it
        if status.lag_seconds is not None and (status.here or not status.owner)
    )
    yield gauge("poller_lag_seconds", "Now, less the end before which all is covered.", _STREAM, lag)
    gaps = ((key, status.gap_seconds) for key, status in streams)
    yield gauge("poller_gap_seconds", "Covered range that is still missing.", _STREAM, gaps)
    seen = ((key, float(status.seen)) for key, status in streams)
    yield gauge("poller_seen_records", "Identities remembered.", _STREAM, seen)
    state = (((*key, state), float(state == status.state)) for key, status in streams for state in STATES)
    yield gauge("poller_stream_state", "1 for the state the stream is in.", (*_STREAM, "state"), state)
    success = (
        ((*key, sweep.name), sweep.last_success.timestamp())
        for key, status in streams
        for sweep in status.sweeps
        if sweep.last_success is not None
    )
    name = "poller_last_success_timestamp_seconds"
    yield gauge(name, "When a sweep's last complete pass ended.", (*_STREAM, "sweep"), success)
