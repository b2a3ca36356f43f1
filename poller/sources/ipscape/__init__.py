"""ipSCAPE: a contact centre's activities (its calls, mostly), dial attempts and leads, and the lists they refer to.

- Endpoints, parameters, records (not: servers, headers, limits): https://developer.onipscape.com/platform-api.html
- Tokens, and that questions are for the vendor's consultants: https://knowledgehub.ipscape.com/Integrations/ipSCAPE-API.1764262098.html
- Accounts lock after too many refusals: https://knowledgehub.ipscape.com/HSAD/Organisation-Settings.711623328.html
- It marks no deletions, and stamps modifications of leads only.
- Lists are filtered by when a call began, but a call is listed only once it was hung up: `live` comes too late for long
  ones, so `settle` and `audit` are not there for safety alone.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import AfterValidator, Field, SecretStr

from poller.plugin import (
    ChosenStreams,
    Credential,
    History,
    Http,
    RecordType,
    Secret,
    Source,
    StaticHeaders,
    Stream,
    StreamSettings,
    Sweep,
    SweepSettings,
    WholeList,
    Windowed,
    ZoneName,
    identity_of,
    kinds,
    read_id,
)
from poller.sources.ipscape import api, calls, leads
from poller.sources.ipscape.api import Timed

LEAD_SLACK = timedelta(days=1)  # leads are filtered by their upload: we assume that it is when they were created, or so


def _word(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z!#$%&'*+.^_`|~-]*", text):
        raise ValueError("one word goes here, such as Authorization, Bearer or X-Api-Key")
    return text


class CallSweeps(SweepSettings):
    """The timing of the sweeps of activities, or of dial attempts."""

    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(minutes=10))
    settle: Windowed = Windowed(every=timedelta(minutes=10), lookback=timedelta(hours=6))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(hours=72))


class LeadSweeps(SweepSettings):
    """The timing of the sweeps of leads."""

    live: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(hours=1))
    settle: Windowed = Windowed(every=timedelta(hours=1), lookback=timedelta(hours=6))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(days=7))
    touched: Windowed = Windowed(every=timedelta(minutes=5), lookback=timedelta(minutes=15))


class ListSweeps(SweepSettings):
    """The timing of the sweep that reads a list whole."""

    snapshot: WholeList = WholeList(every=timedelta(hours=1))


class Streams(ChosenStreams):
    """The vendor's streams."""

    activities: StreamSettings[CallSweeps] | None = None
    dialler_calls: StreamSettings[CallSweeps] | None = None
    leads: StreamSettings[LeadSweeps] | None = None
    campaigns: StreamSettings[ListSweeps] | None = None
    lead_lists: StreamSettings[ListSweeps] | None = None
    users: StreamSettings[ListSweeps] | None = None


ALL = Streams(
    activities=StreamSettings[CallSweeps](),
    dialler_calls=StreamSettings[CallSweeps](),
    leads=StreamSettings[LeadSweeps](),
    campaigns=StreamSettings[ListSweeps](),
    lead_lists=StreamSettings[ListSweeps](),
    users=StreamSettings[ListSweeps](),
)


