"""The APIs of contacts, orders, issues and events that recipes are for, as their documentation describes them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import JSONResponse, Response

from poller.sandbox.api.list_rows import Record
from tests.sources.rest.documented import Asked, Documented, between, cut, iso, newest, of_iso, require, too_many
from tests.sources.rest.documented_calls import basic

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def of_seconds(sent: str | int) -> datetime:
    return datetime.fromtimestamp(int(sent), UTC)


def exactly(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.000Z}"


def plain(row: Record) -> dict[str, Any]:
    return {**row, "created_at": iso(row["created_at"]), "updated_at": iso(row["updated_at"])}


def generated(row: Record, now: datetime) -> datetime:
    """Return when a row was last written; the system itself writes every seventh one, and changes nothing else."""
    system: datetime = row["created_at"] + 12 * MINUTE
    updated: datetime = row["updated_at"]
    return max(updated, system) if row["id"] % 7 == 0 and system <= now else updated


def zendesk(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer by the time of generation, oldest first, and hold the last minute back."""
    stamped = sorted((generated(row, asked.now), row["id"], row) for row in rows)
    ready = [entry for entry in stamped if entry[0] <= asked.now - MINUTE]
    if "cursor" in asked.query:
        since, number = map(int, asked.query["cursor"].split("-"))
        found = [entry for entry in ready if entry[:2] > (of_seconds(since), number)]
    else:
        require(of_seconds(asked.query["start_time"]) <= asked.now - MINUTE, "Too recent start_time")
        found = [entry for entry in ready if entry[0] >= of_seconds(asked.query["start_time"])]
    at, last = found[30:31], (found[:30] or ready)[-1]
    cursor = f"{int(last[0].timestamp())}-{last[1]}"
    url = f"https://made-up-zendesk.zendesk.com{asked.path}?cursor={cursor}"
    tickets = [ZENDESK.shape(row) | {"generated_timestamp": int(when.timestamp())} for when, _, row in found[:30]]
    return JSONResponse({"tickets": tickets, "after_url": url, "after_cursor": cursor, "end_of_stream": not at})


def zendesk_ticket(row: Record) -> dict[str, Any]:
    """Spell a ticket; what is generated may have been updated long before."""
    return {**plain(row), "updated_at": iso(row["created_at"]), "status": row["state"]}


ZENDESK = Documented(
    "/api/v2/incremental/tickets/cursor.json", zendesk, zendesk_ticket,
    basic("made-up-zendesk-mail/token", "made-up-zendesk-token"), limit=partial(too_many, seconds=45),
    passing=("generated_timestamp",),
)  # fmt: skip


def hubspot(asked: Asked, rows: Sequence[Record]) -> Response:
    body, size, at = asked.body, asked.body["limit"], int(asked.body.get("after", 0))
    require(size <= 200 and at + size <= 10_000, "beyond 10,000")
    filters = {one["operator"]: int(one["value"]) for one in body["filterGroups"][0]["filters"]}
    found = [row for row in rows if filters["GTE"] <= row["updated_at"].timestamp() * 1000 < filters["LT"]]
    require(body["sorts"] == [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}], "which order?")
    page, after = cut(newest(found, "updated_at"), at, size)
    paging = {"paging": {"next": {"after": str(after), "link": "?after=" + str(after)}}} if after else {}
    return JSONResponse({"total": len(found), "results": [HUBSPOT.shape(row) for row in page], **paging})


def hubspot_contact(row: Record) -> dict[str, Any]:
    properties = {"email": f"c{row['id']}@example.com", "firstname": row["title"], "phone": "+12125550101"}
    return {"id": str(row["id"]), "properties": properties, "createdAt": exactly(row["created_at"]),
            "updatedAt": exactly(row["updated_at"]), "archived": False}  # fmt: skip


HUBSPOT = Documented(
    "/crm/v3/objects/contacts/search", hubspot, hubspot_contact, ("Authorization", "Bearer made-up-hubspot-token"),
    method="POST", limit=lambda _: JSONResponse({"status": "error", "errorType": "RATE_LIMIT"}, 429),
    hides=("contacts",),
    says={"phones": ["+12125550101"]},
    page=200,
)  # fmt: skip


