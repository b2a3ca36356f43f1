"""TrackDrive's answers and records, as its documentation describes them; and a list of leads with its vices."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from poller.plugin.stream import Response, Window
from poller.sources.trackdrive import Trackdrive
from tests.sources.scripted import NOW, Said, Scripted
from tests.support.getting import Getting

SETTINGS: dict[str, Any] = {
    "type": "trackdrive",
    "base_url": "https://acme.trackdrive.com",
    "public_key": "pub",
    "private_key": "priv",
}
ACCOUNT = Trackdrive.model_validate(SETTINGS)
LEADS, CALLS = ACCOUNT.build_streams()

SINCE = "2026-03-14 15:30:39 +0000"  # a second before the last hour began
FIXED = {"root": "true", "time_zone": "UTC", "per_page": "100"}

LEAD: dict[str, Any] = {
    "id": 90210001,
    "uuid": "0b7d1f5e-6a55-4c0e-9d53-1f3b0e6f0a11",
    "type": "Lead",
    "legacy_id": None,
    "external_record_id": None,
    "created_at": "2026-03-14T09:15:42.317-04:00",
    "updated_at": "2026-03-14T09:17:03.905-04:00",
    "user_updated_at": None,
    "deleted_at": None,
    "caller_id": "+17195550100",
    "email": "pat@example.com",
    "full_name": "Pat Example",
    "status": "scheduled",
    "human_status": "Scheduled",
    "offer_id": 10001234,
    "schedule_id": 55001,
    "traffic_source_id": 1070,
    "buyer_id": None,
    "sub_id": "s-17",
    "opt_out": False,
    "blocked": False,
    "offer_converted": False,
    "buyer_converted": False,
    "revenue": "0.0",
    "payout": "0.0",
    "next_action_at": "2026-03-14T09:20:00.000-04:00",
    "time_zone": "America/Denver",
    "data": {"loan_amount": "500"},
}

CALL: dict[str, Any] = {
    "id": 123895022,
    "uuid": "c3b20b12-3b3b-4322-b15d-0f1c5f653479",
    "created_at": "2026-03-14T09:15:42.317-04:00",
    "updated_at": "2026-03-14T09:21:10.004-04:00",
    "ended_at": "2026-03-14T09:19:02.880-04:00",
    "status": "finished",
    "category": "inbound",
    "caller_number": "+17195550100",
    "number_called": "+18005550101",
    "connected_to": "+18005550102",
    "offer_id": 10001234,
    "user_offer_id": "1001",
    "traffic_source_id": 1070,
    "user_traffic_source_id": "FE1",
    "buyer_id": None,
    "user_buyer_id": None,
    "total_duration": 200,
    "answered_duration": 170,
    "hold_duration": 12,
    "ivr_duration": 5,
    "buyer_converted": "Converted",
    "revenue": "10.5",
    "payout": "6.3",
    "recording_url": "https://example.trackdrive.com/recordings/example",
    "token_values": "interest:auto",
}


def listing(name: str, rows: Sequence[Any], **metadata: object) -> dict[str, Any]:
    """A documented answer; a list with cursors ends here unless told otherwise."""
    return {
        "status": 200,
        "errors": {},
        name: list(rows),
        "checksum": "d41d8cd98f00b204e9800998ecf8427e",
        "metadata": {"root": name, **metadata},
    }


def leads(*rows: Any, **metadata: object) -> Said:
    return Said(listing("leads", rows, **({"total_count": len(rows)} | metadata)))


def calls(*rows: Any, **metadata: object) -> Said:
    return Said(listing("calls", rows, **({"next_cursor": 0} | metadata)))


def log(*rows: Any, **metadata: object) -> Said:
    return Said(listing("change_logs", rows, **({"next_cursor": 0} | metadata)))


def single(record: Any) -> Said:
    return Said({"status": 200, "errors": {}, "lead": record, "checksum": "0", "metadata": {"root": "lead"}})


def named(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [{"uuid": f"u{number}"} for number in range(start, start + count)]


def ago(seconds: float) -> str:
    """A vendor's stamp, so long before its clock."""
    return (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def stamped(ages: Iterable[float | None], start: int = 1) -> list[dict[str, Any]]:
    """Calls that were updated so many seconds ago each."""
    return [
        {"uuid": f"u{number}", "updated_at": None if age is None else ago(age)}
        for number, age in enumerate(ages, start)
    ]


NEW_LEAD = {**LEAD, "created_at": ago(120)}
NEW_CALL = {**CALL, "created_at": ago(120), "ended_at": ago(60)}
"""Within the last hour."""


@dataclass
class Company(Getting):
    """Implements `poller.plugin.stream.Http` over leads (created_at by uuid), and cuts seconds in one way or another.

    `cap` is the most rows of a page, whatever was asked for; `turn` may change the leads before each answer.
    """

    rows: dict[str, datetime]
    from_in: bool = True
    to_in: str = "instant"  # that instant, the whole second, or not at all
    cap: int = 1000
    totals: bool = True
    turn: Callable[["Company"], None] = lambda _: None
    asked: list[dict[str, str]] = field(default_factory=list)

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        assert path == "/api/v1/leads"
        self.asked.append(dict(params))
        self.turn(self)
        begin = read(params["created_at_from"])
        end = read(params["created_at_to"]) if "created_at_to" in params else NOW + timedelta(days=9)
        found = [uuid for uuid, created in reversed(self.rows.items()) if self._is_in(created, begin, end)]
        size = min(int(params["per_page"]), self.cap)
        above = (int(params["page"]) - 1) * size
        rows = [{"uuid": uuid, "created_at": self.rows[uuid].isoformat()} for uuid in found[above : above + size]]
        total = {"total_count": len(found)} if self.totals else {}
        return Response(200, json.dumps(listing("leads", rows, **total)).encode(), NOW)

    def answered(self, path: str) -> bool:
        return bool(self.asked)

    def _is_in(self, created: datetime, begin: datetime, end: datetime) -> bool:
        if created < begin or (created == begin and not self.from_in):
            return False
        if self.to_in == "second":
            return created < end + timedelta(seconds=1)
        return created < end or (created == end and self.to_in == "instant")


def second(*readings: list[dict[str, Any]], **metadata: object) -> Scripted:
    """A second that does not fit one page, and what each reading of it brings."""
    pages = [readings[0][:100]]
    for rows in readings:
        pages += [rows[begin : begin + 100] for begin in range(0, len(rows) + 1, 100)]
        if metadata and len(rows) < metadata["total_count"]:  # type: ignore[operator]
            pages.append([])
    return Scripted(Said(listing("leads", rows, **metadata)) for rows in pages)


def read(written: str) -> datetime:
    return datetime.strptime(written, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)


def spread(count: int, window: Window) -> dict[str, datetime]:
    """Leads all over the window, its first millisecond included, most of them on or around whole seconds."""
    length = (window.end - window.start) / max(count, 1)
    fractions = (0.0, 0.001, 0.4, 0.999)
    return {
        f"u{number}": max(
            window.start,
            (window.start + number * length).replace(microsecond=0) + timedelta(seconds=fractions[number % 4]),
        )
        for number in range(count)
    }
