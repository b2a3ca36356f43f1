"""Every metric of a running poller: its name, its meaning, its labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from poller.telemetry.metrics import Counter, Family, Histogram, Known, StateSet, escaped
from poller.telemetry.status import STATES, OutputStatus, StreamGauges

REASONS: Final = ("late", "edited", "skipped")
"""The reasons for which only a wider sweep brought a record."""

_SOURCE: Final = ("source",)
_STREAM: Final = ("source", "stream")

_REQUEST: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATENESS: Final = (1, 5, 15, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600, 168 * 3600)
_COMMIT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


_SOME = 20
"""Streams that are written at once, in less than half a millisecond."""

Lines: TypeAlias = Iterator[str]
Values: TypeAlias = Iterable[tuple[str, float]]
"""Labels as they are written, and a number."""


class _Row(NamedTuple):
    """A stream's gauges, and its labels; `pairs` and `sweeps` are those of its lines and of its sweeps', as written."""

    labels: tuple[str, str]
    pairs: str
    sweeps: list[str]
    gauges: StreamGauges


def _row(gauges: StreamGauges, pairs: str) -> _Row:
    sweeps = [f'{pairs},sweep="{escaped(name)}"' for name, _ in gauges.successes]
    return _Row((gauges.source, gauges.stream), pairs, sweeps, gauges)


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
        rows, owners = list[_Row](), dict[str, tuple[str, str]]()
        coming, written = iter(self.gauges()), self.lag.written
        while some := list(islice(coming, _SOME)):
            rows += [_row(of, written((of.source, of.stream))) for of in some]
            owners |= {of.source: (self.owned.written((of.source,)), of.owner) for of in some}
            yield ""
        for family, lines in self._families(rows, owners):
            yield family.head
            while some_lines := list(islice(lines, _SOME)):
                yield "".join(some_lines)

    def _families(self, rows: Sequence[_Row], owners: Mapping[str, tuple[str, str]]) -> Iterator[tuple[Family, Lines]]:
        """Return the families with their lines; `owners` are, by source, its labels as written and its owner.

        Whatever goes over all of them does so as its lines are asked for: a list of thousands takes milliseconds.
        """
        yield self.polls, self.polls.lines(_polls(rows))
        yield self.requests, self.requests.lines()
        yield self.events, self.events.lines()
        for counter in (self.records, self.duplicates, self.stale, self.rejects, self.drift):
            yield counter, counter.lines((row.labels, row.pairs) for row in rows)
        yield (
            self.found,
            self.found.lines(
                ((reason, *labels), f'reason="{reason}",{pairs}') for labels, pairs, *_ in rows for reason in REASONS
            ),
        )
        yield self.throttled, self.throttled.lines(_sources(owners))
        outputs = [((output,), self.up.written((output,))) for output in self.outputs.copy()]
        yield self.output_errors, self.output_errors.lines(outputs)
        for histogram in (self.request_seconds, self.lateness):
            yield histogram, histogram.lines(_sources(owners))
        yield self.commit_seconds, self.commit_seconds.lines([((), "")])
        yield self.state, (self.state.block(row.pairs, row.gauges.state) for row in rows if row.gauges.here)
        owned = ((pairs, float(owner == self.replica)) for pairs, owner in owners.values())
        for family, values in (*self._gauges(rows), (self.owned, owned), *self._of_the_process()):
            yield family, (family.line(pairs, value) for pairs, value in values)

    def _gauges(self, rows: Sequence[_Row]) -> Iterator[tuple[Family, Values]]:
        yield self.lag, _lags(rows)
        # What is not polled here another replica tells of.
        yield self.gaps, ((row.pairs, row.gauges.gap_seconds) for row in rows if row.gauges.here)
        yield self.seen, ((row.pairs, float(row.gauges.seen)) for row in rows if row.gauges.here)
        yield (
            self.success,
            (
                (pairs, at.timestamp())
                for row in rows
                if row.gauges.here
                for pairs, (_, at) in zip(row.sweeps, row.gauges.successes, strict=True)
                if at is not None
            ),
        )

    def _of_the_process(self) -> Iterator[tuple[Family, Values]]:
        yield self.up, ((self.up.written((output.name,)), float(output.up)) for output in self.outputs.copy().values())
        yield self.build, [(self.build.written((self.version,)), 1.0)] if self.version is not None else []


def _sources(owners: Mapping[str, tuple[str, str]]) -> Known:
    return (((source,), pairs) for source, (pairs, _) in owners.items())


def _polls(rows: Iterable[_Row]) -> Known:
    """Return the labels of the complete passes of all sweeps."""
    return (
        (("complete", *row.labels, name), f'outcome="complete",{pairs}')
        for row in rows
        for pairs, (name, _) in zip(row.sweeps, row.gauges.successes, strict=True)
    )


def _lags(rows: Iterable[_Row]) -> Values:
    """Return the lags of what is polled here, and of what was polled here last, while nobody polls it."""
    return (
        (row.pairs, row.gauges.lag_seconds)
        for row in rows
        if row.gauges.lag_seconds is not None and (row.gauges.here or not row.gauges.owner)
    )
