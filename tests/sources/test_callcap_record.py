"""A Callcap call in our words."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from poller.plugin.kinds import Call, Caller, Named
from poller.sources.callcap import Callcap
from tests.sources.callcap_pages import CALL
from tests.sources.scripted import changed, decoded, leaves, without

(STREAM,) = Callcap.model_validate({"type": "callcap", "api_key": "k"}).build_streams()
(CENTRAL,) = Callcap.model_validate({"type": "callcap", "api_key": "k", "timezone": "US/Central"}).build_streams()


def normalized(record: object) -> Any:
    return STREAM.records.normalize(decoded(STREAM, record))


def test_a_call() -> None:
    assert normalized(CALL) == Call(
        id="100200_7_03_14_2026_09:15:42_3",
        direction="inbound",
        status="answered",
        vendor_status="Answer",
        started_at=datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC),
        ended_at=datetime(2026, 3, 14, 16, 19, 2, tzinfo=UTC),
        updated_at=datetime(2026, 3, 14, 16, 26, 10, tzinfo=UTC),
        duration_seconds=200,
        caller_number="+13165550100",
        called_number="+18665550103",
        tracking_number="+18665550101",
        destination_number="+13165550102",
        caller=Caller(name="Pat Example", city="Wichita", region="KS", postal_code="67202"),
        campaign=Named("1111", "Website"),
        agent=Named("0", "Administrator"),
        disposition="Appointment Booked",
        recording_url="https://app.callcap.com/recording/100200_7.mp3",
        revenue=0,
    )


def test_an_outbound_call_rings_at_the_customer() -> None:
    call = normalized(changed(CALL, "Outbound", "accounts", "campaign", "direction"))
    assert call.direction == "outbound"
    assert call.caller_number == "+18665550101"
    assert call.called_number == "+13165550100"
    assert call.tracking_number == "+18665550101"
    assert call.caller.name == "Pat Example"


CAMPAIGN = ("accounts", "campaign")
FIELDS: list[tuple[tuple[str, ...], object, str, object]] = [
    (("action",), "Missed", "status", "missed"),
    (("action",), "In Progress", "status", "in_progress"),
    (("action",), "inprogress", "status", "in_progress"),
    (("action",), "ANS", "status", "answered"),
    (("action",), "Blocked", "status", "blocked"),
    (("action",), "Voice-Mail", "status", "voicemail"),
    (("action",), "Busy", "status", "busy"),
    (("action",), "Teleported", "status", "unknown"),
    (("action",), "Teleported", "vendor_status", "Teleported"),
    (("action",), "", "vendor_status", None),
    (("action",), None, "status", "unknown"),
    (("action",), ["Answer"], "status", "unknown"),
    (("duration",), "200", "duration_seconds", 200),
    (("duration",), 12.9, "duration_seconds", 12),
    (("duration",), 0, "duration_seconds", 0),
    (("duration",), None, "duration_seconds", 200),
    (("duration",), "", "duration_seconds", 200),
    (("duration",), -3, "duration_seconds", 200),
    (("duration",), "1_0", "duration_seconds", 200),
    (("duration",), 10**29, "duration_seconds", 200),
    (("end_datetime",), "", "ended_at", None),
    (("end_datetime",), "2026-03-14 09:19:02 ", "ended_at", datetime(2026, 3, 14, 16, 19, 2, tzinfo=UTC)),
    (("end_datetime",), "2026-03-14T09:19:02+00:00", "ended_at", datetime(2026, 3, 14, 9, 19, 2, tzinfo=UTC)),
    (("end_datetime",), "0000-00-00 00:00:00", "ended_at", None),
    (("end_datetime",), 1773504942, "ended_at", None),
    (("last_modified",), None, "updated_at", None),
    (("revenue",), "149.50", "revenue", 149.5),
    (("revenue",), "20", "revenue", 20),
    (("revenue",), 12.25, "revenue", 12.25),
    (("revenue",), "", "revenue", None),
    (("revenue",), "$20", "revenue", None),
    (("revenue",), True, "revenue", None),
    (("recording",), "", "recording_url", None),
    (("caller",), "NF", "caller", Caller()),
    (("caller",), None, "caller_number", None),
    (("caller", "caller_id"), "NF", "caller_number", None),
    (("caller", "caller_id"), "+1719xxxx234", "caller_number", "+1719xxxx234"),
    (("caller", "caller_id"), 3165550100, "caller_number", "+13165550100"),
    (("caller", "caller_id"), "Anonymous", "caller_number", "Anonymous"),
    (("caller", "city"), "NF", "caller", Caller(name="Pat Example", region="KS", postal_code="67202")),
    (("caller", "zip"), 67202, "caller", Caller("Pat Example", "Wichita", "KS", "67202")),
    (("callsurance",), None, "agent", Named()),
    (("callsurance", "csr"), {"id": 12, "name": "Dana"}, "agent", Named("12", "Dana")),
    (("callsurance", "csr"), "Dana", "agent", Named()),
    (("callsurance", "minor"), None, "disposition", "Positive"),
    (("callsurance", "minor", "label"), "", "disposition", "Positive"),
    (("accounts",), None, "direction", None),
    (("accounts",), [], "campaign", Named()),
    ((*CAMPAIGN, "direction"), "internal", "direction", "internal"),
    ((*CAMPAIGN, "direction"), "sideways", "direction", None),
    ((*CAMPAIGN, "direction"), 1, "direction", None),
    ((*CAMPAIGN, "dialed_number"), "", "called_number", "+18665550101"),
    ((*CAMPAIGN, "callcap_number"), "NF", "tracking_number", "+18665550103"),
    ((*CAMPAIGN, "id"), "", "campaign", Named(None, "Website")),
]


@pytest.mark.parametrize(("path", "sent", "field", "expected"), FIELDS)
def test_a_field(path: tuple[str, ...], sent: object, field: str, expected: object) -> None:
    assert getattr(normalized(changed(CALL, sent, *path)), field) == expected


ODD: list[Any] = [None, "", "NF", 7, 1.5, True, [], {}, [{"id": 1}], {"id": {"id": 1}}]


@pytest.mark.parametrize("path", [path for path in leaves(CALL) if path != ("call_id",)], ids=".".join)
def test_no_odd_field_hides_the_call(path: tuple[str, ...]) -> None:
    for record in (*(changed(CALL, odd, *path) for odd in ODD), without(CALL, *path)):
        call = normalized(record)
        assert call.id == CALL["call_id"]
        assert b'""' not in msgspec.json.encode(call)
        assert b'"NF"' not in msgspec.json.encode(call)
        STREAM.records.contents[-1](decoded(STREAM, record))


@pytest.mark.parametrize("sent", [None, "", " ", "NF", True, 1.5, [], {}])
def test_without_identity_or_own_time_there_is_no_call(sent: object) -> None:
    assert STREAM.records.identity(decoded(STREAM, {**CALL, "call_id": sent})) is None
    with pytest.raises(ValueError, match="start_datetime"):
        STREAM.records.time(decoded(STREAM, {**CALL, "start_datetime": sent}))


def test_identity_own_time_and_stamp() -> None:
    call = decoded(STREAM, CALL)
    assert STREAM.records.identity(call) == "100200_7_03_14_2026_09:15:42_3"
    assert STREAM.records.identity(decoded(STREAM, {**CALL, "call_id": 12})) == "12"
    assert STREAM.records.time(call) == datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)
    assert STREAM.records.modified(call) == datetime(2026, 3, 14, 16, 26, 10, tzinfo=UTC)


@pytest.mark.covers("callcap", 14)
def test_no_call_is_ever_marked_deleted() -> None:
    assert (
        STREAM.records.deleted(decoded(STREAM, {**CALL, "deleted": True, "deleted_at": "2026-03-14 10:00:00"})) is False
    )


@pytest.mark.covers("callcap", 11)
def test_a_call_in_progress_is_told_as_such() -> None:
    ringing = {**CALL, "action": "In Progress", "end_datetime": "", "duration": None, "recording": None}
    call = normalized(ringing)
    assert (call.status, call.ended_at, call.duration_seconds, call.recording_url) == ("in_progress", None, None, None)


@pytest.mark.parametrize(
    ("start", "end", "began", "ended"),
    [
        ("2026-11-01 01:40:00", "2026-11-01 01:50:00", "06:40", "06:50"),  # the first of two readings
        ("2026-11-01 01:50:00", "2026-11-01 01:10:00", "06:50", "07:10"),  # it cannot have ended before it began
        ("2026-11-01 00:59:00", "2026-11-01 02:01:00", "05:59", "08:01"),
        ("2026-03-08 01:59:00", "2026-03-08 03:01:00", "07:59", "08:01"),
        ("2026-03-08 02:30:00", "2026-03-08 03:45:00", "08:30", "08:45"),  # there was no 02:30
    ],
)
@pytest.mark.covers("callcap", 9)
def test_wall_clocks_of_a_zone_with_summer_time(start: str, end: str, began: str, ended: str) -> None:
    record = decoded(CENTRAL, {**CALL, "start_datetime": start, "end_datetime": end, "last_modified": end})
    call: Any = CENTRAL.records.normalize(record)
    assert f"{call.started_at:%H:%M}" == f"{CENTRAL.records.time(record):%H:%M}" == began
    assert f"{call.ended_at:%H:%M}" == f"{CENTRAL.records.modified(record):%H:%M}" == ended
