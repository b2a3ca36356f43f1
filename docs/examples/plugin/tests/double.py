"""Acme, simulated from its documentation: 25 leads, ten a page."""

from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

COLUMNS = ["id", "name", "created", "changed"]
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
LEADS = [[number, f"Lead {number}", *[(NOON + timedelta(minutes=number)).isoformat()] * 2] for number in range(1, 26)]


async def leads(request: Request) -> JSONResponse:
    """Answer with one page of those that were changed since then."""
    if request.headers.get("authorization") != "Bearer sesame-1":
        return JSONResponse({"error": "no such key"}, 401)
    query = request.query_params
    since = datetime.fromisoformat(query["changed_since"])
    found = [lead for lead in LEADS if datetime.fromisoformat(str(lead[3])) >= since]
    start = int(query.get("after", "0"))
    following = f"{start + 10}" if start + 10 < len(found) else None
    return JSONResponse({"columns": COLUMNS, "rows": found[start : start + 10], "next": following})


app = Starlette(routes=[Route("/leads", leads)])
