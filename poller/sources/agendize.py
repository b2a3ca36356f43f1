"""Agendize: calls, asked for by their start; what changes later is told only where it hands out sync tokens.

- Record, filters, sync tokens: https://developers.agendize.com/v2/calls/reference/index.jsp
- Headers: https://developers.agendize.com/v2/platform/reference/authentication.jsp
- Its words on `startDate`, `endDate` and sync tokens are those of Google Calendar's `timeMax`, `timeMin` and
  `syncToken` (https://developers.google.com/calendar/api/v3/reference/events/list): the first two we take for swapped.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from msgspec import Raw, Struct, json, structs
from pydantic import SecretStr, model_validator

from poller.plugin import Denied, SourceError, Throttled, Unavailable, Unexpected, kinds
from poller.plugin.config_types import Origin, Secret
from poller.plugin.credentials import Credential, StaticHeaders
from poller.plugin.fields.decoding import UNREADABLE, decode_response, utf8
from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import read_id, read_seconds, read_text
from poller.plugin.fields.structs import as_struct, struct_of
from poller.plugin.fields.times import ZoneName, read_time, read_zone, require_time, time_after
from poller.plugin.pagination.bisect import Span
from poller.plugin.pagination.pages import ListPage, PageRef
from poller.plugin.pagination.sync_token import Expired, follow_sync_token
from poller.plugin.pagination.truncated import bisect_truncated
from poller.plugin.source import ChosenStreams, Source, StreamSettings, SweepSettings, WholeList, Windowed, bearer
from poller.plugin.stream import BEGINNING, Cursor, History, Http, Leaf, Page, RecordType, Response, Stream, Window

CALLS = "/calls"
NO_CALLS = {"nextPageToken", "nextSyncToken"}  # all that an answer may hold that lacks its calls: there are none
BEYOND = datetime(2100, 1, 1, tzinfo=UTC)  # no call begins later: who asks for those has an answer, and a short one
EXCLUSIVE = timedelta(seconds=2)  # so much earlier is asked: a bound is not in its range, which is cut to the second

# What the documentation leaves open, and we assume:
LAG = timedelta(seconds=5)  # so long after its end, at the latest, a call is visible
LONGEST = timedelta(hours=4)  # no call lasts longer: `endDate` is about the end
CAPS = frozenset({100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000})  # so many in one answer may not be all
SLACK = timedelta(hours=2)  # so much earlier a call may seem to begin than it was asked for: clocks are put back
SHORT = timedelta(hours=1)  # a list since then is short, and may hold a sync token as well as a whole one
RESET = timedelta(hours=48)  # so far before the last good sync is read again when a token has expired
EXPIRED = ("400", "404", "410")  # what a token that has expired may be answered with
CODES = frozenset(map(str, range(400, 600)))
REFUSALS: Mapping[str, type[SourceError]] = {"401": Denied, "403": Denied, "429": Throttled}
_written = "{:%Y-%m-%dT%H:%M:%SZ}".format  # to the second; its fraction is cut off
STATUSES: Mapping[str, kinds.CallStatus] = {
    "completed": "answered", "noAnswered": "missed", "message": "voicemail", "wrongNumber": "wrong_number",
    "busy": "busy", "abandoned": "abandoned",
}  # fmt: skip

_Start = struct_of("dateTime timeZone")
_Recording = struct_of("mimeType mineType url")  # sic: it is spelled in both ways
Record = struct_of(
    "id buttonId clientId callerNumber calledNumber trackingNumber duration status externalId type",
    start=_Start, record=_Recording,
)  # fmt: skip


class _Found(Struct, rename="camel"):
    items: list[Raw] | None = None
    next_page_token: str | int | None = None
    next_sync_token: Leaf = None
    error: Leaf = None
    status_code: Leaf = None


_FOUND, _KEYS, _STARTED = json.Decoder(_Found), json.Decoder(dict[str, Raw]), json.Decoder(struct_of("", start=_Start))


class CallsSweeps(SweepSettings):
    """How often each way of reading calls runs, and how far it reaches back."""

    live: Windowed = Windowed(every=timedelta(minutes=1), lookback=timedelta(hours=6))
    settle: Windowed = Windowed(every=timedelta(hours=1), lookback=timedelta(hours=48))
    audit: Windowed = Windowed(every=timedelta(hours=24), lookback=timedelta(days=7))
    sync: WholeList = WholeList(every=timedelta(minutes=1))


class Streams(ChosenStreams):
    """The vendor's streams."""

    calls: StreamSettings[CallsSweeps] = StreamSettings[CallsSweeps]()


class Agendize(Source):
    """One account of Agendize. Its calls are remembered for ever: a sync brings any of them, however old."""

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
        """The key and the account's token in their headers, or a bearer token."""
        if self.api_key and self.token:
            return StaticHeaders({"apiKey": self.api_key, "token": self.token})
        return bearer(self.access_token or SecretStr(""))

    def build_streams(self) -> Sequence[Stream]:
        """The calls."""
        sweeps, zone = self.streams.calls.sweeps, ZoneInfo(self.timezone) if self.timezone else None
        calls = Stream(
            name="calls",
            sweeps=(
                sweeps.live.sweep("live", _since, ranges=_BEGAN),
                sweeps.settle.sweep("settle", _since, ranges=_BEGAN),
                sweeps.audit.sweep("audit", _since, is_audit=True, ranges=_BEGAN),
                sweeps.sync.sweep("sync", _sync),
            ),
            records=RecordType(  # the vendor neither stamps modifications nor marks deletions
                kind=kinds.Call,
                decoder=json.Decoder(Record),
                identity=lambda record: read_id(record.id),
                contents=(contents,),
                time=partial(_time, zone=zone),
                normalize=partial(normalize, zone=zone, region=self.default_region),
            ),
            history=_BEGAN,
        )
        return [calls]

    async def probe(self, http: Http) -> str:
        """Ask for calls that nobody made yet: no list can be limited to one call."""
        answer = await _between(http, Span(BEYOND, None), 1)
        return f"answers; {len(answer.records):,} calls from {BEYOND:%Y} on, and no others"


