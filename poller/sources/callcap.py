"""Callcap (NEXTMS): its calls, asked for by the time they were last modified.

- Key, status words, errors, a 404 for a list that has nothing to say: https://callcap.readme.io/docs/getting-started
- Parameters, envelope, record: https://callcap.readme.io/docs/calls
- Old calls change for years (analysts, revenue, invoices): https://callcap.readme.io/docs/conversations
- Filters and times are wall clocks of `search_timezone`, to the minute and the day. In a zone with summer time, of the
  two readings of a repeated hour the first counts, unless a call would end, or be modified, before it began.
- `rings` counts rings, so `ring_seconds` is null; `csr` is taken as it is, also number 0, the "Administrator".
- Blocks that the documentation leaves open (webmatch, sentiment …) are compared whole, new fields and all.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw, Struct

from poller.plugin import Shifted, Unexpected, kinds
from poller.plugin.config_types import Origin, Secret
from poller.plugin.credentials import Credential
from poller.plugin.fields.decoding import decode_response
from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import letters_only, read_id, read_named, read_number, read_seconds, read_text
from poller.plugin.fields.structs import IdentityOf, as_struct, identity_of, struct_of
from poller.plugin.fields.times import ZoneName, read_time, require_time, seconds_between, wall_clock
from poller.plugin.pagination.numbered import following, numbering
from poller.plugin.pagination.pages import ListPage, PageRef, read_pages
from poller.plugin.source import ChosenStreams, Source, StreamSettings, SweepSettings, Windowed, bearer
from poller.plugin.stream import BEGINNING, Cursor, End, History, Http, Page, RecordType, Response, Stream, Window

CALLS, ACCOUNTS = "/v2/get/calls/", "/v2/get/accounts/"
SHOW = 1000  # the documented most
PRESETS = {timedelta(minutes=minutes): f"last{minutes}minutes" for minutes in (1, 5, 10, 30, 60)}

# What the documentation leaves open, and we assume:
BEYOND = timedelta(minutes=61)  # whether the last minute counts is not documented; an hour may come twice
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a change is visible
STATUSES: Mapping[str, kinds.CallStatus] = {  # `action`, small letters only; filters spell it differently than records
    "answer": "answered", "answered": "answered", "ans": "answered", "missed": "missed", "noanswer": "missed",
    "unanswered": "missed", "inprogress": "in_progress", "voicemail": "voicemail", "busy": "busy", "failed": "failed",
    "abandoned": "abandoned", "hangup": "abandoned", "blocked": "blocked", "wrongnumber": "wrong_number",
}  # fmt: skip
DIRECTIONS: Mapping[str, kinds.Direction] = {"inbound": "inbound", "outbound": "outbound", "internal": "internal"}

_Thing = struct_of("id name label tag opportunity external_id corporate_label")
_Campaign = struct_of(
    "id name callcap_number dialed_number destination_number ivr_option medium medium_type direction line-memo"
    " addtl_line_memo cost_per_piece_est cost_per_piece_final default_revenue_value"
)
_Caller = struct_of("caller_id name class address city state zip")
_Outcome = struct_of("change_request", major=_Thing, minor=_Thing, csr=_Thing)
_Accounts = struct_of("", corporate=_Thing, division=_Thing, location=_Thing, campaign=_Campaign)
Record = struct_of(
    "call_id recording action start_datetime end_datetime last_modified dtmf duration rings revenue notes webmatch"
    " sentiment summaries scorecards demographics import",
    caller=_Caller, callsurance=_Outcome, accounts=_Accounts,
    callsaver=struct_of("date user", outcome=_Thing, reason=_Thing),
)  # fmt: skip


class _Verdict(Struct):
    status: str


class _List(_Verdict):
    pagination: Raw
    search: dict[str, Any]
    call: list[Raw]


_LIST, _VERDICT = msgspec.json.Decoder(_List), msgspec.json.Decoder(_Verdict)
_PAGINATION = numbering(number="page", size="show", last="last_page", total="total_records", rows="records_returned")


class CallsSweeps(SweepSettings):
    """How often each way of reading calls runs, and how far it reaches back."""

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
        """The key, as a bearer token that never changes."""
        return bearer(self.api_key)

    def build_streams(self) -> Sequence[Stream]:
        """The calls."""
        zone, sweeps = ZoneInfo(self.timezone), self.streams.calls.sweeps
        preset = next((name for width, name in PRESETS.items() if width >= sweeps.recent.lookback), None)
        if preset is None:
            raise ValueError("streams.calls.sweeps.recent.lookback: at most 60m, the vendor's widest preset")
        past = History(partial(_started, zone), timedelta(days=1))
        edited = History(partial(_edited, zone), timedelta(minutes=1))
        calls = Stream(
            name="calls",
            sweeps=(
                sweeps.recent.sweep("recent", partial(_recent, zone, preset), from_lookback_only=True, advisory=True),
                sweeps.live.sweep("live", partial(_modified, zone), ranges=edited),
                sweeps.audit.sweep("audit", partial(_started, zone), is_audit=True, ranges=past),
            ),
            records=RecordType(  # the vendor marks no deletions
                kind=kinds.Call,
                decoder=msgspec.json.Decoder(Record),
                identity=lambda record: read_id(record.call_id),
                contents=(contents,),
                time=lambda record: require_time(record.start_datetime, "start_datetime", zone),
                modified=partial(_stamp, zone=zone),
                normalize=partial(normalize, zone=zone, region=self.default_region),
            ),
            history=past,
        )
        return [calls]

    async def probe(self, http: Http) -> str:
        """Ask for the newest call."""
        query = {"search_range": "custom", "search_startdate": f"{BEGINNING:%Y-%m-%d}", "order": "newest"}
        answer = await _ask(http, ZoneInfo(self.timezone), query, 1, show=1)
        return f"answers; {answer.total:,} calls"


async def _recent(zone: ZoneInfo, preset: str, http: Http, _: Cursor | None, __: Window) -> AsyncIterator[Page]:
    """The preset slides on between pages: what slid out of it `live` has, so a page that is gone is the end."""
    number: PageRef | None = 1
    while number is not None:
        try:
            answer = await _ask(http, zone, {"search_range": preset, "order": "newest"}, number)
        except Shifted:
            return
        number = answer.following
        yield Page(answer.records, end=End() if number is None else None)


def _modified(zone: ZoneInfo, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """By last modification, open-ended, so that rows can only enter, and paging only repeat."""
    start = wall_clock(max(window.start, BEGINNING), zone)
    query = {"search_last_modified_start": f"{start:%Y-%m-%d %H:%M}"}
    return _read(zone, http, query, BEGINNING.date(), window.end)


def _edited(zone: ZoneInfo, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """By last modification, in a range with an end: a call that is edited meanwhile leaves it, and so shifts it."""
    start, end = wall_clock(max(window.start, BEGINNING), zone), wall_clock(window.end + BEYOND, zone)
    bounds = (("start", start), ("end", end))
    query = {f"search_last_modified_{name}": f"{bound:%Y-%m-%d %H:%M}" for name, bound in bounds}
    return _read(zone, http, query, BEGINNING.date(), window.end)


def _started(zone: ZoneInfo, http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """By start date, whole days; the calls have to add up."""
    start = wall_clock(max(window.start, BEGINNING), zone)
    return _read(zone, http, {}, start.date(), window.end, identity_of("call_id"))


def _read(
    zone: ZoneInfo, http: Http, query: Mapping[str, str], first: date, end: datetime, name: IdentityOf | None = None
) -> AsyncIterator[Page]:
    """Calls that began from the day `first` on, oldest first: that the last day is included is not documented."""
    last = max(end.astimezone(zone).date(), first) + timedelta(days=1)
    dates = {"search_range": "custom", "search_startdate": f"{first}", "search_enddate": f"{last}", "order": "oldest"}
    limit = datetime.combine(last, time(), zone).astimezone(UTC)  # what begins later was not asked for
    return read_pages(partial(_ask, http, zone, {**dates, **query}), lag=LAG, limit=limit, identity=name)


async def _ask(http: Http, zone: ZoneInfo, query: Mapping[str, str], place: PageRef, show: int = SHOW) -> ListPage:
    """Raises Unexpected where that is not the documented answer to what was asked, Shifted where the page is gone."""
    number = int(place)
    fixed = {"conversation_type": "call", "detail": "all", "search_timezone": zone.key, "show": f"{show}"}
    response = await http.get(CALLS, {**query, **fixed, "page": f"{number}"}, accept=(200, 404))
    if response.status == 404:
        return await _silence(http, response, number)
    found = decode_response(_LIST, response.body)
    said, rows = decode_response(_PAGINATION, found.pagination), len(found.call)
    contradictions = (
        (found.status != "success", "its status is not success"),
        (found.search.get("timezone") != zone.key, f"its times are not those of {zone.key}"),
    )
    further = following(said, rows, number=number, size=show, contradictions=contradictions)
    return ListPage(found.call, said.total, further, response.date)


async def _silence(http: Http, response: Response, number: int) -> ListPage:
    """A list with nothing to say is a 404 with a status; so is a wrong address, unless this key has been answered."""
    decode_response(_VERDICT, response.body)
    if number > 1:
        raise Shifted(f"page {number} is gone")
    if not http.answered(CALLS):
        proof = await http.get(ACCOUNTS, {})
        if decode_response(_VERDICT, proof.body).status != "success":
            raise Unexpected("neither the calls nor the accounts are there: is base_url right?")
    return ListPage((), 0, None, response.date)


def _stamp(record: Any, *, zone: ZoneInfo) -> datetime | None:
    return read_time(record.last_modified, zone, after=read_time(record.start_datetime, zone))


def contents(record: Any) -> Any:
    """The call without what is volatile: the stamp alone says nothing, and a signed URL is signed anew each time."""
    recording = record.recording.partition("?")[0] if isinstance(record.recording, str) else record.recording
    return msgspec.structs.replace(record, last_modified=None, recording=recording)


def normalize(record: Any, *, zone: ZoneInfo, region: str | None) -> kinds.Call:
    """A call in our words. On an outbound call `caller_id` is taken for the customer, who was called."""
    campaign = as_struct(as_struct(record.accounts, _Accounts).campaign, _Campaign)
    caller, outcome = as_struct(record.caller, _Caller), as_struct(record.callsurance, _Outcome)
    began, total = read_time(record.start_datetime, zone), read_seconds(record.duration)
    ended = read_time(record.end_datetime, zone, after=began)
    action = read_text(record.action)
    direction = DIRECTIONS.get(str(campaign.direction).lower())
    customer, tracking = e164(caller.caller_id, region), e164(campaign.callcap_number, region)
    dialed = e164(campaign.dialed_number, region) or tracking
    outbound = direction == "outbound"
    return kinds.Call(
        id=read_id(record.call_id) or "",
        direction=direction,
        status=STATUSES.get(letters_only(action or ""), "unknown"),
        vendor_status=action,
        started_at=began,
        ended_at=ended,
        updated_at=_stamp(record, zone=zone),
        duration_seconds=seconds_between(began, ended) if total is None else total,
        caller_number=tracking if outbound else customer,
        called_number=customer if outbound else dialed,
        tracking_number=tracking or (None if outbound else dialed),
        destination_number=e164(campaign.destination_number, region),
        caller=kinds.Caller(
            read_text(caller.name), read_text(caller.city), read_text(caller.state), read_text(caller.zip)
        ),
        campaign=read_named(campaign),
        agent=read_named(as_struct(outcome.csr, _Thing)),
        disposition=read_text(as_struct(outcome.minor, _Thing).label)
        or read_text(as_struct(outcome.major, _Thing).label),
        recording_url=read_text(record.recording),
        revenue=read_number(record.revenue),
    )
