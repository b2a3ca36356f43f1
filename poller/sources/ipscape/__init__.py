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
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr

from poller.plugin import (
    Assumption,
    Column,
    Credential,
    History,
    Http,
    IdentityOf,
    RecordType,
    Secret,
    Source,
    StaticHeaders,
    Stream,
    Sweep,
    TypedDecoder,
    ZoneName,
    column_of,
    identity_of,
    kinds,
    read_id,
    remember_latest,
    require_time,
)
from poller.sources.ipscape import api, assumptions, calls, former, leads
from poller.sources.ipscape.api import Timed
from poller.sources.ipscape.assumptions import Of
from poller.sources.ipscape.settings import ALL, CallSweeps, LeadSweeps, ListSweeps, Streams

LEAD_SLACK = timedelta(days=1)  # leads are filtered by their upload: we assume that it is when they were created, or so


def _word(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z!#$%&'*+.^_`|~-]*", text):
        raise ValueError("one word goes here, such as Authorization, Bearer or X-Api-Key")
    return text


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

    def assumptions(self, now: datetime) -> Sequence[Assumption]:
        """Return what the documentation leaves open of the chosen streams."""
        chosen, found = self.streams, list[Assumption]()
        if chosen.activities:
            settled = chosen.activities.sweeps.settle.lookback
            found += assumptions.of_list(Of("activities", self._listed_activities, settled, now))
        dialled = chosen.dialler_calls.sweeps if chosen.dialler_calls else CallSweeps()
        attempts = Of("dialler_calls", self._attempts, dialled.settle.lookback, now)
        if chosen.dialler_calls:
            found += assumptions.of_list(attempts)
        if chosen.leads:
            of_leads = Of("leads", self._listed_leads, chosen.leads.sweeps.settle.lookback, now)
            found += assumptions.of_leads(of_leads, attempts)
        return [*found, assumptions.campaigns_in_one_page()] if chosen.campaigns else found

    async def probe(self, http: Http) -> str:
        """Ask for the lists of leads: of the lists that are sure to be there, the shortest."""
        response = await http.get(api.LEAD_LISTS, {})
        found = api.itemized(identity_of("id"), response)
        return f"answers; {len(found.rows):,} lead lists{' and more' if found.cursor else ''}"

    @property
    def _zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.timezone) if self.timezone else None

    @property
    def _attempts(self) -> Timed:
        return Timed(api.DIALLER, "dialledTimestamp", *self._columns("attemptId", "timestamps.dialled"))

    @property
    def _listed_activities(self) -> Timed:
        columns = self._columns("data.activityId", "data.timestamps.created")
        return Timed(api.ACTIVITIES, "createdTimestamp", *columns)

    @property
    def _listed_leads(self) -> Timed:
        return Timed(api.LEADS, "uploadedTimestamp", *self._columns("leadId", "timestamps.created"), LEAD_SLACK)

    def _columns(self, identity: str, time: str) -> tuple[IdentityOf, Column[datetime]]:
        """Return the readers of a row's identity and of its own time: both are decoded at once."""
        zone = self._zone
        return identity_of(identity, time), column_of(time, lambda leaf: require_time(leaf, time, zone), identity)

    def _activities(self, sweeps: CallSweeps) -> Stream:
        listed, zone, region = self._listed_activities, self._zone, self.default_region
        times_of = remember_latest(lambda record: calls.activity_times(record, zone=zone))
        record = RecordType(
            kind=kinds.Call,
            decoder=calls.ActivityDecoder(),
            identity=calls.activity_id,
            row_identity=listed.identity,
            contents=(former.activity_contents, calls.activity_contents),
            untyped=1,
            time=lambda record: times_of(record)[0] or require_time(None, "timestamps.created"),
            normalize=lambda record: calls.activity(record, times_of=times_of, region=region),
            further_kinds=(kinds.Activity,),
        )
        return Stream("activities", _three(sweeps, listed), record, _past(listed))

    def _dialler_calls(self, sweeps: CallSweeps) -> Stream:
        listed, zone, region = self._attempts, self._zone, self.default_region
        times_of = remember_latest(lambda record: calls.attempt_times(record, zone=zone))
        record = RecordType(
            kind=kinds.DialAttempt,
            decoder=TypedDecoder(calls.Attempt),
            identity=lambda record: read_id(record.attemptId),
            row_identity=listed.identity,
            contents=(former.contents, _whole),
            untyped=1,
            time=lambda record: times_of(record)[0] or require_time(None, "timestamps.dialled"),
            normalize=lambda record: calls.attempt(record, times_of=times_of, region=region),
        )
        return Stream("dialler_calls", _three(sweeps, listed), record, _past(listed))

    def _leads(self, sweeps: LeadSweeps) -> Stream:
        listed, zone, region = self._listed_leads, self._zone, self.default_region
        touched, reread = partial(api.touched, self._attempts, zone), partial(api.reread, listed.identity)
        times_of = remember_latest(lambda record: leads.lead_times(record, zone=zone))
        record = RecordType(
            kind=kinds.Lead,
            decoder=TypedDecoder(leads.Lead),
            identity=lambda record: read_id(record.leadId),
            row_identity=listed.identity,
            contents=(former.lead_contents, leads.lead_contents),
            untyped=1,
            time=lambda record: times_of(record)[0] or require_time(None, "timestamps.created"),
            modified=lambda record: times_of(record)[1],
            normalize=lambda record: leads.lead(record, times_of=times_of, region=region),
        )
        return Stream(
            "leads",
            (*_three(sweeps, listed), sweeps.touched.sweep("touched", touched, from_lookback_only=True, reread=reread)),
            record,
            _past(listed),
        )

    def _lead_lists(self, sweeps: ListSweeps) -> Stream:
        zone = self._zone
        record = RecordType(
            kind=kinds.LeadList,
            decoder=TypedDecoder(leads.LeadList),
            identity=lambda record: read_id(record.id),
            contents=(former.contents, _whole),
            untyped=1,
            time=lambda record: leads.lead_list_time(record, zone=zone),
            normalize=lambda record: leads.lead_list(record, zone=zone),
        )
        return Stream("lead_lists", (sweeps.snapshot.sweep("snapshot", _LEAD_LISTS, snapshot=True),), record)


def _whole(record: object) -> object:
    return record


_LEAD_LISTS = partial(api.whole, api.LEAD_LISTS, partial(api.itemized, identity_of("id")))
_CAMPAIGNS = partial(api.whole, api.CAMPAIGNS, partial(api.numbered, identity_of("campaignId")))
_USERS = partial(api.whole, api.USERS, partial(api.itemized, identity_of("userId")))


def _campaigns(sweeps: ListSweeps) -> Stream:
    record = RecordType(
        kind=kinds.Campaign,
        decoder=TypedDecoder(leads.Campaign),
        identity=lambda record: read_id(record.campaignId),
        contents=(_whole, _whole),
        untyped=1,
        time=lambda _: None,
        normalize=leads.campaign,
    )
    return Stream("campaigns", (sweeps.snapshot.sweep("snapshot", _CAMPAIGNS, snapshot=True),), record)


def _users(sweeps: ListSweeps) -> Stream:
    record = RecordType(
        kind=kinds.User,
        decoder=TypedDecoder(leads.User),
        identity=lambda record: read_id(record.userId),
        contents=(leads.user_contents, leads.user_contents),
        untyped=1,
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
