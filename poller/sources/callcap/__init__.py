"""Callcap (NEXTMS): its calls, asked for by the time they were last modified.

- Key, status words, errors, a 404 for a list that has nothing to say: https://callcap.readme.io/docs/getting-started
- Parameters, envelope, record: https://callcap.readme.io/docs/calls
- Old calls change for years (analysts, revenue, invoices): https://callcap.readme.io/docs/conversations
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from poller.plugin import (
    BEGINNING,
    Assumption,
    ChosenStreams,
    Credential,
    History,
    Http,
    Origin,
    RecordType,
    Secret,
    Source,
    Stream,
    StreamSettings,
    SweepSettings,
    TypedDecoder,
    Unexpected,
    Windowed,
    ZoneName,
    bearer,
    kinds,
    read_id,
    remember_latest,
    require_time,
)
from poller.sources.callcap import api, assumptions, records

PRESETS = {timedelta(minutes=minutes): f"last{minutes}minutes" for minutes in (1, 5, 10, 30, 60)}


class CallsSweeps(SweepSettings):
    """The timing of the sweeps of calls."""

    recent: Windowed = Windowed(every=timedelta(seconds=15), lookback=timedelta(minutes=5))
    live: Windowed = Windowed(every=timedelta(seconds=30), lookback=timedelta(minutes=5))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))


class Streams(ChosenStreams):
    """The vendor's streams."""

    calls: StreamSettings[CallsSweeps] = StreamSettings[CallsSweeps]()


class Callcap(Source):
    """A Callcap login: it sees what its key may see."""

    REGION: ClassVar = "US"

    type: Literal["callcap"]
    base_url: Origin = "https://api.callcap.com"
    api_key: Secret
    timezone: ZoneName = "US/Arizona"
    streams: Streams = Streams(calls=StreamSettings[CallsSweeps]())

    def credential(self) -> Credential:
        """Return the key as a bearer token that never changes."""
        return bearer(self.api_key)

    def build_streams(self) -> Sequence[Stream]:
        """Build the stream of calls."""
        zone, sweeps = ZoneInfo(self.timezone), self.streams.calls.sweeps
        preset = next((name for width, name in PRESETS.items() if width >= sweeps.recent.lookback), None)
        if preset is None:
            raise ValueError("streams.calls.sweeps.recent.lookback: at most 60m, the vendor's widest preset")
        region = self.default_region
        times_of = remember_latest(lambda record: records.times(record, zone=zone))
        past = History(partial(api.started, zone), timedelta(days=1))
        edited = History(partial(api.modified, zone, ended=True), timedelta(minutes=1))
        calls = Stream(
            name="calls",
            sweeps=(
                sweeps.recent.sweep(
                    "recent", partial(api.recent, zone, preset), from_lookback_only=True, advisory=True
                ),
                sweeps.live.sweep("live", partial(api.modified, zone), ranges=edited, by_modified=True),
                sweeps.audit.sweep("audit", partial(api.started, zone), is_audit=True, ranges=past),
            ),
            records=RecordType(  # the vendor marks no deletions
                kind=kinds.Call,
                decoder=TypedDecoder(records.Record),
                identity=lambda record: read_id(record.call_id),
                row_identity=api.call_id,
                steady=api.steady,
                contents=(records.contents, lambda record: records.contents_in_utc(record, times_of=times_of)),
                time=lambda record: times_of(record).began or require_time(record.start_datetime, "start_datetime"),
                modified=lambda record: times_of(record).modified,
                normalize=lambda record: records.call(record, times_of=times_of, region=region),
            ),
            history=past,
        )
        return [calls]

    async def probe(self, http: Http) -> str:
        """Ask for the newest call."""
        query = {"search_range": "custom", "search_startdate": f"{BEGINNING:%Y-%m-%d}", "order": "newest"}
        answer = await api.ask_list(http, ZoneInfo(self.timezone), query, 1, show=1)
        if answer.doubt or answer.size not in {None, 1}:
            raise Unexpected(answer.doubt or f"its pages hold {answer.size} records, not the one asked for")
        return f"answers; {answer.total:,} calls"

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what the documentation leaves open."""
        (calls,) = self.built_streams
        lists = assumptions.Lists(ZoneInfo(self.timezone), now)
        return assumptions.assumptions(lists, self.streams.calls.sweeps.live.lookback, calls.records)