class Ipscape(Source):
    """A tenant of ipSCAPE."""

    REGION: ClassVar = "AU"

    type: Literal["ipscape"]
    token: Secret
    auth_header: Annotated[str, Field(min_length=1), AfterValidator(_word)] = "Authorization"
    auth_scheme: Annotated[str, AfterValidator(_word)] = "Bearer"
    timezone: ZoneName | None = None
    streams: Streams = ALL

    def credential(self) -> Credential:
        """Return the token in its header, after its scheme where there is one."""
        return StaticHeaders(
            {self.auth_header: SecretStr(f"{self.auth_scheme} {self.token.get_secret_value()}".strip())}
        )

    def build_streams(self) -> Sequence[Stream]:
        """Build the chosen streams."""
        asked = self.streams
        found = (
            asked.activities and self._activities(asked.activities.sweeps),
            asked.dialler_calls and self._dialler_calls(asked.dialler_calls.sweeps),
            asked.leads and self._leads(asked.leads.sweeps),
            asked.campaigns and _campaigns(asked.campaigns.sweeps),
            asked.lead_lists and self._lead_lists(asked.lead_lists.sweeps),
            asked.users and _users(asked.users.sweeps),
        )
        return [stream for stream in found if stream]

    async def probe(self, http: Http) -> str:
        """Ask for the lists of leads: of the lists that are sure to be there, the shortest."""
        response = await http.get(api.LEAD_LISTS, {})
        found = api.itemized(identity_of("id"), response.body)
        return f"answers; {len(found.rows):,} lead lists{' and more' if found.cursor else ''}"

    @property
    def _zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.timezone) if self.timezone else None

    @property
    def _attempts(self) -> Timed:
        decoder, time = msgspec.json.Decoder(calls.Attempt), partial(calls.attempt_time, zone=self._zone)
        identity = identity_of("attemptId")
        return Timed(api.DIALLER, "dialledTimestamp", identity, lambda row: time(decoder.decode(row)))

    def _activities(self, sweeps: CallSweeps) -> Stream:
        decoder, time = msgspec.json.Decoder(calls.Activity), partial(calls.activity_time, zone=self._zone)
        listed = Timed(
            api.ACTIVITIES,
            "createdTimestamp",
            lambda row: calls.activity_id(decoder.decode(row)),
            lambda row: time(decoder.decode(row)),
        )
        record = RecordType(
            kind=kinds.Call,
            decoder=decoder,
            identity=calls.activity_id,
            row_identity=identity_of("data.activityId"),
            contents=(calls.activity_contents,),
            time=time,
            normalize=partial(calls.activity, zone=self._zone, region=self.default_region),
            further_kinds=(kinds.Activity,),
        )
        return Stream("activities", _three(sweeps, listed), record, _past(listed))

    def _dialler_calls(self, sweeps: CallSweeps) -> Stream:
        record = RecordType(
            kind=kinds.DialAttempt,
            decoder=msgspec.json.Decoder(calls.Attempt),
            identity=lambda record: read_id(record.attemptId),
            row_identity=identity_of("attemptId"),
            contents=(calls.attempt_contents,),
            time=partial(calls.attempt_time, zone=self._zone),
            normalize=partial(calls.attempt, zone=self._zone, region=self.default_region),
        )
        return Stream("dialler_calls", _three(sweeps, self._attempts), record, _past(self._attempts))

    def _leads(self, sweeps: LeadSweeps) -> Stream:
        decoder, time = msgspec.json.Decoder(leads.Lead), partial(leads.lead_time, zone=self._zone)
        identity = identity_of("leadId")
        listed = Timed(api.LEADS, "uploadedTimestamp", identity, lambda row: time(decoder.decode(row)), LEAD_SLACK)
        touched = partial(api.touched, self._attempts, self._zone)
        reread = partial(api.reread, identity)
        record = RecordType(
            kind=kinds.Lead,
            decoder=decoder,
            identity=lambda record: read_id(record.leadId),
            row_identity=identity,
            contents=(leads.lead_contents,),
            time=time,
            modified=partial(leads.lead_modified, zone=self._zone),
            normalize=partial(leads.lead, zone=self._zone, region=self.default_region),
        )
        return Stream(
            "leads",
            (*_three(sweeps, listed), sweeps.touched.sweep("touched", touched, from_lookback_only=True, reread=reread)),
            record,
            _past(listed),
        )

    def _lead_lists(self, sweeps: ListSweeps) -> Stream:
        record = RecordType(
            kind=kinds.LeadList,
            decoder=msgspec.json.Decoder(leads.LeadList),
            identity=lambda record: read_id(record.id),
            contents=(leads.lead_list_contents,),
            time=partial(leads.lead_list_time, zone=self._zone),
            normalize=partial(leads.lead_list, zone=self._zone),
        )
        return Stream("lead_lists", (sweeps.snapshot.sweep("snapshot", _LEAD_LISTS, snapshot=True),), record)


_LEAD_LISTS = partial(api.whole, api.LEAD_LISTS, partial(api.itemized, identity_of("id")))
_CAMPAIGNS = partial(api.whole, api.CAMPAIGNS, partial(api.numbered, identity_of("campaignId")))
_USERS = partial(api.whole, api.USERS, partial(api.itemized, identity_of("userId")))


def _campaigns(sweeps: ListSweeps) -> Stream:
    record = RecordType(
        kind=kinds.Campaign,
        decoder=msgspec.json.Decoder(leads.Campaign),
        identity=lambda record: read_id(record.campaignId),
        contents=(lambda record: record,),
        time=lambda _: None,
        normalize=leads.campaign,
    )
    return Stream("campaigns", (sweeps.snapshot.sweep("snapshot", _CAMPAIGNS, snapshot=True),), record)


def _users(sweeps: ListSweeps) -> Stream:
    record = RecordType(
        kind=kinds.User,
        decoder=msgspec.json.Decoder(leads.User),
        identity=lambda record: read_id(record.userId),
        contents=(leads.user_contents,),
        time=lambda _: None,
        normalize=leads.user,
    )
    return Stream("users", (sweeps.snapshot.sweep("snapshot", _USERS, snapshot=True),), record)


def _three(sweeps: CallSweeps | LeadSweeps, listed: Timed) -> tuple[Sweep, ...]:
    fetch, past = partial(api.between, listed), _past(listed)
    return (
        sweeps.live.sweep("live", fetch, ranges=past),
        sweeps.settle.sweep("settle", fetch, ranges=past),
        sweeps.audit.sweep("audit", fetch, is_audit=True, ranges=past),
    )


def _past(listed: Timed) -> History:
    return History(partial(api.between, listed, ahead=timedelta(0)), timedelta(minutes=1))
