"""The events worth telling: each is one method of `Telemetry`, which counts it and logs it where that helps."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from structlog.typing import FilteringBoundLogger

from poller.redaction import SECRETS
from poller.telemetry.counts import Counts
from poller.telemetry.fields import FieldHistory
from poller.telemetry.metric_defs import Catalogue
from poller.telemetry.recent import Recent
from poller.telemetry.status import OutputStatus, StreamGauges, rfc3339

_SHOWN, _KNOWN = 20, 1000
"""The most new field names of a stream that one line shows, and that are remembered: an object that is really
a table has no end of them."""

_log: FilteringBoundLogger = structlog.get_logger()


class Telemetry:
    """The metrics and the log of one running poller.

    The event loop calls it; `exposition`, `render`, `events_per_minute`, `failures` and `output_statuses` may run in a
    worker thread. `clock` gives seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._recent = Recent(clock)
        self._metrics = Catalogue()
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._well: set[tuple[str, str, str]] = set()
        self._repaired: set[tuple[str, str]] = set()
        self._fields: dict[tuple[str, str], FieldHistory] = {}
        self._drifted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def watch(self, gauges: Callable[[], Iterable[StreamGauges]]) -> None:
        """Take the gauges of all streams from `gauges`. Each scrape calls it, and takes some of them at a time."""
        self._metrics.gauges = gauges

    def exposition(self) -> Iterator[bytes]:
        """Write all metrics in the Prometheus text format, in pieces that take less than half a millisecond."""
        yield from map(str.encode, self._metrics.exposition())
        yield generate_latest(self._process)

    def render(self) -> bytes:
        """Return all metrics at once. Slow with many streams: not for the event loop."""
        return b"".join(self.exposition())

    def started(self, version: str, replica: str, **fields: object) -> None:
        """Log the start. `replica` is our name: the sources whose `owner` it is are ours."""
        self._metrics.version, self._metrics.replica = version, replica
        _log.info("poller.started", version=version, replica=replica, **fields)

    def stopped(self) -> None:
        """Log the last line of an orderly end."""
        _log.info("poller.stopped")

    def notice(self, event: str, **fields: object) -> None:
        """Log a warning that has no metric of its own; `event` is `noun.verb_past`."""
        _log.warning(event, **fields)

    def clock_stepped(self, by: timedelta) -> None:
        """Log that this machine's clock was stepped, forth or back (a negative number)."""
        _log.warning("clock.stepped", seconds=round(by.total_seconds(), 1))

    def page_read(self, source: str, stream: str, counts: Counts) -> None:
        """Count a page that was read."""
        self._metrics.records.add(counts.records, source, stream)
        self._metrics.duplicates.add(counts.duplicates, source, stream)
        self._metrics.stale.add(counts.stale, source, stream)

    def page_delivered(self, source: str, stream: str, sweep: str, counts: Counts) -> None:
        """Count a page that is durable; log it where it brought something."""
        for type_, count in counts.events.items():
            self._metrics.events.add(count, source, stream, type_)
        for reason, count in counts.found.items():
            self._metrics.found.add(count, reason, source, stream)
        for seconds in counts.lateness:
            self._metrics.lateness.observe(seconds, source)
        self._metrics.rejects.add(counts.rejects, source, stream)
        self._recent.delivered((source, stream), sum(counts.events.values()))
        if counts.rejects or any(counts.events.values()):
            fields = {"events": dict(counts.events), "rejects": counts.rejects, "found": dict(counts.found)}
            _log.info("page.delivered", source=source, stream=stream, sweep=sweep, **fields)
        if counts.samples or counts.drifted:
            history = self._fields.setdefault((source, stream), FieldHistory())
            self._schema_drifted(source, stream, sorted(counts.drifted) + history.take(counts.samples))

    def poll_completed(
        self,
        source: str,
        stream: str,
        sweep: str,
        *,
        pages: int,
        records: int,
        window: tuple[datetime, datetime] | None,
    ) -> None:
        """Count a complete pass; log it where it is the sweep's first one, or follows a failure."""
        self._metrics.polls.add(1, "complete", source, stream, sweep)
        self._recent.completed((source, stream), sweep)
        if (source, stream, sweep) in self._well:
            return
        self._well.add((source, stream, sweep))
        fields = {"pages": pages, "records": records, "window": [rfc3339(end) for end in window] if window else None}
        _log.info("poll.completed", source=source, stream=stream, sweep=sweep, **fields)

    def poll_failed(
        self, source: str, stream: str, sweep: str, *, error: BaseException, outcome: str, retry_in: float | None
    ) -> None:
        """Count and log a pass that broke off; the outcome `bug` is ours, so it brings its traceback."""
        self._metrics.polls.add(1, outcome, source, stream, sweep)
        self._recent.failed((source, stream), sweep, outcome)
        self._well.discard((source, stream, sweep))
        fields = {"outcome": outcome, "error": f"{type(error).__name__}: {error}", "retry_in": retry_in}
        exc_info = error if outcome == "bug" else None
        _log.warning("poll.failed", source=source, stream=stream, sweep=sweep, **fields, exc_info=exc_info)

    def source_denied(self, source: str, *, error: str, wait: float) -> None:
        """Log that the vendor refuses the credential: all streams of the source wait for `wait` seconds.

        Where that is 0, its token may just have run out: it is tried once more, with a fresh one.
        """
        if wait:
            _log.error("source.denied", source=source, error=error, retry_in=wait)
        else:
            _log.warning("source.denied", source=source, error=error, retry_in=wait)

    def secrets_reread(self, source: str) -> None:
        """Log that a file held another credential, with which the source goes on."""
        _log.info("secrets.reread", source=source)

    def source_throttled(self, source: str, *, seconds: float) -> None:
        """Count and log a wait that the vendor asked for."""
        self._metrics.throttled.add(seconds, source)
        _log.warning("source.throttled", source=source, retry_in=seconds)

    def request_done(self, source: str, *, code: str, seconds: float) -> None:
        """Count a request; `code` is the status of a whole answer, else `timeout` or `error`."""
        self._metrics.requests.add(1, code, source)
        self._metrics.request_seconds.observe(seconds, source)

    def body_repaired(self, source: str, repaired: Iterable[str]) -> None:
        """Log, once each, what had to be repaired in a source's answers before they were JSON in UTF-8."""
        if new := [name for name in repaired if (source, name) not in self._repaired]:
            self._repaired.update((source, name) for name in new)
            _log.warning("body.repaired", source=source, repaired=new)

    def commit_done(self, seconds: float) -> None:
        """Count a batch that was delivered and saved, and the seconds it took."""
        self._metrics.commit_seconds.observe(seconds)

    def outputs(self, names: Iterable[str]) -> None:
        """Name the outputs there are: each counts as up until it fails."""
        now = datetime.now(UTC)
        self._metrics.outputs = {name: OutputStatus(name, up=True, error=None, since=now) for name in names}

    def output_failed(self, output: str, *, error: str, retry_in: float | None) -> None:
        """Count and log a write that failed: the output is down, and every stream waits for it."""
        self._metrics.output_errors.add(1, output)
        before = self._metrics.outputs.get(output)
        since = before.since if before and not before.up else datetime.now(UTC)
        self._metrics.outputs[output] = OutputStatus(output, up=False, error=SECRETS.hide(error), since=since)
        _log.error("output.failed", output=output, error=error, retry_in=retry_in)

    def output_recovered(self, output: str) -> None:
        """Note that the output takes what it is given; log it only where it was down."""
        before = self._metrics.outputs.get(output)
        if before is None or not before.up:
            self._metrics.outputs[output] = OutputStatus(output, up=True, error=None, since=datetime.now(UTC))
            _log.info("output.recovered", output=output)

    def output_statuses(self) -> list[OutputStatus]:
        """Return the status of every output."""
        return list(self._metrics.outputs.values())

    def events_per_minute(self, source: str, stream: str) -> list[int]:
        """Return a stream's events in each of the last 60 minutes, oldest first; the last minute still runs.

        Minutes before this process began are 0.
        """
        return self._recent.events((source, stream))

    def failures(self, source: str, stream: str) -> dict[str, str]:
        """Return, by sweep, how the last pass ended where it failed; passes before this process do not count."""
        return self._recent.failures((source, stream))

    def gap_opened(self, source: str, stream: str, sweep: str, start: datetime, end: datetime, kind: str) -> None:
        """Log a range that stays missing until a pass reads it."""
        fields = {"start": rfc3339(start), "end": rfc3339(end), "kind": kind}
        _log.warning("gap.opened", source=source, stream=stream, sweep=sweep, **fields)

    def gap_closed(self, source: str, stream: str, sweep: str) -> None:
        """Log that a missing range has been read."""
        _log.info("gap.closed", source=source, stream=stream, sweep=sweep)

    def sweep_unsupported(self, source: str, stream: str, sweep: str, *, why: str) -> None:
        """Log that the vendor offers no way for this sweep, which asks again in a day."""
        _log.warning("sweep.rested", source=source, stream=stream, sweep=sweep, why=why)

    def suspected(self, source: str, stream: str, sweep: str, before: float, now: float) -> None:
        """Log that more records vanished at once than can be believed: none is deleted."""
        _log.warning("stream.suspected", source=source, stream=stream, sweep=sweep, before=before, now=now)

    def fell_silent(self, source: str, stream: str, *, since: datetime, due: float) -> None:
        """Log that no new record has come since that time, although at least so many were due by the past weeks."""
        _log.warning("records.ceased", source=source, stream=stream, since=rfc3339(since), due=round(due))

    def slice_read(self, source: str, stream: str, at: datetime, end: datetime, *, records: int, events: int) -> None:
        """Log that history was read up to `at`, of what is wanted up to `end`; the numbers are sums of all slices."""
        fields = {"at": rfc3339(at), "end": rfc3339(end), "records": records, "events": events}
        _log.info("backfill.read", source=source, stream=stream, **fields)

    def _schema_drifted(self, source: str, stream: str, fields: Sequence[str]) -> None:
        """Count and log, once each, the fields that a vendor's file does not know, that are gone, or changed type."""
        known = self._drifted[source, stream]
        new = [name for name in fields if name not in known]
        if new and len(known) < _KNOWN:
            known.update(new)
            self._metrics.drift.add(len(new), source, stream)
            shown = [name[:100] for name in new[:_SHOWN]]
            _log.warning("schema.drifted", source=source, stream=stream, fields=shown, count=len(new))