def _since(http: Http, _: Cursor | None, window: Window, *, ended: bool = False) -> AsyncIterator[Page]:
    """What began since the window's start, open-ended unless `ended`."""
    return bisect_truncated(partial(_between, http), window, caps=CAPS, longest=LONGEST, lag=LAG, ended=ended)


_BEGAN = History(partial(_since, ended=True), timedelta(minutes=1))
"""Calls by their start, in a range that has an end."""


async def _between(http: Http, span: Span, place: PageRef) -> ListPage:
    """Calls that began in a span. Raises Unexpected where some came that surely began long before."""
    since = max(span.start, BEGINNING) - EXCLUSIVE
    end = {"endDate": _written(span.end + LONGEST)} if span.end else {}
    answer = await _ask(http, {"startDate": _written(since), **end}, place)
    if any(began and began < since - SLACK for began in map(_surely_began, answer.records)):
        raise Unexpected("the filter was not applied: calls came that began before startDate")
    return answer


def _sync(http: Http, cursor: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """What changed since the last pass, whenever it began."""
    return follow_sync_token(
        cursor,
        changes=lambda token: partial(_ask, http, {"syncToken": token}),
        lists=[partial(_ask, http, query) for query in ({"startDate": _written(window.end - SHORT)}, {})],
        since=lambda until: _since(http, None, replace(window, start=until - RESET)),
        lag=LAG,
    )


async def _ask(http: Http, query: Mapping[str, str], place: PageRef) -> ListPage:
    """A page of a list of calls. Raises SourceError."""
    at = {"pageToken": place} if isinstance(place, str) else {}
    response = await http.get(CALLS, {**query, **at}, accept=(200, *map(int, EXPIRED)))
    found = _believed(response)
    return ListPage(
        found.items or (), None, read_id(found.next_page_token), response.date, read_id(found.next_sync_token)
    )


def _believed(response: Response) -> _Found:
    """The answer, unless it is a refusal, which may come as a 200. Raises SourceError."""
    body = utf8(response.body)
    try:
        found = decode_response(_FOUND, body)
    except Unexpected:
        if response.status == 200:
            raise
        found = _Found()  # what comes with another status need not be of the documented shape
    inner = found.error.get("code") if isinstance(found.error, dict) else found.status_code
    said = [code for code in (read_id(inner), f"{response.status}") if code in CODES]
    if said or found.error is not None:
        raise _refusal(said[0] if said else "none", response.status)
    if found.items is None and decode_response(_KEYS, body).keys() - NO_CALLS:
        raise Unexpected("not the documented answer: it holds no items, but something else")
    return found


def _refusal(code: str, status: int) -> SourceError:
    named = Expired if code in EXPIRED else REFUSALS.get(code, Unavailable if code.startswith("5") else Unexpected)
    return named(f"HTTP {status}, refused with the code {code}")


def _surely_began(row: Raw) -> datetime | None:
    """When a call began, unless that hangs on the zone in the configuration."""
    try:
        return read_time(*_start(_STARTED.decode(row), None))
    except UNREADABLE:
        return None


def _start(record: Any, zone: ZoneInfo | None) -> tuple[Leaf, ZoneInfo | None]:
    """What the clock showed when a call began, and where; `zone` where the call names none that is known."""
    start = as_struct(record.start, _Start)
    return start.dateTime, read_zone(start.timeZone) or zone


def _time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    clock, named = _start(record, zone)
    return require_time(clock, "start", named)


def contents(record: Any) -> Any:
    """The call without what is volatile, a URL that is signed anew each time; and what has two spellings in one."""
    recording = record.record
    if isinstance(recording, _Recording):
        url = recording.url.partition("?")[0] if isinstance(recording.url, str) else recording.url
        recording = _Recording(url=url, mimeType=recording.mimeType or recording.mineType)
    return structs.replace(record, id=None, duration=read_id(record.duration) or record.duration, record=recording)


def normalize(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.Call:
    """A call in our words. Text may hold HTML entities, which are left as they are."""
    began, lasted = read_time(*_start(record, zone)), read_seconds(record.duration)
    return kinds.Call(
        id=read_id(record.id) or "",
        direction="inbound" if record.type == "callTracking" else None,
        status=STATUSES.get(read_text(record.status) or "", "unknown"),
        vendor_status=read_text(record.status),
        started_at=began,
        ended_at=time_after(began, lasted),
        duration_seconds=lasted,
        caller_number=e164(record.callerNumber, region),
        called_number=e164(record.calledNumber, region),
        tracking_number=e164(record.trackingNumber, region),
        recording_url=read_text(as_struct(record.record, _Recording).url),
        lead_id=read_id(record.clientId),
    )
