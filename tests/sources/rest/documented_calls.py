"""The APIs of calls and conversations that recipes are for, as their documentation describes them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import JSONResponse, Response

from poller.sandbox.api.list_rows import Record
from tests.sources.rest.documented import Asked, Documented, between, cut, iso, newest, of_iso, require, too_many

DAY = timedelta(days=1)
CHICAGO, NEW_YORK = ZoneInfo("America/Chicago"), ZoneInfo("America/New_York")
PHONE = "+12125550101"


def basic(user: str, password: str) -> tuple[str, str]:
    return "Authorization", f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def day(text: str, zone: Any = UTC) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)


def days(rows: Sequence[Record], since: str, until: str, zone: Any = UTC) -> list[Record]:
    """Return what was made on these days, the last one counted in."""
    return between(rows, "created_at", day(since, zone), day(until, zone) + DAY - timedelta(microseconds=1))


def callrail(asked: Asked, rows: Sequence[Record]) -> Response:
    query, size = asked.query, int(asked.query["per_page"])
    require(size <= 250 and query["sort"] == "start_time", "per_page is at most 250")
    require(asked.now - day(query["start_date"]) < 25 * 30 * DAY, "older than 25 months")
    found = newest(days(rows, query["start_date"], query["end_date"], CHICAGO), "created_at")
    page, _ = cut(found, (int(query["page"]) - 1) * size, size)
    totals = {"page": int(query["page"]), "per_page": size, "total_records": len(found)}
    pages = max(1, -(-len(found) // size))
    return JSONResponse({**totals, "total_pages": pages, "calls": [CALLRAIL.shape(row) for row in page]})


def callrail_call(row: Record) -> dict[str, Any]:
    spoken = {"direction": "inbound", "duration": 61, "answered": True, "customer_phone_number": PHONE}
    start = row["created_at"].astimezone(CHICAGO).isoformat()
    return {**spoken, "id": f"CAL{row['id']:032x}", "start_time": start, "note": row["title"],
            "lead_status": row["state"]}  # fmt: skip


CALLRAIL = Documented(
    "/v3/a/made-up-callrail-account/calls.json", callrail, callrail_call,
    ("Authorization", "Token token=made-up-callrail-key"), limit=lambda _: JSONResponse({"error": "rate limit"}, 429),
    says={"direction": "inbound", "status": "answered", "caller_number": PHONE, "duration_seconds": 61},
    page=250,
)  # fmt: skip


def twilio(asked: Asked, rows: Sequence[Record]) -> Response:
    """40 calls a page: up to `PageSize`; the place is known to the token alone."""
    query = asked.query
    require(int(query["PageSize"]) <= 1000, "PageSize is at most 1000")
    since, until = (query.get(f"StartTime{sign}") or query[f"EndTime{sign}"] for sign in "><")
    found = newest(days(rows, since, until), "created_at")
    page, at = cut(found, int(query.get("PageToken", "PA0")[2:]), 40)
    kept = "&".join(f"{name}={value}" for name, value in query.items() if name != "PageToken")
    link = at and f"{asked.path}?{kept.replace('>', '%3E').replace('<', '%3C')}&PageToken=PA{at}"
    return JSONResponse({"calls": [TWILIO.shape(row) for row in page], "next_page_uri": link, "page_size": 1000})


def twilio_call(row: Record) -> dict[str, Any]:
    at, price = format_datetime(row["created_at"]), None if row["title"][-1].isdecimal() else "-0.02"
    times = {"date_created": at, "start_time": at, "end_time": at, "date_updated": format_datetime(row["updated_at"])}
    return {**times, "sid": f"CA{row['id']:032x}", "from": PHONE, "to": PHONE, "direction": "outbound-api",
            "status": "no-answer", "duration": "0", "price": price, "annotation": row["state"]}  # fmt: skip


TWILIO = Documented(
    "/2010-04-01/Accounts/made-up-twilio-sid/Calls.json", twilio, twilio_call,
    basic("made-up-twilio-sid", "made-up-twilio-token"), identity="sid",
    says={"direction": "outbound", "status": "missed", "duration_seconds": 0},
)  # fmt: skip


def aircall(asked: Asked, rows: Sequence[Record]) -> Response:
    query, size, number = asked.query, int(asked.query["per_page"]), int(asked.query["page"])
    require(size <= 50, "per_page is at most 50")
    since, until = (datetime.fromtimestamp(int(query[name]), UTC) for name in ("from", "to"))
    found = newest(between(rows, "created_at", since, until), "created_at")
    page, at = cut(found, (number - 1) * size, size)
    link = at and f"https://api.aircall.io/v1/calls?order=desc&page={number + 1}&per_page={size}"
    meta = {"count": len(page), "total": len(found), "current_page": number, "per_page": size, "next_page_link": link}
    signed = {"recording": f"https://assets.example.com/recording?signature={asked.now.timestamp()}"}
    return JSONResponse({"meta": meta, "calls": [AIRCALL.shape(row) | signed for row in page]})


def aircall_call(row: Record) -> dict[str, Any]:
    spoken = {"status": "done", "direction": "inbound", "duration": 61, "raw_digits": "+1 212-555-0101"}
    return {**spoken, "id": row["id"], "started_at": int(row["created_at"].timestamp()), "comments": [row["title"]],
            "tags": [row["state"]], "user": {"id": 7, "name": "Ann"}}  # fmt: skip


def aircall_limit(now: datetime) -> Response:
    told = {"X-AircallApi-Remaining": "0", "X-AircallApi-Reset": str(int(now.timestamp()) + 30)}
    return JSONResponse({"error": "Too many requests"}, 429, told)


AIRCALL = Documented(
    "/v1/calls", aircall, aircall_call, basic("made-up-aircall-id", "made-up-aircall-token"), limit=aircall_limit,
    passing=("recording",),
    says={"direction": "inbound", "status": "answered", "caller_number": PHONE, "agent": {"id": "7", "name": "Ann"}},
)  # fmt: skip


def ringcentral(asked: Asked, rows: Sequence[Record]) -> Response:
    query, size, number = asked.query, int(asked.query["perPage"]), int(asked.query["page"])
    require(query["view"] == "Detailed", "lastModifiedTime is in the detailed view")
    found = newest(between(rows, "created_at", *(of_iso(query[name]) for name in ("dateFrom", "dateTo"))), "created_at")
    page, at = cut(found, (number - 1) * size, size)
    link = {"nextPage": {"uri": f"https://platform.ringcentral.com{asked.path}?page={number + 1}"}} if at else {}
    return JSONResponse({"records": [RINGCENTRAL.shape(row) for row in page], "navigation": link,
                         "paging": {"page": number, "perPage": size}})  # fmt: skip


def ringcentral_call(row: Record) -> dict[str, Any]:
    times = {"startTime": f"{row['created_at']:%Y-%m-%dT%H:%M:%S.000Z}", "lastModifiedTime": iso(row["updated_at"])}
    return {**times, "id": f"Ab{row['id']}", "direction": "Inbound", "result": "Call connected", "duration": 61,
            "from": {"phoneNumber": PHONE, "name": row["title"]}, "to": {"phoneNumber": PHONE},
            "billing": row["state"]}  # fmt: skip


RINGCENTRAL = Documented(
    "/restapi/v1.0/account/~/extension/~/call-log", ringcentral, ringcentral_call, ("Authorization", "Bearer granted"),
    grant=(basic("made-up-rc-id", "made-up-rc-secret")[1], "grant-type%3Ajwt-bearer", "assertion=made-up-rc-jwt"),
    limit=partial(too_many, seconds=60), says={"direction": "inbound", "status": "answered", "caller_number": PHONE},
    page=250,
)  # fmt: skip


def dialpad(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer without what lies on the bounds; nobody can ask for a size of pages."""
    since, until = (int(asked.query[name]) for name in ("started_after", "started_before"))
    found = newest((row for row in rows if since < row["created_at"].timestamp() * 1000 < until), "created_at")
    page, at = cut(found, int(asked.query.get("cursor", "0")), 25)
    return JSONResponse({"items": [DIALPAD.shape(row) for row in page]} | ({"cursor": str(at)} if at else {}))


