"""ipSCAPE's activities and dial attempts in our words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from poller.plugin.kinds import Activity, Call, DialAttempt, Named
from tests.sources.ipscape_pages import (
    ATTEMPT,
    EMAIL,
    INBOUND,
    OUTBOUND,
    streams,
)
from tests.sources.scripted import changed, decoded, without

STREAMS, SYDNEY = streams(), streams(timezone="Australia/Sydney")


def normalized(stream: str, record: object, under: Any = STREAMS) -> Any:
    return under[stream].records.normalize(decoded(under[stream], record))


def utc(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 14, hour, minute, second, tzinfo=UTC)


def test_an_inbound_call() -> None:
    assert normalized("activities", INBOUND) == Call(
        id="4101",
        direction="inbound",
        status="answered",
        vendor_status="Answered",
        started_at=utc(16, 0),
        answered_at=utc(16, 0, 16),
        ended_at=utc(16, 2, 51),
        duration_seconds=171,
        queue_seconds=12,
        hold_seconds=0,
        talk_seconds=155,
        wrap_seconds=25,
        caller_number="+61412345678",
        called_number="+61280000000",
        campaign=Named("7", "Service desk"),
        agent=Named("1204", "Kim Example"),
        disposition="Resolved",
        recording_url="/v3.0/media/700",
        root_id="4101",
    )


@pytest.mark.covers("ipscape", 11)
def test_an_outbound_call_and_its_attempt_are_two_records_that_know_each_other() -> None:
    assert normalized("activities", OUTBOUND) == Call(
        id="4102",
        direction="outbound",
        status="answered",
        vendor_status="Answered",
        started_at=utc(16, 10),
        answered_at=utc(16, 10, 6),
        ended_at=utc(16, 11, 36),
        duration_seconds=96,
        ring_seconds=6,
        caller_number="+61280000000",
        called_number="+61412345679",
        campaign=Named("8", "Renewals"),
        agent=Named("1204", "Kim Example"),
        disposition="Contact",
        recording_url="/v3.0/media/710",
        lead_id="55001",
        parent_id="4101",
        root_id="4101",
    )
    assert normalized("dialler_calls", ATTEMPT) == DialAttempt(
        id="8800",
        status="answered",
        vendor_status="Answered",
        started_at=utc(16, 10),
        answered_at=utc(16, 10, 6),
        ended_at=utc(16, 11, 36),
        number="+61412345679",
        lead_id="55001",
        call_id="4102",
        campaign=Named("8", "Renewals"),
    )


@pytest.mark.parametrize("kind", ["email.inbound", "sms", "callback.request", None, 7, ["call.inbound"]])
def test_an_activity_of_another_channel(kind: object) -> None:
    assert normalized("activities", {**EMAIL, "type": kind}) == Activity(
        id="4103",
        type="7" if kind == 7 else kind if isinstance(kind, str) else None,
        source="pat@example.com",
        campaign_id="7",
        campaign_name="Service desk",
        created_at=utc(16, 0),
    )


@pytest.mark.covers("ipscape", 12)
@pytest.mark.parametrize("kind", ["call.inbound", "call.outbound", "call.manual", "sms", None])
def test_the_identity_is_the_activitys_whatever_its_type(kind: object) -> None:
    stream = STREAMS["activities"]
    assert stream.records.identity(decoded(stream, {**INBOUND, "type": kind})) == "4101"
    other = changed(INBOUND, None, "data", "agentInteractionId")
    assert stream.records.identity(decoded(stream, other)) == "4101"


@pytest.mark.covers("ipscape", 1, 2)
def test_a_call_in_progress_is_told_as_such() -> None:
    ringing = changed(INBOUND, {"created": "2026-03-15T03:00:00+1100", "hangUp": ""}, "data", "timestamps")
    call = normalized("activities", ringing)
    assert (call.status, call.started_at, call.ended_at, call.duration_seconds) == (
        "in_progress",
        utc(16, 0),
        None,
        None,
    )


STATUSES = [
    ("Answered", True, "answered"),
    ("answered", False, "in_progress"),
    ("Abandoned", True, "abandoned"),
    ("Abandoned", False, "abandoned"),
    ("No Answer", False, "missed"),
    ("No-Answer", True, "missed"),
    ("Busy", True, "busy"),
    ("Voicemail", True, "voicemail"),
    ("Failed", False, "failed"),
    ("Wrong Number", True, "wrong_number"),
    ("In Queue", False, "in_progress"),
    ("Teleported", True, "unknown"),
    ("Teleported", False, "in_progress"),
    (None, True, "unknown"),
    ("", False, "in_progress"),
]


@pytest.mark.parametrize(("word", "ended", "status"), STATUSES)
def test_a_status(word: object, ended: bool, status: str) -> None:
    call, attempt = changed(INBOUND, word, "data", "activityStatusName"), {**ATTEMPT, "dialStatusName": word}
    if not ended:
        call, attempt = without(call, "data", "timestamps", "hangUp"), without(attempt, "timestamps", "hangUp")
    for found in (normalized("activities", call), normalized("dialler_calls", attempt)):
        assert (found.status, found.vendor_status) == (status, word or None)


FIELDS: list[tuple[str, Any, tuple[str, ...], object, str, object]] = [
    ("activities", INBOUND, ("type",), "call.internal", "direction", "internal"),
    ("activities", INBOUND, ("type",), "call.manual", "direction", None),
    ("activities", INBOUND, ("type",), "call", "direction", None),
    ("activities", INBOUND, ("data", "activityId"), "4101", "id", "4101"),
    ("activities", INBOUND, ("data", "source"), "0412 345 678", "caller_number", "+61412345678"),
    ("activities", INBOUND, ("data", "source"), "anonymous", "caller_number", "anonymous"),
    ("activities", INBOUND, ("data", "source"), "", "caller_number", None),
    ("activities", INBOUND, ("data", "agentId"), None, "agent", Named(None, "Kim Example")),
    ("activities", INBOUND, ("data", "recordingMetadata"), None, "recording_url", None),
    ("activities", INBOUND, ("data", "durations"), None, "talk_seconds", None),
    ("activities", INBOUND, ("data", "durations", "talk"), -1, "talk_seconds", None),
    ("activities", INBOUND, ("data", "durations", "talk"), 999_999, "duration_seconds", 171),
    ("activities", INBOUND, ("data", "timestamps", "hangUp"), "2026-03-15T02:59:59+1100", "duration_seconds", None),
    ("activities", INBOUND, ("data", "timestamps", "hangUp"), "2026-03-14T16:00:01Z", "duration_seconds", 1),
    ("activities", INBOUND, ("data", "timestamps", "answered"), "2026-03-15 03:00:16", "answered_at", None),
]


@pytest.mark.parametrize(("stream", "record", "path", "sent", "field", "expected"), FIELDS)
def test_a_field(stream: str, record: Any, path: tuple[str, ...], sent: object, field: str, expected: object) -> None:
    assert getattr(normalized(stream, changed(record, sent, *path)), field) == expected


@pytest.mark.covers("ipscape", 13)
def test_a_time_without_offset_is_of_the_configured_zone() -> None:
    times = {"created": "2026-04-05T02:50:00", "hangUp": "2026-04-05T02:10:00"}  # clocks go back from 3:00 to 2:00
    naive = changed(INBOUND, times, "data", "timestamps")
    call = normalized("activities", naive, SYDNEY)
    assert (f"{call.started_at:%d %H:%M}", f"{call.ended_at:%d %H:%M}") == ("04 15:50", "04 16:10")
    assert SYDNEY["activities"].records.time(decoded(SYDNEY["activities"], naive)) == call.started_at
    with pytest.raises(ValueError, match=r"timestamps\.created"):
        STREAMS["activities"].records.time(decoded(STREAMS["activities"], naive))
