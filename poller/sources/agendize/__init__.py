"""Agendize: calls, asked for by their start; what changes later is told only where it hands out sync tokens.

- Record, filters, sync tokens: https://developers.agendize.com/v2/calls/reference/index.jsp
- Headers: https://developers.agendize.com/v2/platform/reference/authentication.jsp
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import SecretStr, model_validator

from poller.plugin import (
    Assumption,
    ChosenStreams,
    Credential,
    History,
    Http,
    Origin,
    RecordType,
    Secret,
    Source,
    StaticHeaders,
    Stream,
    StreamSettings,
    SweepSettings,
    TypedDecoder,
    WholeList,
    Windowed,
    ZoneName,
    bearer,
    kinds,
    read_id,
)
from poller.sources.agendize import api, assumptions, records


class CallsSweeps(SweepSettings):
    """The timing of the sweeps of calls."""

    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(hours=6))
    settle: Windowed = Windowed(every=timedelta(hours=1), lookback=timedelta(hours=48))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(days=7))
    sync: WholeList = WholeList(every=timedelta(minutes=1))


class Streams(ChosenStreams):
    """The vendor's streams."""

    calls: StreamSettings[CallsSweeps] = StreamSettings[CallsSweeps]()


class Agendize(Source):
    """An account of Agendize. Its calls are remembered for ever: a sync brings any of them, however old."""

    KEEP_FOREVER: ClassVar = True

    type: Literal["agendize"]
    base_url: Origin = "https://api.agendize.com/api/2.0"
    api_key: Secret | None = None
    token: Secret | None = None
    access_token: Secret | None = None
    timezone: ZoneName | None = None
    streams: Streams = Streams(calls=StreamSettings[CallsSweeps]())

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        pair = (self.api_key, self.token)
        if any(pair) if self.access_token else not all(pair):
            raise ValueError("either access_token, or api_key and token together")
        return self

    def credential(self) -> Credential:
        """Return the key and the account's token in their headers, or a bearer token."""
        if self.api_key and self.token:
            return StaticHeaders({"apiKey": self.api_key, "token": self.token})
        return bearer(self.access_token or SecretStr(""))

    def build_streams(self) -> Sequence[Stream]:
        """Build the stream of calls."""
        sweeps, zone = self.streams.calls.sweeps, ZoneInfo(self.timezone) if self.timezone else None
        region = self.default_region
        began = History(partial(api.since, ended=True), timedelta(minutes=1))
        calls = Stream(
            name="calls",
            sweeps=(
                sweeps.live.sweep("live", api.since, ranges=began),
                sweeps.settle.sweep("settle", api.since, ranges=began),
                sweeps.audit.sweep("audit", api.since, is_audit=True, ranges=began),
                sweeps.sync.sweep("sync", api.sync),
            ),
            records=RecordType(  # the vendor neither stamps modifications nor marks deletions
                kind=kinds.Call,
                decoder=TypedDecoder(records.Record),
                identity=lambda record: read_id(record.id),
                row_identity=api.call_id,
                steady=api.steady,
                contents=(records.contents, records.contents_in_utc),
                time=lambda record: records.began(record, zone=zone),
                normalize=lambda record: records.call(record, zone=zone, region=region),
            ),
            history=began,
        )
        return [calls]

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what the documentation leaves open."""
        listed = assumptions.list_of(now, ZoneInfo(self.timezone) if self.timezone else None)
        return assumptions.of_calls(listed, self.streams.calls.sweeps.audit.lookback)

    async def probe(self, http: Http) -> str:
        """Ask for calls that nobody made yet: no list can be limited to one call."""
        count = await api.count_beyond(http)
        return f"answers; {count:,} calls from {api.BEYOND:%Y} on, and no others"
