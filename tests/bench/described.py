"""A record of a described list beside the same of a built-in vendor: Callcap's calls, ten fields of them mapped."""

from typing import Any

from tests.bench import calls
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import by_poller, first

FIELDS: dict[str, Any] = {
    "direction": "accounts.campaign.direction",
    "status": {"path": "action", "values": {"Answer": "answered"}},
    "ended_at": "end_datetime",
    "duration_seconds": "duration",
    "recording_url": "recording",
    "customer_number": "caller.caller_id",
    "business_number": "accounts.campaign.callcap_number",
    "caller.name": "caller.name",
    "campaign.name": "accounts.campaign.name",
    "disposition": "callsurance.major.label",
}
CALLS: dict[str, Any] = {
    "kind": "call",
    "path": "/v2/get/calls/",
    "params": {
        "search_last_modified_start": "{start:%Y-%m-%d %H:%M}",
        "search_timezone": calls.ZONE,
        "show": 1000,
        "page": "{page}",
    },
    "records": "call",
    "expect": {"status": "success", "pagination.page": "{page}", "search.timezone": calls.ZONE},
    "paging": {"pages": "pagination.last_page", "total": "pagination.total_records"},
    "identity": "call_id",
    "time": "start_datetime",
    "modified": "last_modified",
    "signed_urls": ["recording"],
    "fields": FIELDS,
    "sweeps": {"live": {}},
}


def described(address: str) -> dict[str, Any]:
    """Return Callcap's list of calls as a source of the type rest."""
    of = {"type": "rest", "base_url": address, "auth": {"bearer": "made-up"}, "timezone": calls.ZONE, "region": "US"}
    return {**of, "requests_per_minute": 10_000_000, "streams": {"calls": CALLS}}


async def rest() -> Found:
    pages = first()
    return {
        "built in": await by_poller(pages),
        "rest": await by_poller(pages, source=described),
        "built in, seen": await by_poller(pages, pages),
        "rest, seen": await by_poller(pages, pages, source=described),
    }


CELLS = (
    Cell(
        "rest",
        "a described list",
        "µs a record",
        rest,
        [Goal("rest", 1.3, "built in"), Goal("rest, seen", 1.0, "built in, seen")],
    ),
)
