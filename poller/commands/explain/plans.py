"""`poller explain`: what each sweep of a stream would ask next and why, and what is known of one record."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from poller.commands.explain import reasons
from poller.commands.explain.first_request import request_in_words
from poller.config.settings import Settings, split_name
from poller.events.seen import BASELINE, DELETED, REJECT, UNSTAMPED, key_of
from poller.humanize import format_duration
from poller.plugin.stream import Window
from poller.polling.progress.backfill import next_window
from poller.polling.progress.coverage import MADE_UP_FOR
from poller.polling.progress.slices import gap_reading
from poller.polling.progress.windows import window
from poller.polling.runtime import StreamRuntime, SweepRuntime
from poller.polling.source import read_stream, stream_runtime
from poller.server.control import running_statuses
from poller.state.checkpoint import Backfill, Gap, LastPass
from poller.state.open import missing_text, open_reader
from poller.telemetry.status import State


@dataclass(frozen=True, slots=True)
class GapPlan:
    """A range that is still missing, and how it will be made up for; `request` where that is a pass of its own."""

    start: datetime
    end: datetime
    kind: str
    since: datetime
    how: str
    request: str | None


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """The next pass of a sweep. Times are aware, UTC; `window` is None where the whole list is read, `request` the
    first one of the pass, without credentials; `left` counts the records that wait to be read one by one."""

    sweep: str
    every: str
    due: datetime
    why_then: str
    window: Window | None
    why_there: str
    request: str | None
    note: str | None
    gaps: Sequence[GapPlan]
    left: int
    left_since: datetime | None
    last_success: datetime | None
    last_error: str | None
    brought: LastPass | None


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """The slice of history that is read next, after all that is due; of what was `ordered`."""

    window: Window
    request: str | None
    ordered: Backfill


@dataclass(frozen=True, slots=True)
class Plans:
    """One stream's; `history` is None where none is left to be read, `state` where no poller says how it stands."""

    stream: str
    state: State | None
    sweeps: list[SweepPlan]
    history: HistoryPlan | None


@dataclass(frozen=True, slots=True)
class Known:
    """The knowledge of one record: when its last revision was delivered, or noted in silence (`baseline`).

    `missed`: how many complete passes in a row did not hold it, where a snapshot reads its stream.
    """

    id: str
    known: bool
    revision: int | None = None
    delivered: datetime | None = None
    modified: datetime | None = None
    deleted: bool = False
    baseline: bool = False
    reject: bool = False
    in_doubt: bool = False
    missed: int | None = None


Note: TypeAlias = Callable[[str], None]
"""Takes words for the operator, where there is no state."""


async def plans(settings: Settings, stream: str, now: datetime, note: Note) -> Plans:
    """Find out what is asked next of a stream (`source.stream`). Raises ConfigError."""
    said = await running_statuses(settings.control)
    async with _restored(settings, stream, now, note) as (run, due):
        base = settings.sources[run.source].base_url
        live = next((one for one in said if one.here and (one.source, one.stream) == run.names), None)
        waits = {sweep.name: sweep.next_poll for sweep in live.sweeps} if live else {}
        sweeps = [
            await _plan(sweep, due.get(sweep.sweep.name), waits.get(sweep.sweep.name), base, now)
            for sweep in run.sweeps
        ]
        return Plans(stream, live.state if live else None, sweeps, await _history(run, base))


async def known(settings: Settings, stream: str, identity: str, now: datetime, note: Note) -> Known:
    """Find out what is known of one record of a stream. Raises ConfigError where the name or the state is wrong."""
    async with _restored(settings, stream, now, note) as (run, _):
        key = key_of(identity)
        entry, doubted = run.seen.get(key, now.timestamp()), key in run.doubts
        states = run.checkpoint.sweeps.values()
        missed = next((state.members[identity] for state in states if identity in state.members), None)
    if entry is None:
        return Known(identity, known=False, in_doubt=doubted, missed=missed)
    stamped = entry.modified > UNSTAMPED
    return Known(
        id=identity,
        known=True,
        revision=entry.revision,
        delivered=datetime.fromtimestamp(entry.delivered, UTC),
        modified=_EPOCH + timedelta(microseconds=entry.modified) if stamped else None,
        deleted=bool(entry.flags & DELETED),
        baseline=bool(entry.flags & BASELINE),
        reject=bool(entry.flags & REJECT),
        in_doubt=doubted,
        missed=missed,
    )


@asynccontextmanager
async def _restored(
    settings: Settings, stream: str, now: datetime, note: Note
) -> AsyncIterator[tuple[StreamRuntime, Mapping[str, datetime | None]]]:
    """The stream as the state has it, and when its sweeps are due by that: a start would not wait longer than once."""
    name, wanted = split_name(settings, stream)
    source = settings.sources[name]
    of = next(one for one in source.built_streams if one.name == wanted)
    async with open_reader(settings.state) as state:
        if state is None:
            note(missing_text(settings.state))
        restored = read_stream(name, source, of, state)
        saved = restored.checkpoint.sweeps if restored.checkpoint else {}
        due = {sweep: found.due for sweep, found in saved.items()}
        yield stream_runtime(name, source, of, restored, now), due


async def _plan(
    run: SweepRuntime, due: datetime | None, waits: datetime | None, base_url: str, now: datetime
) -> SweepPlan:
    """`due` by the checkpoint; `waits` until when, as the running poller says."""
    state, sweep = run.state, run.sweep
    due = due or now
    waits = waits if waits and waits > max(due, now) else None
    at = max(waits or due, now)
    origin = at - (sweep.lookback or timedelta(0)) if sweep.advisory else state.origin
    asked = window(sweep, origin, state.cursor, at)
    request, note = await request_in_words(sweep.fetch, state.cursor, asked, base_url)
    gaps = [gap for gap in run.stream.checkpoint.gaps if gap.sweep == sweep.name]
    return SweepPlan(
        sweep=sweep.name,
        every=format_duration(sweep.every),
        due=waits or due,
        why_then=reasons.why_then(run, due, now, waits),
        window=asked if sweep.lookback is not None else None,
        why_there=reasons.why_there(run),
        request=request,
        note=note,
        gaps=[await _gap(run, gap, base_url) for gap in gaps],
        left=len(state.to_fetch),
        left_since=min(state.to_fetch.values(), default=None),
        last_success=state.last_success,
        last_error=state.last_error,
        brought=state.last_pass,
    )


async def _gap(run: SweepRuntime, gap: Gap, base_url: str) -> GapPlan:
    request = None
    if gap.kind in MADE_UP_FOR:
        fetch, asked = gap_reading(gap, run.sweep)
        request, _ = await request_in_words(fetch, run.state.cursor, asked, base_url)
    return GapPlan(gap.start, gap.end, gap.kind, gap.since, reasons.how_closed(run, gap), request)


async def _history(run: StreamRuntime, base_url: str) -> HistoryPlan | None:
    """Return the next slice of the history that was ordered last; None where nothing is left."""
    ordered, past = run.backfill, run.stream.history
    if ordered is None or past is None:
        return None
    asked = next_window(ordered)
    return HistoryPlan(asked, (await request_in_words(past.fetch, None, asked, base_url))[0], ordered)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
