"""Every metric of a running poller: its name, its meaning, its labels."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from typing import Final, NamedTuple, TypeAlias

from poller.telemetry.metrics import Counter, Family, Histogram, Labels, StateSet, escaped, some_of
from poller.telemetry.status import STATES, OutputStatus, State, StreamGauges

REASONS: Final = ("late", "edited", "skipped")
"""The reasons for which only a wider sweep brought a record."""

_SOURCE: Final = ("source",)
_STREAM: Final = ("source", "stream")

_REQUEST: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATENESS: Final = (1, 5, 15, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600, 168 * 3600)
_COMMIT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

Lines: TypeAlias = Iterator[str]
"""Lines, some at a time."""


class _Streams(NamedTuple):
    """Some streams that are written together: beside each other their labels, these as written, and their gauges.

    `here` are those that are polled here: of what is not, another replica tells, but where it is paused.
    """

    labels: Sequence[Labels]
    pairs: Sequence[str]
    gauges: Sequence[StreamGauges]
    here: tuple[Sequence[str], Sequence[StreamGauges]]


class _Sources(NamedTuple):
    """Some sources that are written together: beside each other their labels, these as written, and their owners."""

    labels: Sequence[Labels]
    pairs: Sequence[str]
    owners: Sequence[str]


class Catalogue:
    """All metrics: counters are kept here, gauges are asked for at each scrape."""

    def __init__(self) -> None:
        self.gauges: Callable[[], Iterable[StreamGauges]] = tuple
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
        """Write every family, also those that have no sample yet, in pieces that take less than half a millisecond.

        The first pieces are empty: that is where the gauges are asked for.
        """
        streams, sources, owners = list[_Streams](), list[_Sources](), dict[str, str]()
        for gauges in some_of(self.gauges()):
            labels = [(of.source, of.stream) for of in gauges]
            pairs, here = [*map(self.lag.written, labels)], [of.here for of in gauges]
            streams.append(_Streams(labels, pairs, gauges, ([*compress(pairs, here)], [*compress(gauges, here)])))
            owners |= {of.source: of.owner for of in gauges}
            yield ""
        for some in some_of(owners.items()):
            names = [(source,) for source, _ in some]
            sources.append(_Sources(names, [*map(self.owned.written, names)], [owner for _, owner in some]))
            yield ""
        for family, lines in self._families(streams, sources):
            yield family.head
            yield from lines

    def _families(self, streams: Sequence[_Streams], sources: Sequence[_Sources]) -> Iterator[tuple[Family, Lines]]:
        """Return the families with their lines.

        Whatever goes over all of them does so as its lines are asked for: a list of thousands takes milliseconds.
        """
        yield self.polls, self.polls.lines(map(_polls, streams))
        yield self.requests, self.requests.lines()
        yield self.events, self.events.lines()
        for counter in (self.records, self.duplicates, self.stale, self.rejects, self.drift):
            yield counter, counter.lines((some.labels, some.pairs) for some in streams)
        yield self.found, self.found.lines(map(_found, streams))
        yield self.throttled, self.throttled.lines((some.labels, some.pairs) for some in sources)
        outputs = [(output,) for output in self.outputs.copy()]
        yield self.output_errors, self.output_errors.lines([(outputs, [*map(self.up.written, outputs)])])
        for histogram in (self.request_seconds, self.lateness):
            yield histogram, histogram.lines((some.labels, some.pairs) for some in sources)
        yield self.commit_seconds, self.commit_seconds.lines([([()], [""])])
        here = [some.here for some in streams]
        yield self.state, (self.state.states(*_states(some)) for some in streams)
        yield self.lag, (self.lag.block(*_lags(some)) for some in streams)
        yield self.gaps, (self.gaps.block(pairs, [of.gap_seconds for of in gauges]) for pairs, gauges in here)
        yield self.seen, (self.seen.block(pairs, [float(of.seen) for of in gauges]) for pairs, gauges in here)
        yield self.success, (self.success.block(*_successes(*of)) for of in here)
        yield self.owned, (self.owned.block(some.pairs, self._owned(some)) for some in sources)
        up = {self.up.written((output.name,)): float(output.up) for output in self.outputs.copy().values()}
        yield self.up, iter([self.up.block([*up], [*up.values()])])
        builds = [] if self.version is None else [self.build.written((self.version,))]
        yield self.build, iter([self.build.block(builds, [1.0] * len(builds))])

    def _owned(self, some: _Sources) -> Sequence[float]:
        return [float(owner == self.replica) for owner in some.owners]


def _polls(some: _Streams) -> tuple[Iterable[Labels], Sequence[str]]:
    """Return the labels of the complete passes of all sweeps."""
    labels = [("complete", of.source, of.stream, name) for of in some.gauges for name, _ in of.successes]
    streams = zip(some.pairs, some.gauges, strict=True)
    return labels, [f'outcome="complete",{pairs}{_sweep(name)}' for pairs, of in streams for name, _ in of.successes]


def _found(some: _Streams) -> tuple[Iterable[Labels], Sequence[str]]:
    labels = ((reason, *of) for of in some.labels for reason in REASONS)
    return labels, [f'reason="{reason}",{pairs}' for pairs in some.pairs for reason in REASONS]


@lru_cache(1000)
def _sweep(name: str) -> str:
    """Write a sweep's label behind those of its stream: the sweeps of thousands of streams have few names."""
    return f',sweep="{escaped(name)}"'


def _states(some: _Streams) -> tuple[Sequence[str], Sequence[State]]:
    """Return the states of those that are polled here, or that an output keeps from it: no other tells of these."""
    told = [of.here or of.state == "paused" for of in some.gauges]
    return [*compress(some.pairs, told)], [of.state for of in compress(some.gauges, told)]


def _lags(some: _Streams) -> tuple[Sequence[str], Sequence[float]]:
    """Return the lags of what is polled here, and of what was polled here last, while nobody polls it."""
    lags = [
        (pairs, of.lag_seconds)
        for pairs, of in zip(some.pairs, some.gauges, strict=True)
        if of.lag_seconds is not None and (of.here or not of.owner)
    ]
    return [pairs for pairs, _ in lags], [lag for _, lag in lags]


def _successes(pairs: Sequence[str], gauges: Sequence[StreamGauges]) -> tuple[Sequence[str], Sequence[float]]:
    found = [
        (f"{of_stream}{_sweep(name)}", at.timestamp())
        for of_stream, of in zip(pairs, gauges, strict=True)
        for name, at in of.successes
        if at is not None
    ]
    return [of for of, _ in found], [at for _, at in found]
