"""Pages of Callcap calls, rendered once and sent as bytes, as the vendor's documentation describes them.

A call has 1.7 KB. Its four phone numbers are drawn so that they mostly differ from those of the other calls. All times
lie within the last hour, so that they are inside of what a first poll asks for. See https://callcap.readme.io/docs/calls
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

ZONE = "US/Arizona"
TARGET = "/v2/get/calls/?search_range=custom&search_last_modified_start=2026-01-01+00%3A00&detail=all&show=1000&page={}"
"""How the list of calls is asked for by those who read nothing else of the vendor's."""
CAMPAIGNS = 20_000
NOW = datetime.now(UTC)
"""The time that a run of the benchmark is about, which takes less than half an hour."""
_AREAS = (212, 213, 303, 305, 312, 316, 404, 415, 480, 503, 512, 602, 617, 702, 713, 773, 816, 913)
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~_"


def phone(rng: random.Random) -> str:
    return f"{rng.choice(_AREAS)}-{rng.randrange(201, 999)}-{rng.randrange(10_000):04}"


def signature(rng: random.Random) -> str:
    return "".join(rng.choices(_BASE64, k=170))


def _clock(time: datetime) -> str:
    return f"{time.astimezone(ZoneInfo(ZONE)):%Y-%m-%d %H:%M:%S}"


def call(number: int, edition: int = 0, now: datetime = NOW) -> dict[str, Any]:
    """Return call `number`. Of another edition it has another modification stamp and another signed address."""
    rng, fresh = random.Random(number), random.Random(f"{number}/{edition}")
    began = now - timedelta(minutes=50, seconds=rng.randrange(300))
    lasted = rng.randrange(5, 900)
    name = f"100200_{number % 24}_{_clock(began).replace(' ', '_').replace('-', '_')}_{number}"
    signed = f"Expires=1800000000&Signature={signature(fresh)}&Key-Pair-Id=APKAIEXAMPLE"
    page = f"https://www.example.com/locations/{rng.randrange(900)}/contact?gclid={rng.getrandbits(128):032x}"
    return {
        "call_id": name,
        "recording": f"https://app.callcap.com/recording/{name}.mp3?{signed}",
        "action": rng.choice(("Answer", "Answer", "Answer", "Missed", "Voicemail")),
        "start_datetime": _clock(began),
        "end_datetime": _clock(began + timedelta(seconds=lasted)),
        "last_modified": _clock(now - timedelta(minutes=30 - edition, seconds=rng.randrange(300))),
        "dtmf": "",
        "duration": lasted,
        "rings": rng.randrange(1, 7),
        "revenue": 0,
        "caller": {"caller_id": phone(rng), "name": f"Pat Example {number}", **_ADDRESS},
        "callsurance": _OUTCOME,
        "webmatch": {"search": "plumber", "referrer": "https://g.co/", "call_page": page, "traffic_type": "organic"},
        "sentiment": {"sentiment": "Neutral", "view": "Neutral", "frustrated": False, "satisfied": True},
        "accounts": _accounts(rng.randrange(CAMPAIGNS)),
    }


_ADDRESS = {"class": "Residential", "address": "NF", "city": "Wichita", "state": "KS", "zip": "67202"}
_OUTCOME = {
    "major": {"label": "Positive", "id": 1},
    "minor": {"label": "Appointment Booked", "id": 5001},
    "csr": {"id": 0, "name": "Administrator"},
}


def _accounts(campaign: int) -> dict[str, Any]:
    rng = random.Random(-1 - campaign)
    return {
        "corporate": {"id": 1, "name": "Example Corp"},
        "division": {"id": 15, "name": "Midwest", "external_id": "MW", "corporate_label": "3555"},
        "location": {"id": 2222, "name": "Store 3555", "external_id": "S3555", "corporate_label": "3555"},
        "campaign": {
            "id": campaign,
            "name": "Website",
            "callcap_number": phone(rng),
            "dialed_number": phone(rng),
            "destination_number": phone(rng),
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
    }


def pages(numbers: Sequence[int], size: int = 1000, edition: int = 0, now: datetime = NOW) -> list[bytes]:
    """Return the bodies of a list of these calls, one a page."""
    last = max(1, -(-len(numbers) // size))
    return [
        body([call(number, edition, now) for number in numbers[begin : begin + size]], index, last, len(numbers), size)
        for index, begin in enumerate(range(0, max(1, len(numbers)), size), start=1)
    ]


def body(rows: Sequence[dict[str, Any]], page: int, last: int, total: int, size: int = 1000) -> bytes:
    """Return one page as it is sent."""
    numbers = {"page": page, "last_page": last, "records_returned": len(rows), "show": size, "total_records": total}
    return orjson.dumps({"pagination": numbers, "status": "success", "search": {"timezone": ZONE}, "call": rows})


EMPTY = body([], 1, 1, 0)
