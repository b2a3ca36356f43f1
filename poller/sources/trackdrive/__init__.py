"""TrackDrive: leads by the time of their creation, for want of any order; calls by cursors, and by order of update.

- Parameters, columns, cursors: https://trackdrive.com/api/docs/1.0/leads/index.html,
  https://trackdrive.net/api/docs/1.0/calls.html
- Credential: https://support.trackdrive.com/articles/how-to-postback-to-trackdrive-using-basic-auth
- A lead's status: https://support.trackdrive.net/articles/lead-overview; a call's, which is one of telephony until the
  call is over: https://support.trackdrive.com/articles/call-lifecycle-and-status-values
- What is redacted after 30 days or more (https://support.trackdrive.net/articles/pii-redaction) is a change like any.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Literal

from pydantic import SecretStr, field_validator

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
    Windowed,
    kinds,
)
from poller.sources.trackdrive import api, assumptions, change_log, records


class LeadsSweeps(SweepSettings):
    """The timing of the sweeps of leads."""

    live: Windowed = Windowed(every=timedelta(seconds=30), lookback=timedelta(minutes=5))
    settle: Windowed = Windowed(every=timedelta(minutes=15), lookback=timedelta(hours=6))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))
    changes: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=5))


class CallsSweeps(SweepSettings):
    """The timing of the sweeps of calls."""

    live: Windowed = Windowed(every=timedelta(seconds=30), lookback=timedelta(minutes=5))
    ended: Windowed = Windowed(every=timedelta(seconds=30), lookback=timedelta(minutes=5))
    updated: Windowed = Windowed(every=timedelta(minutes=2), lookback=timedelta(minutes=10))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))


class Streams(ChosenStreams):
    """The vendor's streams."""

    leads: StreamSettings[LeadsSweeps] | None = None
    calls: StreamSettings[CallsSweeps] | None = None


class Trackdrive(Source):
    """A company on TrackDrive, which has a subdomain of its own: it sees what its access token may see."""

    REGION: ClassVar = "US"

    type: Literal["trackdrive"]
    base_url: Origin
    public_key: Secret
    private_key: Secret
    streams: Streams = Streams(leads=StreamSettings[LeadsSweeps](), calls=StreamSettings[CallsSweeps]())

    @field_validator("public_key")
    @classmethod
    def _ends_at_the_colon(cls, key: SecretStr) -> SecretStr:
        if ":" in key.get_secret_value():
            raise ValueError("a public key holds no colon: the private key has a key of its own")
        return key

    def credential(self) -> Credential:
        """Return both keys, as user and password (RFC 7617)."""
        pair = f"{self.public_key.get_secret_value()}:{self.private_key.get_secret_value()}"
        return StaticHeaders({"Authorization": SecretStr(f"Basic {b64encode(pair.encode()).decode()}")})

    def build_streams(self) -> Sequence[Stream]:
        """Build the leads and the calls, or those of them that were chosen."""
        streams = []
        if self.streams.leads:
            streams.append(self._leads(self.streams.leads.sweeps))
        if self.streams.calls:
            streams.append(self._calls(self.streams.calls.sweeps))
        return streams

    def _leads(self, timing: LeadsSweeps) -> Stream:
        created, region = History(partial(api.leads, ended=True), SMALLEST), self.default_region
        sweeps = (
            timing.live.sweep("live", api.leads, ranges=created),
            timing.settle.sweep("settle", api.leads, ranges=created),
            timing.audit.sweep("audit", api.leads, is_audit=True, ranges=created),
            timing.changes.sweep("changes", change_log.changes, from_lookback_only=True, reread=change_log.lead),
        )
        leads = RecordType(
            kind=kinds.Lead,
            decoder=TypedDecoder(records.Lead),
            identity=records.identity,
            row_identity=api.IDENTITIES[api.LEADS],
            steady=api.steady_leads,
            time=records.created,
            contents=(records.lead_contents,),
            normalize=lambda record: records.lead(record, region=region),
            modified=records.modified,
            deleted=records.deleted,
        )
        return Stream("leads", sweeps, leads, created)

    def _calls(self, timing: CallsSweeps) -> Stream:
        created, region = History(api.calls_between, SMALLEST), self.default_region
        sweeps = (
            timing.live.sweep("live", partial(api.calls, "created_at_from"), ranges=created),
            timing.ended.sweep("ended", partial(api.calls, "ended_at_from"), from_lookback_only=True),
            timing.updated.sweep("updated", api.updated, from_lookback_only=True),
            timing.audit.sweep("audit", partial(api.calls, "created_at_from"), is_audit=True, ranges=created),
        )
        calls = RecordType(
            kind=kinds.Call,
            decoder=TypedDecoder(records.Call),
            identity=records.identity,
            row_identity=api.IDENTITIES[api.CALLS],
            steady=api.steady_calls,
            time=records.created,
            contents=(records.call_contents,),
            normalize=lambda record: records.call(record, region=region),
            modified=records.modified,
            deleted=records.deleted,
        )
        return Stream("calls", sweeps, calls, created)

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what the documentation leaves open of the chosen streams."""
        found, lists = list[Assumption](), assumptions.Lists(now)
        records = {stream.name: stream.records for stream in self.built_streams}
        if leads := self.streams.leads:
            found += assumptions.of_leads(lists, leads.sweeps.settle.lookback)
        if calls := self.streams.calls:
            found += assumptions.of_calls(lists, calls.sweeps.live.lookback, records["calls"])
        return found

    async def probe(self, http: Http) -> str:
        """Ask for one lead; for one call where leads are not polled."""
        path = api.LEADS if self.streams.leads else api.CALLS
        total = await api.one(http, path)
        return "answers" if total is None else f"answers; {total:,} {path.rpartition('/')[2]}"


SMALLEST = timedelta(minutes=1)
"""The shortest slice of history."""
