"""A TrackDrive call in our words, and what it has in common with a lead."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from poller.plugin.kinds import Call, Caller, Named
from poller.plugin.stream import Stream
from tests.sources.scripted import decoded, without
from tests.sources.trackdrive_pages import CALL, CALLS, LEAD, LEADS

CREATED = datetime(2026, 3, 14, 13, 15, 42, 317000, UTC)
NOON, AT_NOON = "2026-03-14T12:00:00.000+00:00", datetime(2026, 3, 14, 12, tzinfo=UTC)


def call(**changes: Any) -> Any:
    return CALLS.records.normalize(decoded(CALLS, {**CALL, **changes}))


def test_a_call() -> None:
    assert call() == Call(
        id="c3b20b12-3b3b-4322-b15d-0f1c5f653479",
        direction="inbound",
        status="answered",
        vendor_status="finished",
        started_at=CREATED,
        ended_at=datetime(2026, 3, 14, 13, 19, 2, 880000, UTC),
        updated_at=datetime(2026, 3, 14, 13, 21, 10, 4000, UTC),
        duration_seconds=200,
        hold_seconds=12,
        talk_seconds=170,
        caller_number="+17195550100",
        called_number="+18005550101",
        tracking_number="+18005550101",
        destination_number="+18005550102",
        campaign=Named("10001234"),
        recording_url="https://example.trackdrive.com/recordings/example",
        revenue=10.5,
    )


CALL_STATUSES = {
    "in_progress": "initiated calling-leads on-hold established waiting",
    "answered": "finished forwarded",
    "voicemail": "voicemail voicemail-detected left-voicemail",
    "missed": "no-answer no-answer-convert-on-attempt no-buyer no-buyer-all-filtered no-buyer-prevent-dupes not-open"
    " hold-queue-no-buyer hold-queue-waited-too-long ivr-no-keypress",
    "busy": "busy",
    "abandoned": "caller-hung-up caller-hung-up-while-ringing-buyer hold-queue-hung-up ivr-hung-up canceled cancelled",
    "blocked": "blocked rejected rejected-caller-concurrency-exceeded rejected-ivr-hang-up"
    " rejected-no-concurrency-cap-available rejected-traffic-source-capped-hang-up",
    "wrong_number": "invalid-number",
    "failed": "failed no-route-to-destination",
    "unknown": "opt-out added-to-schedule teleported",
}


@pytest.mark.parametrize(("status", "words"), CALL_STATUSES.items())
@pytest.mark.covers("trackdrive", 12)
def test_the_status_of_a_call(status: str, words: str) -> None:
    for word in words.split():
        found = call(status=word)
        assert (found.status, found.vendor_status) == (status, word)


CALL_FIELDS: list[tuple[str, object, str, object]] = [
    ("category", "outbound", "direction", "outbound"),
    ("category", "outbound", "tracking_number", None),
    ("category", "Inbound", "direction", "inbound"),
    ("category", "sideways", "direction", None),
    ("category", None, "direction", None),
    ("total_duration", "200", "duration_seconds", 200),
    ("total_duration", 0, "duration_seconds", 0),
    ("total_duration", None, "duration_seconds", 200),
    ("ended_at", None, "ended_at", None),
    ("ended_at", NOON, "ended_at", AT_NOON),
    ("hold_duration", None, "hold_seconds", None),
    ("answered_duration", "17.9", "talk_seconds", 17),
    ("caller_number", "+1719xxxx234", "caller_number", "+1719xxxx234"),
    ("number_called", "800 555 0101", "called_number", "+18005550101"),
    ("connected_to", "", "destination_number", None),
    ("caller_country", "US", "caller", Caller(country="US")),
    ("offer", "Solar", "campaign", Named("10001234", "Solar")),
    ("agent_id", 17635, "agent", Named("17635")),
    ("caller_city", "Denver", "caller", Caller(city="Denver")),
    ("disposition_name", "Sold", "disposition", "Sold"),
    ("disposition_key", "sold", "disposition", "sold"),
    ("recording_url", "", "recording_url", None),
    ("revenue", None, "revenue", None),
    ("revenue", 3, "revenue", 3),
    ("status", ["finished"], "status", "unknown"),
]


@pytest.mark.parametrize(("name", "sent", "field", "expected"), CALL_FIELDS)
@pytest.mark.covers("trackdrive", 11, 12)
def test_a_field_of_a_call(name: str, sent: object, field: str, expected: object) -> None:
    assert getattr(call(**{name: sent}), field) == expected


def test_a_call_that_is_still_on() -> None:
    ringing = call(status="calling-leads", ended_at=None, total_duration=None, recording_url=None)
    assert (ringing.status, ringing.ended_at, ringing.duration_seconds) == ("in_progress", None, None)


BOTH = [(LEADS, LEAD), (CALLS, CALL)]
FIELDS = [
    (stream, record, name)
    for stream, record in BOTH
    for name in (field.encode_name for field in msgspec.structs.fields(stream.records.decoder.type))
    if name != "uuid"
]


ODD: list[Any] = [None, "", "NF", 7, 1.5, True, [], {}, [{"id": 1}], {"id": {"id": 1}}]


@pytest.mark.parametrize(("stream", "record", "field"), FIELDS)
def test_no_odd_field_hides_the_record(stream: Stream, record: dict[str, Any], field: str) -> None:
    for sent in (*({**record, field: odd} for odd in ODD), without(record, field)):
        found: Any = stream.records.normalize(decoded(stream, sent))
        assert found.id == record["uuid"]
        assert b'""' not in msgspec.json.encode(found)
        stream.records.contents[-1](decoded(stream, sent))


@pytest.mark.parametrize("sent", [None, "", " ", True, 1.5, [], {}])
@pytest.mark.parametrize(("stream", "record"), BOTH)
def test_without_identity_or_own_time_there_is_no_record(stream: Stream, record: dict[str, Any], sent: object) -> None:
    assert stream.records.identity(decoded(stream, {**record, "uuid": sent})) is None
    with pytest.raises(ValueError, match="created_at"):
        stream.records.time(decoded(stream, {**record, "created_at": sent}))


@pytest.mark.parametrize(("stream", "record"), BOTH)
@pytest.mark.covers("trackdrive", 15, 16)
def test_identity_own_time_stamp_and_mark(stream: Stream, record: dict[str, Any]) -> None:
    known = decoded(stream, record)
    assert (stream.records.identity(known), stream.records.time(known)) == (record["uuid"], CREATED)
    assert stream.records.modified(known) == getattr(stream.records.normalize(known), "updated_at")  # noqa: B009  a Struct of ours
    assert stream.records.modified(decoded(stream, {**record, "updated_at": None})) is None
    assert (
        stream.records.identity(decoded(stream, {**record, "uuid": "other"})) == "other"
    )  # whatever the number and the id
    assert stream.records.deleted(known) is False
    assert stream.records.deleted(decoded(stream, {**record, "deleted_at": NOON})) is True
