"""Which of ipSCAPE's records can be told at all: whatever their fields hold, but not without identity or own time."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.sources.ipscape_pages import EMAIL, INBOUND, RECORDS, streams
from tests.sources.scripted import changed, decoded, leaves, without

STREAMS = streams()


def utc(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 14, hour, minute, tzinfo=UTC)


def normalized(stream: str, record: object) -> Any:
    return STREAMS[stream].records.normalize(decoded(STREAMS[stream], record))


IDS = {
    "activities": ("data", "activityId"),
    "dialler_calls": ("attemptId",),
    "leads": ("leadId",),
    "campaigns": ("campaignId",),
    "lead_lists": ("id",),
    "users": ("userId",),
}
TIMES = {
    "activities": ("data", "timestamps", "created"),
    "dialler_calls": ("timestamps", "dialled"),
    "leads": ("timestamps", "created"),
}


@pytest.mark.parametrize("sent", [None, "", " ", True, 1.5, [], {}])
@pytest.mark.parametrize("stream", IDS)
def test_without_identity_or_own_time_there_is_no_record(stream: str, sent: object) -> None:
    found = STREAMS[stream]
    assert found.records.identity(decoded(found, changed(RECORDS[stream], sent, *IDS[stream]))) is None
    if stream in TIMES:
        with pytest.raises(ValueError, match=TIMES[stream][-1]):
            found.records.time(decoded(found, changed(RECORDS[stream], sent, *TIMES[stream])))


@pytest.mark.parametrize("timestamps", [None, [], {}, {"created": None}, {"created": "yesterday"}])
def test_a_list_of_leads_needs_no_time_of_its_own(timestamps: object) -> None:
    lists = STREAMS["lead_lists"]
    assert lists.records.time(decoded(lists, changed(RECORDS["lead_lists"], timestamps, "timestamps"))) is None


def test_what_wraps_no_object_has_no_identity() -> None:
    stream = STREAMS["activities"]
    for record in ({}, {"type": "call.inbound"}, {"type": "call.inbound", "data": [INBOUND["data"]]}, INBOUND["data"]):
        assert stream.records.identity(decoded(stream, record)) is None


def test_own_time_stamp_and_mark() -> None:
    own = {name: stream.records.time(decoded(stream, RECORDS[name])) for name, stream in STREAMS.items()}
    assert own == {
        "activities": utc(16, 0),
        "dialler_calls": utc(16, 10),
        "leads": utc(16, 0),
        "campaigns": None,
        "lead_lists": datetime(2026, 2, 28, 22, tzinfo=UTC),
        "users": None,
    }
    stamps = {name: stream.records.modified(decoded(stream, RECORDS[name])) for name, stream in STREAMS.items()}
    assert {name: stamp for name, stamp in stamps.items() if stamp} == {"leads": utc(16, 12)}
    assert not any(stream.records.deleted(decoded(stream, RECORDS[name])) for name, stream in STREAMS.items())


EVERYWHERE = [(stream, record, path) for stream, record in RECORDS.items() for path in leaves(record)]
EVERYWHERE += [("activities", EMAIL, path) for path in leaves(EMAIL)]
ODD = [None, "", 7, 10**30, 1.5, True, [], {}, [{"id": 1}], {"id": {"id": 1}}]


@pytest.mark.parametrize(("stream", "sent", "path"), EVERYWHERE)
def test_no_odd_field_hides_the_record(stream: str, sent: Any, path: tuple[str, ...]) -> None:
    for record in (*(changed(sent, odd, *path) for odd in ODD), without(sent, *path)):
        found = normalized(stream, record)
        if path in {IDS[stream], ("data",)}:
            continue
        assert found.id == str(STREAMS[stream].records.identity(decoded(STREAMS[stream], sent)))
        assert b'""' not in msgspec.json.encode(found)
        msgspec.json.encode(
            STREAMS[stream].records.contents[-1](decoded(STREAMS[stream], record)), order="deterministic"
        )
