"""Whose turn it is: the work of a source's streams that is most urgent now, begun where it is not under way."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from poller.plugin.stream import Cursor, Fetch, Http, Page, Window
from poller.polling.fetch_work import FetchWork
from poller.polling.progress.backfill import next_window
from poller.polling.progress.passes import Pass, is_too_long, leave_behind
from poller.polling.progress.slices import gap_reading
from poller.polling.progress.windows import window
from poller.polling.runtime import Reading, StreamRuntime, SweepRuntime
from poller.polling.schedule import choose, next_fetch, next_gap, next_history
from poller.polling.slice_work import SliceWork
from poller.polling.work import PassWork, Work
from poller.state.checkpoint import Gap
from poller.telemetry import Telemetry

NewRequests: TypeAlias = Callable[[StreamRuntime], Http]
"""Return what a pass that begins asks its vendor with."""
Behind: TypeAlias = Callable[[], timedelta | None]
"""Return how far the vendor's clock is behind ours; None where it has not answered yet."""


class Turns:
    """The turns of one source: what is due, then gaps, single records and history, which have one turn in ten at least.

    `once`: gaps wait, and no outage is left behind.
    """

    def __init__(
        self,
        runs: Sequence[SweepRuntime],
        history: Sequence[StreamRuntime],
        requests: NewRequests,
        telemetry: Telemetry,
        *,
        behind: Behind,
        once: bool,
    ) -> None:
        self._runs, self._history, self._once = runs, history, once
        self._requests, self._telemetry, self._behind = requests, telemetry, behind
        self._in_a_row = 0

    def next(self, now: datetime) -> Work | None:
        """Return what is due; else what comes last. One request in ten is for what comes last, whatever is due."""
        if self._in_a_row >= _DUE_IN_A_ROW and (work := self._leftover(now)):
            self._in_a_row = 0
            return work
        if run := choose(self._runs, now):
            self._in_a_row += 1
            run.stream.polled = True
            if not (self._once or run.current):
                self._leave_behind(run, now)
            return self._pass(run, now)
        self._in_a_row = 0
        return self._leftover(now)

    def _leftover(self, now: datetime) -> Work | None:
        """Return a gap that no pass reads by itself, a single record, or a slice of history; None where none waits."""
        if not self._once and (found := next_gap(self._runs, now)):
            return self._pass(found[0], now, found[1])
        if named := next_fetch(self._runs, now):
            return FetchWork(*named, self._requests(named[0].stream))
        if stream := next_history(self._history, now):
            return self._slice(stream, now)
        return None

    def _pass(self, run: SweepRuntime, now: datetime, gap: Gap | None = None) -> PassWork:
        if reading := run.under_way(gap):
            return PassWork(run, reading, self._behind)
        sweep, state = run.sweep, run.state
        if gap:
            fetch, asked = gap_reading(gap, sweep)
        else:
            fetch, asked = sweep.fetch, window(sweep, state.origin, state.cursor, now)
        pages = _begun(fetch, self._requests(run.stream), state.cursor, asked)
        return PassWork(run, run.begin(Reading(Pass(asked, now, gap), pages)), self._behind)

    def _leave_behind(self, run: SweepRuntime, now: datetime) -> None:
        """Make a gap of an outage; it is saved with the first commit of the sweep's own pass.

        That it is one is not believed before the vendor's clock is known: ours may have been stepped.
        """
        behind = self._behind()
        if behind is None or not is_too_long(run.stream.checkpoint, run.sweep, now - behind):
            return
        if leave_behind(run.stream.checkpoint, run.sweep, now - behind):
            gap = run.stream.checkpoint.gaps[-1]
            self._telemetry.gap_opened(*run.names, gap.start, gap.end, gap.kind)

    def _slice(self, stream: StreamRuntime, now: datetime) -> SliceWork:
        ordered, history = stream.checkpoint.backfill, stream.stream.history
        if ordered is None or history is None:
            raise TypeError(f"{stream.name}: no history was ordered")
        if stream.slice is None:
            asked = next_window(ordered)
            pages = _begun(history.fetch, self._requests(stream), None, asked)
            stream.slice = Reading(Pass(asked, now), pages)
        return SliceWork(stream, history, ordered, stream.slice)


def _begun(fetch: Fetch, http: Http, cursor: Cursor | None, asked: Window) -> AsyncIterator[Page]:
    """Return the pages of a pass; where a package's fetch fails at once, its first page does."""
    try:
        return fetch(http, cursor, asked)
    except (Exception, SystemExit) as error:  # noqa: BLE001  a bug stays its sweep's trouble
        return _failed(error)


async def _failed(error: BaseException) -> AsyncIterator[Page]:
    raise error
    yield Page(())


_DUE_IN_A_ROW = 9
"""Requests of due sweeps after which one is for gaps, single records or history, if any of these waits."""
