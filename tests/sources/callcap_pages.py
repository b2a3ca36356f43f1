"""Callcap's answers and records, as its documentation describes them."""

from collections.abc import Sequence
from typing import Any

from tests.sources.scripted import Said

CALL: dict[str, Any] = {
    "call_id": "100200_7_03_14_2026_09:15:42_3",
    "recording": "https://app.callcap.com/recording/100200_7.mp3",
    "action": "Answer",
    "start_datetime": "2026-03-14 09:15:42",
    "end_datetime": "2026-03-14 09:19:02",
    "last_modified": "2026-03-14 09:26:10",
    "dtmf": "",
    "duration": 200,
    "rings": 3,
    "revenue": 0,
    "caller": {
        "caller_id": "316-555-0100",
        "name": "Pat Example",
        "class": "Residential",
        "address": "NF",
        "city": "Wichita",
        "state": "KS",
        "zip": "67202",
    },
    "callsurance": {
        "major": {"label": "Positive", "id": 1},
        "minor": {"label": "Appointment Booked", "id": 5001},
        "csr": {"id": 0, "name": "Administrator"},
    },
    "webmatch": {"search": "", "referrer": "", "call_page": "", "traffic_type": "organic"},
    "sentiment": {"sentiment": "Neutral", "view": "Neutral", "frustrated": False, "satisfied": True},
    "accounts": {
        "corporate": {"id": 1, "name": "Example Corp"},
        "division": {"id": 15, "name": "Midwest", "external_id": "MW", "corporate_label": "3555"},
        "location": {"id": 2222, "name": "Store 3555", "external_id": "S3555", "corporate_label": "3555"},
        "campaign": {
            "id": 1111,
            "name": "Website",
            "callcap_number": "866-555-0101",
            "dialed_number": "866-555-0103",
            "destination_number": "316-555-0102",
            "ivr_option": 2,
            "medium": "Website",
            "medium_type": "Collateral",
            "direction": "inbound",
            "line-memo": "",
            "addtl_line_memo": "",
            "cost_per_piece_est": 0.01,
            "cost_per_piece_final": 0.01,
            "default_revenue_value": "",
        },
    },
}


def rows(count: int, start: int = 1) -> list[Any]:
    return [{"call_id": f"c{number}"} for number in range(start, start + count)]


def listing(
    calls: Sequence[Any], *, page: int = 1, total: int | None = None, last: int | None = None, show: int = 1000
) -> dict[str, Any]:
    """A documented answer, in itself right unless told otherwise."""
    total = len(calls) if total is None else total
    return {
        "pagination": {
            "page": page,
            "last_page": max(1, -(-total // show)) if last is None else last,
            "records_returned": len(calls),
            "show": show,
            "total_records": total,
        },
        "status": "success",
        "search": {"timezone": "US/Arizona"},
        "call": list(calls),
    }


NOTHING = Said({"status": "not found", "message": "nothing to say"}, status=404)
"""What a list without rows may answer."""