def intercom(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer with what lies on the bounds, too, though the operators are > and <."""
    query, pagination = asked.body["query"], asked.body["pagination"]
    require(pagination["per_page"] <= 150 and query["operator"] == "AND", "per_page is at most 150")
    bounds = {one["operator"]: of_seconds(one["value"]) for one in query["value"]}
    found = newest(between(rows, "updated_at", bounds[">"], bounds["<"]), "updated_at")
    page, at = cut(found, int(pagination.get("starting_after", "0")), 50)
    pages = {"type": "pages", "per_page": 150, "next": at and {"page": 2, "starting_after": str(at)}}
    return JSONResponse({"type": "conversation.list", "pages": pages, "total_count": len(found),
                         "conversations": [INTERCOM.shape(row) for row in page]})  # fmt: skip


def intercom_conversation(row: Record) -> dict[str, Any]:
    times = {name: int(row[name].timestamp()) for name in ("created_at", "updated_at")}
    return {**times, "type": "conversation", "id": str(row["id"]), "title": row["title"], "state": row["state"]}


INTERCOM = Documented(
    "/conversations/search", intercom, intercom_conversation, ("Authorization", "Bearer made-up-intercom-token"),
    method="POST",
)  # fmt: skip


def pipedrive(asked: Asked, rows: Sequence[Record]) -> Response:
    query = asked.query
    if "deleted" not in query.get("status", ""):
        rows = [row for row in rows if row["state"] != "deleted"]
    require(int(query["limit"]) <= 500 and query["sort_by"] == "update_time", "limit is at most 500")
    since, until = of_iso(query["updated_since"]), of_iso(query["updated_until"]) - timedelta(microseconds=1)
    page, at = cut(newest(between(rows, "updated_at", since, until), "updated_at"), int(query.get("cursor", "0")), 60)
    data = [PIPEDRIVE.shape(row) for row in page]
    return JSONResponse({"success": True, "data": data, "additional_data": {"next_cursor": at and str(at)}})


def pipedrive_deal(row: Record) -> dict[str, Any]:
    return {"id": row["id"], "title": row["title"], "add_time": iso(row["created_at"]),
            "update_time": iso(row["updated_at"]), "is_deleted": row["state"] == "deleted"}  # fmt: skip


PIPEDRIVE = Documented(
    "/api/v2/", pipedrive, pipedrive_deal, ("x-api-token", "made-up-pipedrive-token"), hides=("persons",)
)


def salesforce(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer with 40 rows, though 2,000 are possible; the rest is behind a path of its own."""
    where = re.search(r"WHERE SystemModstamp >= (\S+) AND SystemModstamp < (\S+) ORDER BY", asked.query["q"])
    assert where
    since, until = of_iso(where[1]), of_iso(where[2]) - timedelta(microseconds=1)
    found = newest(between(rows, "updated_at", since, until), "updated_at")
    page, at = cut(found, 0, 40)
    more = {"nextRecordsUrl": "/services/data/v60.0/query/01gD0000002HU6KIAW-40"} if at else {}
    return JSONResponse({"totalSize": len(found), "done": at is None, **more,
                         "records": [SALESFORCE.shape(row) for row in page]})  # fmt: skip


def salesforce_lead(row: Record) -> dict[str, Any]:
    created, changed = (f"{row[name]:%Y-%m-%dT%H:%M:%S.000+0000}" for name in ("created_at", "updated_at"))
    return {"Id": f"00Q{row['id']:015}", "Name": row["title"], "CreatedDate": created, "SystemModstamp": changed,
            "IsDeleted": row["state"] == "deleted", "IsConverted": False, "Status": "Open"}  # fmt: skip


SALESFORCE = Documented(
    "/services/data/v60.0/queryAll", salesforce, salesforce_lead, ("Authorization", "Bearer granted"), identity="Id",
    limit=lambda _: JSONResponse([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403), says={"converted": False},
    grant=("client_id=made-up-sf-id", "client_secret=made-up-sf-secret"),
)  # fmt: skip


def stripe(asked: Asked, rows: Sequence[Record]) -> Response:
    query, size, last = asked.query, int(asked.query["limit"]), asked.query.get("starting_after")
    require(size <= 100, "limit is at most 100")
    since, until = (of_seconds(query[f"created[{which}]"]) for which in ("gte", "lte"))
    everything = newest(rows, "created_at")
    at = next((at + 1 for at, row in enumerate(everything) if f"evt_{row['id']}" == last), 0)
    require(last is None or at, f"No such event: {last}")
    page, more = cut(between(everything[at:], "created_at", since, until), 0, size)
    waiting = {"pending_webhooks": int(asked.now.timestamp()) % 3}
    data = [STRIPE.shape(row) | waiting for row in page]
    return JSONResponse({"object": "list", "data": data, "has_more": more is not None, "url": "/v1/events"})


def stripe_event(row: Record) -> dict[str, Any]:
    return {"id": f"evt_{row['id']}", "object": "event", "created": int(row["created_at"].timestamp()),
            "type": "invoice.paid"}  # fmt: skip


STRIPE = Documented(
    "/v1/events", stripe, stripe_event, ("Authorization", "Bearer made-up-stripe-key"), edits=False, deletes=False,
    limit=lambda _: JSONResponse({"error": {"type": "rate_limit"}}, 429), passing=("pending_webhooks",),
)  # fmt: skip


def shopify(asked: Asked, rows: Sequence[Record]) -> Response:
    variables = asked.body["variables"]
    require(re.fullmatch(r"query\(.*\)\{orders\(.*\)\s*\{.*\}\}", asked.body["query"], re.DOTALL), "a syntax error")
    bounds = re.fullmatch(r"updated_at:>='(\S+)' updated_at:<='(\S+)'", variables["q"])
    assert bounds
    found = newest(between(rows, "updated_at", of_iso(bounds[1]), of_iso(bounds[2])), "updated_at")
    page, at = cut(found, int(variables.get("after", "0")), 100)
    info = {
        "hasNextPage": at is not None,
        "endCursor": str(int(variables.get("after", "0")) + len(page)) if page else None,
    }
    return JSONResponse({"data": {"orders": {"nodes": [SHOPIFY.shape(row) for row in page], "pageInfo": info}}})


def shopify_order(row: Record) -> dict[str, Any]:
    return {"id": f"gid://shopify/Order/{row['id']}", "name": row["title"], "createdAt": iso(row["created_at"]),
            "updatedAt": iso(row["updated_at"]), "displayFinancialStatus": row["state"]}  # fmt: skip


def shopify_limit(_: datetime) -> Response:
    return JSONResponse({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})


SHOPIFY = Documented(
    "/admin/api/2026-07/graphql.json", shopify, shopify_order, ("X-Shopify-Access-Token", "made-up-shopify-token"),
    method="POST", limit=shopify_limit, limited="unexpected",
)  # fmt: skip
