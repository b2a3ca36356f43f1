"""An Agendize call in our words."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from poller.plugin.fields.documented import loose_of, read_documented
from poller.plugin.kinds import Call
from poller.sources.agendize import Agendize
from tests.sources.agendize_pages import CALL, SETTINGS, STREAM
from tests.sources.scripted import changed, decoded, leaves, without

(PARIS,) = Agendize.model_validate(SETTINGS | {"timezone": "Europe/Paris", "region": "fr"}).build_streams()


def normalized(record: object) -> Any:
    return STREAM.records.normalize(decoded(STREAM, record))


def test_a_call() -> None:
    assert normalized(CALL) == Call(
        id="418812",
        direction="inbound",
        status="answered",
        vendor_status="completed",
        started_at=datetime(2026, 3, 14, 16, 15, 30, tzinfo=UTC),
        ended_at=datetime(2026, 3, 14, 16, 17, 53, tzinfo=UTC),
        duration_seconds=143,
        caller_number="+15145550101",
        called_number="+15145550199",
        tracking_number="+18195550123",
        recording_url="https://recordings.example.com/418812.mp3",
        lead_id="50113",
    )


BEGAN = datetime(2026, 3, 14, 16, 15, 30, tzinfo=UTC)
FIELDS: list[tuple[tuple[str, ...], object, str, object]] = [
    (("status",), "noAnswered", "status", "missed"),
    (("status",), "message", "status", "voicemail"),
    (("status",), "wrongNumber", "status", "wrong_number"),
    (("status",), "busy", "status", "busy"),
    (("status",), "abandoned", "status", "abandoned"),
    (("status",), "teleported", "status", "unknown"),
    (("status",), "teleported", "vendor_status", "teleported"),
    (("status",), "", "vendor_status", None),
    (("status",), None, "status", "unknown"),
    (("status",), ["completed"], "status", "unknown"),
    (("type",), "clickToCall", "direction", None),
    (("type",), "video", "direction", None),
    (("type",), None, "direction", None),
    (("type",), {"a": 1}, "direction", None),
    (("duration",), "143", "duration_seconds", 143),
    (("duration",), 0, "duration_seconds", 0),
    (("duration",), 0, "ended_at", BEGAN),
    (("duration",), None, "duration_seconds", None),
    (("duration",), None, "ended_at", None),
    (("duration",), "2:23", "duration_seconds", None),
    (("duration",), -1, "ended_at", None),
    (("duration",), ["143"], "duration_seconds", None),
    (("duration",), 10**15, "ended_at", None),
    (("id",), 418812, "id", "418812"),
    (("clientId",), "", "lead_id", None),
    (("clientId",), None, "lead_id", None),
    (("clientId",), 50113, "lead_id", "50113"),
    (("callerNumber",), "", "caller_number", None),
    (("callerNumber",), "514-555-0101", "caller_number", "514-555-0101"),
    (("callerNumber",), "anonymous", "caller_number", "anonymous"),
    (("callerNumber",), "Zo&#233;", "caller_number", "Zo&#233;"),
    (("calledNumber",), ["+15145550199"], "called_number", None),
    (("trackingNumber",), None, "tracking_number", None),
    (("record",), None, "recording_url", None),
    (("record",), "soon", "recording_url", None),
    (("record", "url"), "", "recording_url", None),
    (("record", "url"), "https://x.example/1?Signature=a", "recording_url", "https://x.example/1?Signature=a"),
    (("record",), {"mineType": "audio/mpeg", "url": "https://x.example/1"}, "recording_url", "https://x.example/1"),
]


@pytest.mark.parametrize(("path", "sent", "field", "expected"), FIELDS)
def test_a_field(path: tuple[str, ...], sent: object, field: str, expected: object) -> None:
    assert getattr(normalized(changed(CALL, sent, *path)), field) == expected


TIMES = [
    ("2026-03-14T09:15:30", "US/Eastern", "2026-03-14T13:15:30"),
    ("2026-01-14T09:15:30", "US/Eastern", "2026-01-14T14:15:30"),
    ("2026-03-14T09:15:30", "Asia/Kathmandu", "2026-03-14T03:30:30"),
    ("2026-03-14T09:15", "UTC", "2026-03-14T09:15:00"),
    ("2026-03-14T09:15:30.500", "UTC", "2026-03-14T09:15:30.500000"),
    ("2026-03-14T09:15:30-07:00", "US/Eastern", "2026-03-14T16:15:30"),  # an offset says more than a name
    ("2026-03-14T09:15:30Z", None, "2026-03-14T09:15:30"),
    ("2026-11-01T00:59:59", "US/Eastern", "2026-11-01T04:59:59"),
    ("2026-11-01T01:30:00", "US/Eastern", "2026-11-01T05:30:00"),  # the first of two
    ("2026-11-01T02:00:00", "US/Eastern", "2026-11-01T07:00:00"),
    ("2026-03-08T01:59:59", "US/Eastern", "2026-03-08T06:59:59"),
    ("2026-03-08T02:30:00", "US/Eastern", "2026-03-08T07:30:00"),  # there was none: 03:30
    ("2026-03-08T03:00:00", "US/Eastern", "2026-03-08T07:00:00"),
]


@pytest.mark.parametrize(("clock", "zone", "utc"), TIMES)
def test_the_clock_on_the_wall_of_the_zone_beside_it(clock: str, zone: str | None, utc: str) -> None:
    record = decoded(STREAM, changed(CALL, {"dateTime": clock, "timeZone": zone}, "start"))
    call: Any = STREAM.records.normalize(record)
    assert STREAM.records.time(record) == call.started_at == datetime.fromisoformat(f"{utc}+00:00")


@pytest.mark.parametrize("zone", [None, "", " ", "Mars/Olympus", "US", "../../etc/passwd", "\0", "\ud800", 7, [], {}])
def test_a_call_that_names_no_known_zone_is_read_in_the_configured_one_or_not_at_all(zone: object) -> None:
    for sent in ({"dateTime": "2026-03-14T09:15:30", "timeZone": zone}, {"dateTime": "2026-03-14T09:15:30"}):
        record = changed(CALL, sent, "start")
        with pytest.raises(ValueError, match="start"):
            STREAM.records.time(_struct(STREAM, record))
        assert PARIS.records.time(_struct(PARIS, record)) == datetime(2026, 3, 14, 8, 15, 30, tzinfo=UTC)


def _struct(stream: Any, record: Any) -> Any:
    kind = stream.records.decoder.type
    return read_documented(msgspec.convert(record, loose_of(kind)), kind)  # JSON has no half characters


def test_numbers_are_read_as_in_the_sources_region() -> None:
    call: Any = PARIS.records.normalize(decoded(PARIS, changed(CALL, "01 23 45 67 89", "callerNumber")))
    assert call.caller_number == "+33123456789"


NEEDED = {("id",), ("start",), ("start", "dateTime"), ("start", "timeZone")}


ODD: list[Any] = [None, "", "NF", 7, 1.5, True, [], {}, [{"id": 1}], {"id": {"id": 1}}]


@pytest.mark.parametrize("path", [path for path in leaves(CALL) if path not in NEEDED], ids=".".join)
def test_no_odd_field_hides_the_call(path: tuple[str, ...]) -> None:
    for record in (*(changed(CALL, odd, *path) for odd in ODD), without(CALL, *path)):
        call = normalized(record)
        assert call.id == "418812"
        assert b'""' not in msgspec.json.encode(call)
        assert STREAM.records.time(decoded(STREAM, record))
        STREAM.records.contents[-1](decoded(STREAM, record))


@pytest.mark.parametrize("sent", [None, "", " ", "soon", "2026-03-14", 1773504942, True, [], {}])
def test_without_identity_or_own_time_there_is_no_call(sent: object) -> None:
    if sent not in ("soon", "2026-03-14", 1773504942):
        assert STREAM.records.identity(decoded(STREAM, {**CALL, "id": sent})) is None
    for record in (changed(CALL, sent, "start"), changed(CALL, sent, "start", "dateTime"), without(CALL, "start")):
        with pytest.raises(ValueError, match="its start cannot be read"):
            STREAM.records.time(decoded(STREAM, record))


def test_an_id_is_a_string() -> None:
    assert (
        STREAM.records.identity(decoded(STREAM, CALL))
        == STREAM.records.identity(decoded(STREAM, {**CALL, "id": 418812}))
        == "418812"
    )
