"""Agendize's calls: their documented fields, what of them counts as a change, and calls in our words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from poller.plugin import (
    JsonValue,
    TypedDecoder,
    as_struct,
    e164,
    kinds,
    read_id,
    read_seconds,
    read_text,
    read_time,
    read_zone,
    require_time,
    struct_of,
    time_after,
)

# What the documentation leaves open, and we assume:
STATUSES: Mapping[str, kinds.CallStatus] = {
    "completed": "answered", "noAnswered": "missed", "message": "voicemail", "wrongNumber": "wrong_number",
    "busy": "busy", "abandoned": "abandoned",
}  # fmt: skip

_Start = struct_of("dateTime:time timeZone:text")
_Recording = struct_of("mimeType:text mineType:text url:text")  # sic: it is spelled in both ways
Record = struct_of(
    "id:identity buttonId:text clientId:text callerNumber:text calledNumber:text trackingNumber:text duration:whole"
    " status:text externalId:text type:text",
    None,
    start=_Start,
    record=_Recording,
)
STARTED = TypedDecoder(struct_of("", start=_Start))


def start_of(record: Any, zone: ZoneInfo | None) -> tuple[JsonValue, ZoneInfo | None]:
    """Return what the clock showed when a call began, and where; `zone` where the call names none that is known."""
    start = as_struct(record.start, _Start)
    return start.dateTime, read_zone(start.timeZone) or zone


def began(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """Return when a call began. Raises ValueError where that cannot be read."""
    clock, named = start_of(record, zone)
    return require_time(clock, "start", named)


def contents(record: Any) -> Any:
    """Return the call without what is volatile, a URL that is signed anew; and what has two spellings in one."""
    return structs.replace(record, **_compared(record))


def contents_in_utc(record: Any) -> Any:
    """Return the contents with the start as an instant, where the call names its zone: a zone has several names."""
    began = read_time(*start_of(record, None))
    return structs.replace(record, start=_Start(dateTime=began) if began else record.start, **_compared(record))


def _compared(record: Any) -> Mapping[str, Any]:
    """Return what is compared in another form than it is sent in."""
    recording = record.record
    if isinstance(recording, _Recording):
        url = recording.url.partition("?")[0] if isinstance(recording.url, str) else recording.url
        recording = _Recording(url=url, mimeType=recording.mimeType or recording.mineType)
    return {"id": None, "duration": read_id(record.duration) or record.duration, "record": recording}


def call(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.Call:
    """A call in our words. Text may hold HTML entities, which are left as they are."""
    began, lasted = read_time(*start_of(record, zone)), read_seconds(record.duration)
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
