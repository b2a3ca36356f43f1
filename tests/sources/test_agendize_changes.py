"""What of an Agendize call counts as a change."""

import msgspec
import pytest

from tests.sources.agendize_pages import CALL, STREAM
from tests.sources.scripted import changed, decoded, without


def compared(record: object) -> bytes:
    return msgspec.json.encode(STREAM.records.contents[-1](decoded(STREAM, record)), order="deterministic")


URL = CALL["record"]["url"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("record", "url"), f"{URL}?Expires=1&Signature=abc"),
        (("record",), {"mineType": "audio/mpeg", "url": f"{URL}?x"}),
        (("record", "size"), 12),
        (("duration",), "143"),
        (("id",), 418812),
        (("new_field",), {"a": 1}),
        (("start", "new_field"), "x"),
        (("selfLink",), "https://api.agendize.com/x"),
    ],
)
@pytest.mark.covers("agendize", 10)
def test_what_means_nothing_is_no_change(path: tuple[str, ...], value: object) -> None:
    assert compared(changed(CALL, value, *path)) == compared(CALL)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status",), "message"),
        (("duration",), 144),
        (("duration",), "2:23"),
        (("duration",), None),
        (("clientId",), "50114"),
        (("clientId",), ""),
        (("buttonId",), "77121"),
        (("externalId",), "crm-1"),
        (("type",), "clickToCall"),
        (("callerNumber",), "+15145550102"),
        (("calledNumber",), None),
        (("trackingNumber",), ""),
        (("start", "dateTime"), "2026-03-14T12:15:31"),
        (("start", "timeZone"), "US/Pacific"),
        (("record", "url"), "https://recordings.example.com/other.mp3"),
        (("record", "url"), None),
        (("record", "mimeType"), "audio/wav"),
        (("record",), "soon"),
    ],
)
@pytest.mark.covers("agendize", 5)
def test_an_edit_is_a_change_without_any_stamp(path: tuple[str, ...], value: object) -> None:
    assert compared(changed(CALL, value, *path)) != compared(CALL)


@pytest.mark.covers("agendize", 5)
def test_a_recording_that_comes_late_is_a_change() -> None:
    assert compared(without(CALL, "record")) != compared(CALL)


def test_the_order_of_keys_is_no_change() -> None:
    assert compared({key: CALL[key] for key in reversed(CALL)}) == compared(CALL)


def test_there_is_no_stamp_and_no_mark() -> None:
    call = decoded(STREAM, {**CALL, "updated": "2026-03-15T00:00:00Z", "deleted": True})
    assert STREAM.records.modified(call) is None
    assert STREAM.records.deleted(call) is False
