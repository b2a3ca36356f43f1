"""The reasons why a sweep asks when it does, and for what: in words, from what the checkpoint says."""

from datetime import datetime, timedelta

from poller.humanize import format_duration, format_duration_roughly, format_time
from poller.polling.progress.coverage import BROKEN, MADE_UP_FOR
from poller.polling.progress.passes import OFF
from poller.polling.runtime import SweepRuntime
from poller.state.checkpoint import Gap


def why_then(run: SweepRuntime, due: datetime, now: datetime, waits: datetime | None = None) -> str:
    """Return why the next pass begins when it does. `waits`: until when the poller that runs holds it back."""
    state, every = run.state, f"every {format_duration(run.sweep.every)}"
    if waits:
        why = f", as the last try failed: {state.last_error}" if state.last_error else ", with all of its source"
        return f"{every}; due {format_time(due)}, but the running poller waits{why}"
    if not state.last_success and not state.last_error:
        return f"{every}; its first poll is due at once"
    if _rests(run, due):
        return f"it rests for a day, as the vendor offers no way for it: {state.last_error}"
    began = f"; last began {format_time(state.last_pass.end)}" if state.last_pass else ""
    if now < due:
        return f"{every}{began}"
    if state.last_error:
        return f"{every}{began}; backing off, as the last try failed: {state.last_error}"
    return f"{every}{began}; overdue by {format_duration_roughly(now - due)}: no poller runs, or it is behind"


def why_there(run: SweepRuntime) -> str:
    """Return why the window of the next pass begins where it does."""
    state, lookback = run.state, run.sweep.lookback
    if lookback is None:
        return "no window: it reads the whole list"
    if state.cursor:
        covered, reach = format_time(state.cursor.until), format_duration(lookback)
        why = f"the end that its last complete pass covered, {covered}, less lookback {reach}"
        first = state.origin if state.origin and state.cursor.until - lookback < state.origin else None
        return f"{why}; but no further back than its first window did, {format_time(first)}" if first else why
    if run.sweep.advisory:
        return f"a fast look at the last {format_duration(lookback)}, which moves no cursor"
    if state.complete:
        return (
            "no pass has said which end it covered, as the answers have no date: it reaches back as at its first poll"
        )
    return _at_first(run, lookback)


def _at_first(run: SweepRuntime, lookback: timedelta) -> str:
    if run.sweep.from_lookback_only:
        return f"it follows changes: at its first poll it reaches back by lookback {format_duration(lookback)} only"
    start, origin = run.stream.checkpoint.start, run.state.origin
    if start is None:
        return "first poll: start is all there is"
    if origin and origin < start:
        reach = format_duration(lookback)
        return f"first poll: it reaches back by lookback {reach}, which is further than start {format_time(start)}"
    return f"first poll: it reaches back to start {format_time(start)}"


def how_closed(run: SweepRuntime, gap: Gap) -> str:
    """Return how a gap will be closed."""
    if gap.kind == BROKEN:
        return "its next complete pass reads it, too"
    if gap.kind in MADE_UP_FOR and run.sweep.ranges:
        since = f"; read up to {format_time(gap.read_to)}" if gap.read_to else ""
        return f"it is read in slices, oldest first, after what is due{since}"
    if gap.kind in MADE_UP_FOR:
        return "a pass of its own reads it, oldest first, once nothing else is due"
    audit = next((sweep.sweep for sweep in run.stream.sweeps if sweep.sweep.name == "audit"), None)
    by = (
        f"audit (every {format_duration(audit.every)}), whose next complete pass takes it off"
        if audit
        else "the other sweeps"
    )
    return f"the list does not reach it; it is left to {by}"


def _rests(run: SweepRuntime, due: datetime) -> bool:
    brought = run.state.last_pass
    return bool(run.state.last_error and brought and due - brought.end == OFF)
