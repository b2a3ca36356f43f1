"""What Agendize's documentation leaves open and poller assumes, by name, and how `poller check --deep` finds out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Raw, json

from poller.plugin import (
    DECODE_ERRORS,
    Asking,
    Assumption,
    Probe,
    Span,
    SyncTokenExpired,
    Verdict,
    fails,
    holds,
    probes,
    read_seconds,
    read_time,
    struct_of,
    unknown,
)
from poller.sources.agendize import api
from poller.sources.agendize.records import STARTED, start_of

_DURATION = json.Decoder(struct_of("duration"))
HOURS = f"{api.LONGEST.seconds // 3600} h"
SWEEPS = "streams.calls.sweeps"


def list_of(now: datetime, zone: ZoneInfo | None) -> probes.ProbedList:
    """Return the list of calls as it is probed; `zone` is that of calls that name none."""

    def time_of(row: Raw) -> datetime | None:
        return read_time(*start_of(STARTED.decode(row), zone))

    slack = api.LONGEST + api.SLACK
    return probes.ProbedList(now=now, ask=api.ask_since, identity=api.call_id, time_of=time_of, slack=slack)


def of_calls(listed: probes.ProbedList, audited: timedelta) -> Sequence[Assumption]:
    """Return what is assumed of calls; `audited` is how far `audit` looks back."""
    filtered = probes.filter_is_obeyed("calls", listed, "start-date-is-the-lower-bound")
    cut = probes.long_list_is_whole("calls", listed)
    return (
        probes.times_are_read("calls", listed),
        replace(
            filtered,
            says="`startDate` is the lower bound of a call's start, `endDate` the upper bound of its end.",
            rests="Every window: the documentation says it the other way round.",
            consequence="only `sync` can be relied on, where there are sync tokens; report it",
        ),
        probes.bounds_hold("calls", listed, f"{SWEEPS}.live.lookback"),
        Assumption(
            name="no-longer-calls",
            stream="calls",
            says=f"No call lasts longer than {HOURS}.",
            rests="History and long catch-ups: a range is asked for by the end of its calls, so much later.",
            guard="None; newest calls are asked for without an end.",
            consequence="report it; what is longer comes by `live`, `settle` and `audit`, but not by a backfill",
            asks="the calls of 30 days",
            probe=_longest(listed),
        ),
        replace(cut, guard=f"A list of a round number ({min(api.CAPS)}, 200 …) is asked for again in halves."),
        probes.pages_differ("calls", listed, "page-token-goes-on"),
        probes.cursor_keeps_its_place("calls", "page-token-keeps-place"),
        probes.identities_are_unique("calls", listed),
        _sync_token_repeats(listed),
        replace(
            probes.records_come_in_time("calls", listed, audited, f"{SWEEPS}.audit.lookback"),
            says="A call is listed once it is over, one that is entered by hand within what `audit` looks back.",
        ),
    )


def _sync_token_repeats(listed: probes.ProbedList) -> Assumption:
    return Assumption(
        name="sync-token-repeats",
        stream="calls",
        says="A list hands out a sync token, which can be used more than once, and tells of calls of any age.",
        rests="`sync`, which finds edits: after a crash the last token is used again.",
        guard="Where no list has a token, `sync` rests for a day; where one expired, 48 h are read again.",
        consequence=f"let {SWEEPS}.settle run more often: edits are found by it and `audit` alone",
        asks="a list of an hour, and its token twice, 20 s apart",
        probe=_use_twice(listed),
    )


def _longest(listed: probes.ProbedList) -> Probe:
    async def probe(asking: Asking) -> Verdict:
        page = await listed.ask(asking, Span(listed.now - timedelta(days=30), None), 1)
        durations = [seconds for seconds in map(_seconds, page.records) if seconds is not None]
        if not durations:
            return unknown("no call of 30 days has a duration")
        said = f"the longest of {len(durations):,} calls took {max(durations) / 3600:.1f} h"
        return fails(said) if max(durations) > api.LONGEST.total_seconds() else holds(said)

    return probe


def _seconds(row: Raw) -> int | None:
    try:
        return read_seconds(_DURATION.decode(row).duration)
    except DECODE_ERRORS:
        return None


def _use_twice(listed: probes.ProbedList) -> Probe:
    async def probe(asking: Asking) -> Verdict:
        page = await listed.ask(asking, Span(listed.now - api.SHORT, None), 1)
        if page.token is None:
            return unknown("a short list came without a sync token; a whole one is not asked for here")
        try:
            first = await api.ask_changes(asking, page.token)
            again = await api.ask_changes(asking.later, page.token)
        except SyncTokenExpired as error:
            return fails(f"a token that was just handed out is refused: {error}")
        lost = listed.names(first.records) - listed.names(again.records)
        said = f"{len(first.records)} changes came, and a while later with the same token {len(again.records)}"
        return fails(f"{said}, which lack {len(lost)} of the first") if lost else holds(said)

    return probe
