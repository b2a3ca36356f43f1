"""What of a TrackDrive lead or call counts as a change."""

from typing import Any

import msgspec
import pytest

from poller.plugin.stream import Stream
from tests.sources.scripted import decoded
from tests.sources.trackdrive_pages import CALL, CALLS, LEAD, LEADS

SIGNED = {**CALL, "recording_url": "https://example.trackdrive.com/recordings/example?Signature=a&Expires=1"}


def compared(stream: Stream, record: object) -> bytes:
    return msgspec.json.encode(stream.records.contents[-1](decoded(stream, record)), order="deterministic")


LATER = "2026-03-15T00:00:00.000-04:00"
SAME: list[tuple[Stream, dict[str, Any], dict[str, Any]]] = [
    *(
        (LEADS, LEAD, {field: value})
        for field, value in {
            "updated_at": LATER,
            "user_updated_at": LATER,
            "next_action_at": LATER,
            "has_next_action": True,
            "last_action_at": LATER,
            "last_call_at": LATER,
            "expires_in": 14,
            "is_live": True,
            "human_status": "Planned",
            "css_status": "info",
            "context_menu_name": "Pat",
            "routes_show_path": "/leads/1",
            "routes_edit_path": "/leads/1/edit",
            "a_new_column": 1,
            "external_record_id": None,
        }.items()
    ),
    (CALLS, CALL, {"updated_at": LATER}),
    (CALLS, CALL, {"updated_at": None, "user_updated_at": LATER}),
    (CALLS, CALL, {"routes_show_path": "/calls/1", "routes_edit_path": "/calls/1/edit"}),
    (CALLS, CALL, {"token-interest": "auto"}),
    (CALLS, CALL, {"recording_url": SIGNED["recording_url"]}),
    (CALLS, SIGNED, {"recording_url": "https://example.trackdrive.com/recordings/example?Signature=b&Expires=2"}),
]


@pytest.mark.parametrize(("stream", "record", "changes"), SAME)
@pytest.mark.covers("trackdrive", 13)
def test_what_means_nothing_is_no_change(stream: Stream, record: dict[str, Any], changes: dict[str, Any]) -> None:
    assert compared(stream, {**record, **changes}) == compared(stream, record)


NEWS: list[tuple[Stream, dict[str, Any]]] = [
    (LEADS, {"status": "running"}),
    (LEADS, {"status": "completed_converted"}),
    (LEADS, {"opt_out": True}),
    (LEADS, {"buyer_converted": True, "revenue": "12.0"}),
    (LEADS, {"payout": "1.0"}),
    (LEADS, {"data": {"loan_amount": "501"}}),
    (LEADS, {"data": {"loan_amount": "500", "term": "9"}}),
    (LEADS, {"connected_call_id": 5}),
    (LEADS, {"first_action_at": LATER}),
    (LEADS, {"deleted_at": LATER}),
    (LEADS, {"full_name": None, "email": None}),
    (CALLS, {"status": "forwarded"}),
    (CALLS, {"status": None}),
    (CALLS, {"ended_at": None, "total_duration": None}),
    (CALLS, {"revenue": "12.5"}),
    (CALLS, {"buyer_converted": None}),
    (CALLS, {"recording_url": None}),
    (CALLS, {"recording_url": "https://example.trackdrive.com/recordings/other"}),
    (CALLS, {"token_values": "interest:home"}),
    (CALLS, {"disposition_name": "Sold"}),
    (CALLS, {"deleted_at": LATER}),
    (CALLS, {"caller_number": "redacted"}),
]


@pytest.mark.parametrize(("stream", "changes"), NEWS)
@pytest.mark.covers("trackdrive", 12, 14)
def test_an_edit_is_a_change_also_under_the_same_stamp(stream: Stream, changes: dict[str, Any]) -> None:
    record = LEAD if stream is LEADS else CALL
    assert compared(stream, {**record, **changes}) != compared(stream, record)


def test_the_order_of_keys_is_no_change() -> None:
    assert compared(LEADS, dict(reversed(LEAD.items()))) == compared(LEADS, LEAD)
    assert compared(CALLS, dict(reversed(CALL.items()))) == compared(CALLS, CALL)
