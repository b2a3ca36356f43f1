"""The APIs of issues, tickets, incidents and logs that recipes are for, as their documentation describes them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import JSONResponse, Response

from poller.sandbox.api.list_rows import Record
from tests.sources.rest.documented import Asked, Documented, between, cut, newest, of_iso, require
from tests.sources.rest.documented_calls import basic
from tests.sources.rest.documented_lists import exactly, plain

BERLIN = ZoneInfo("Europe/Berlin")


def github(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer with a link that has another path than the request."""
    query, size, number = asked.query, int(asked.query["per_page"]), int(asked.query.get("page", 1))
    require(size <= 100 and query["state"] == "all" and query["sort"] == "updated", "per_page is at most 100")
    found = newest(between(rows, "updated_at", of_iso(query["since"])), "updated_at")
    page, at = cut(found, (number - 1) * size, size)
    link = f"https://api.github.com/repositories/1/issues?{urlencode({**query, 'page': number + 1})}"
    headers = {"Link": f'<{link}>; rel="next", <{link}>; rel="last"'} if at else {}
    return JSONResponse([GITHUB.shape(row) for row in page], headers=headers)


def github_limit(now: datetime) -> Response:
    told = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(now.timestamp()) + 40)}
    return JSONResponse({"message": "API rate limit exceeded"}, 403, told)


GITHUB = Documented(
    "/repos/made-up-github-repository/issues", github, plain, ("Authorization", "Bearer made-up-github-token"),
    limit=github_limit,
)  # fmt: skip


def okta(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer oldest first; a range that ends later than now always goes on, if only with an empty page."""
    query, at = asked.query, int(asked.query.get("after", "0"))
    since, until = of_iso(query["since"]), of_iso(query["until"])
    require(int(query["limit"]) <= 1000 and query["sortOrder"] == "ASCENDING", "limit is at most 1000")
    found = newest(between(rows, "created_at", since, until), "created_at")[::-1]
    page, following = cut(found, at, 70)
    after = following if following or until <= asked.now else at + len(page)
    own = f"https://made-up-okta.okta.com{asked.path}?{urlencode(query)}"
    link = f"https://made-up-okta.okta.com{asked.path}?{urlencode({**query, 'after': after})}"
    headers = {"Link": f'<{own}>; rel="self"' + (f', <{link}>; rel="next"' if after is not None else "")}
    return JSONResponse([OKTA.shape(row) for row in page], headers=headers)


def okta_event(row: Record) -> dict[str, Any]:
    return {"uuid": f"u-{row['id']}", "published": exactly(row["created_at"]), "eventType": "user.session.start",
            "actor": {"id": "00u1", "displayName": "Ann"}, "outcome": {"result": "SUCCESS"},
            "target": [{"id": "t1"}]}  # fmt: skip


def okta_limit(now: datetime) -> Response:
    told = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(int(now.timestamp()) + 40)}
    return JSONResponse({"errorCode": "E0000047"}, 429, told)


OKTA = Documented(
    "/api/v1/logs", okta, okta_event, ("Authorization", "SSWS made-up-okta-token"), identity="uuid", edits=False,
    deletes=False, limit=okta_limit, says={"actor_name": "Ann", "outcome": "SUCCESS", "target_id": "t1"},
)  # fmt: skip


def pagerduty(asked: Asked, rows: Sequence[Record]) -> Response:
    query, size, at = asked.query, int(asked.query["limit"]), int(asked.query["offset"])
    since, until = of_iso(query["since"]), of_iso(query["until"])
    require(size <= 100 and at + size <= 10_000, "beyond 10,000")
    require((until - since).days <= 180 and query["time_zone"] == "UTC", "more than 6 months")
    found = newest(between(rows, "created_at", since, until), "created_at")
    page, more = cut(found, at, size)
    told: dict[str, Any] = {"limit": size, "offset": at, "more": more is not None}
    told |= {"total": len(found) if query.get("total") == "true" else None}
    return JSONResponse({**told, "incidents": [PAGERDUTY.shape(row) for row in page]})


def pagerduty_incident(row: Record) -> dict[str, Any]:
    return {**plain(row), "id": f"P{row['id']:06}", "incident_number": row["id"]}


def pagerduty_limit(_: datetime) -> Response:
    told = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "15"}
    return JSONResponse({"error": {"message": "Rate Limit Exceeded", "code": 2020}}, 429, told)


PAGERDUTY = Documented(
    "/incidents", pagerduty, pagerduty_incident, ("Authorization", "Token token=made-up-pagerduty-key"),
    limit=pagerduty_limit,
)  # fmt: skip


def freshdesk(asked: Asked, rows: Sequence[Record]) -> Response:
    query, size, number = asked.query, int(asked.query["per_page"]), int(asked.query["page"])
    require(size <= 100 and number <= 300 and query["order_by"] == "updated_at", "per_page is at most 100")
    found = newest(between(rows, "updated_at", of_iso(query["updated_since"])), "updated_at")
    page, at = cut(found, (number - 1) * size, size)
    link = f"https://made-up-freshdesk.freshdesk.com/api/v2/tickets?page={number + 1}&per_page={size}"
    return JSONResponse([FRESHDESK.shape(row) for row in page], headers={"Link": f'<{link}>; rel="next"'} if at else {})


FRESHDESK = Documented("/api/v2/tickets", freshdesk, plain, basic("made-up-freshdesk-key", "X"), hides=("tickets",))


def jira(asked: Asked, rows: Sequence[Record]) -> Response:
    """Answer in pages of 30, without a total; the bounds are minutes on the wall clock of the user."""
    query = asked.query
    bounds = re.fullmatch(r'updated >= "(.+?)" AND updated <= "(.+?)" ORDER BY updated DESC', query["jql"])
    require(bounds, "Unbounded JQL queries are not allowed here")
    assert bounds
    since, until = (datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN) for text in bounds.groups())
    require(int(query["maxResults"]) <= 100, "maxResults")
    page, at = cut(newest(between(rows, "updated_at", since, until), "updated_at"),
                   int(query.get("nextPageToken", "0")), 30)  # fmt: skip
    token = {"nextPageToken": str(at)} if at else {}
    return JSONResponse({"issues": [JIRA.shape(row) for row in page], "isLast": at is None, **token})


def jira_issue(row: Record) -> dict[str, Any]:
    created, updated = (f"{row[name].astimezone(BERLIN):%Y-%m-%dT%H:%M:%S.000%z}" for name in
                        ("created_at", "updated_at"))  # fmt: skip
    fields = {"created": created, "updated": updated, "summary": row["title"], "status": {"name": row["state"]}}
    return {"id": str(row["id"]), "key": f"WEB-{row['id']}", "fields": fields}


JIRA = Documented("/rest/api/3/search/jql", jira, jira_issue, basic("made-up-jira-mail", "made-up-jira-token"))