def dialpad_call(row: Record) -> dict[str, Any]:
    started = int(row["created_at"].timestamp() * 1000)
    return {"call_id": row["id"], "date_started": started, "date_ended": started + 61_000, "total_duration": 61_000.0,
            "direction": "inbound", "external_number": PHONE, "contact": {"name": row["title"]},
            "labels": [row["state"]]}  # fmt: skip


DIALPAD = Documented(
    "/api/v2/call", dialpad, dialpad_call, ("Authorization", "Bearer made-up-dialpad-key"), identity="call_id",
    says={"direction": "inbound", "duration_seconds": 61, "caller_number": PHONE},
)  # fmt: skip


def invoca(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer by the start of the call, then by id; a page of fewer rows than `limit` is not the last."""
    query = asked.query
    require(int(query["limit"]) <= 4000, "limit is at most 4000")
    found = newest(days(rows, query["from"], query["to"], NEW_YORK), "created_at")[::-1]
    last = query.get("start_after_transaction_id")
    at = next((at + 1 for at, row in enumerate(found) if invoca_transaction(row)["transaction_id"] == last), 0)
    require(last is None or at, "an unknown transaction")
    return JSONResponse([INVOCA.shape(row) for row in found[at : at + 60]])


def invoca_transaction(row: Record) -> dict[str, Any]:
    return {"transaction_id": f"00000000-{row['id']:08X}", "start_time_utc": int(row["created_at"].timestamp() * 1000),
            "transaction_type": "Call", "corrects_transaction_id": None}  # fmt: skip


INVOCA = Documented(
    "/api/2022-08-01/networks/transactions/made-up-invoca-network-id.json", invoca, invoca_transaction,
    ("Authorization", "made-up-invoca-token"), identity="transaction_id", edits=False, deletes=False,
)  # fmt: skip


def genesys(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer with what was active in the interval and began on a day that it touches; without a list if nothing was."""
    since, until = map(of_iso, asked.body["interval"].split("/"))
    size, number = asked.body["paging"]["pageSize"], asked.body["paging"]["pageNumber"]
    require(size <= 100 and isinstance(number, int), "pageSize is at most 100")
    touched = since.replace(hour=0, minute=0, second=0)
    active = [row for row in rows if touched <= row["created_at"] <= until and row["updated_at"] >= since]
    page, _ = cut(newest(active, "created_at"), (number - 1) * size, size)
    held: Mapping[str, Any] = {"conversations": [GENESYS.shape(row) for row in page]} if page else {}
    return JSONResponse({**held, "totalHits": len(active)})


def genesys_conversation(row: Record) -> dict[str, Any]:
    return {"conversationId": f"c-{row['id']}", "conversationStart": f"{row['created_at']:%Y-%m-%dT%H:%M:%S.000Z}",
            "originatingDirection": "inbound", "participants": [{"purpose": row["title"]}],
            "divisionIds": [row["state"]]}  # fmt: skip


GENESYS = Documented(
    "/api/v2/analytics/conversations/details/query", genesys, genesys_conversation, ("Authorization", "Bearer granted"),
    identity="conversationId", method="POST",
    grant=(basic("made-up-gc-id", "made-up-gc-secret")[1], "grant_type=client_credentials"),
)  # fmt: skip
