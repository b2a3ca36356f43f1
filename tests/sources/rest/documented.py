"""What the doubles of the recipes have in common: what was asked, rows that come up late, pages, refusals."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from poller.sandbox.api.list_rows import Record, Rows

LATE = timedelta(minutes=4)
TOO_OFTEN = 23
"""Each request of this number is one too many, and refused as the documentation says."""


@dataclass(frozen=True)
class Asked:
    """A request: its path, query and body, and when it came."""

    path: str
    query: Mapping[str, str]
    body: Any
    now: datetime


Serve: TypeAlias = Callable[[Asked, Sequence[Record]], Response]


class Refused(Exception):
    """A request that the documentation forbids."""


def too_many(now: datetime, seconds: int = 20, **headers: str) -> Response:
    return JSONResponse({"error": "slow down"}, 429, {"Retry-After": str(seconds), **headers})


@dataclass(frozen=True)
class Documented:
    """An API. `shape` spells a row; `signed` is the header of the credential.

    `edits`, `deletes`: whether an edit, or a deletion, is another content of the row; `hides`: the streams that no
    longer show what was deleted. `passing` are fields that change by themselves; `says` are fields of events that all
    records have. An answer holds `page` rows at most. A pass that meets a refusal ends as `limited`. `grant` is what a
    token is asked for with: parts of the form, or of the credential.
    """

    path: str
    serve: Serve
    shape: Callable[[Record], dict[str, Any]]
    signed: tuple[str, str]
    identity: str = "id"
    method: str = "GET"
    limit: Callable[[datetime], Response] = too_many
    edits: bool = True
    deletes: bool = True
    hides: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    page: int = 100
    limited: str = "throttled"
    grant: tuple[str, ...] = ()
    says: Mapping[str, Any] = field(default_factory=dict)

    @property
    def every(self) -> timedelta:
        """How often a row comes up: within an hour more than a page."""
        return timedelta(hours=1) / max(120, 1.2 * self.page)


class LateRows(Rows):
    """Rows of which every fifth comes up late, with the time at which it was made. In the end no more come up."""

    last: datetime = datetime.max.replace(tzinfo=UTC)

    def visible(self) -> list[Record]:
        rows = [row for row in super().visible() if row["created_at"] <= self.last]
        return [row for row in rows if row["id"] % 5 or row["created_at"] + LATE <= self.now()]


class Double:
    """An ASGI application that answers as an API is documented to; `refusals` are the complaints about our requests."""

    def __init__(self, api: Documented, rows: Rows) -> None:
        self.api, self.rows = api, rows
        self.asked = self.limited = 0
        self.refusals: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = self._answer(request, await request.body())
        response.headers["Date"] = f"{self.rows.now():%a, %d %b %Y %H:%M:%S GMT}"
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        if request.url.path.endswith("/token"):
            said = f"{request.headers.get('authorization')} {body.decode()}"
            if not self.api.grant or any(part not in said for part in self.api.grant):
                return JSONResponse({"error": "invalid_client"}, 401)
            return JSONResponse({"access_token": "granted", "token_type": "bearer", "expires_in": 3600})
        self.asked += 1
        if self.asked % TOO_OFTEN == 0:
            self.limited += 1
            return self.api.limit(self.rows.now())
        query = dict(parse_qsl(request.url.query, keep_blank_values=True, strict_parsing=bool(request.url.query)))
        try:
            self._require_known(request)
            asked = Asked(request.url.path, query, json.loads(body or b"null"), self.rows.now())
            return self.api.serve(asked, self._shown(asked.path))
        except (Refused, LookupError, ValueError) as complaint:
            self.refusals.append(f"{request.url}: {complaint!r}")
            return JSONResponse({"message": str(complaint)}, 400)

    def _require_known(self, request: Request) -> None:
        name, value = self.api.signed
        require(request.headers.get(name) == value, f"who are you? {request.headers.get(name)}")
        require(request.url.path.startswith(self.api.path) and request.method == self.api.method, "no such place")

    def _shown(self, path: str) -> list[Record]:
        hides = any(f"/{stream}" in path for stream in self.api.hides)
        return [row for row in self.rows.visible() if not hides or row["state"] != "deleted"]


def require(holds: object, complaint: str) -> None:
    if not holds:
        raise Refused(complaint)


def between(rows: Iterable[Record], field: str, since: datetime, until: datetime | None = None) -> list[Record]:
    """Return what lies between two times, both counted in."""
    return [row for row in rows if since <= row[field] and (until is None or row[field] <= until)]


def newest(rows: Iterable[Record], field: str) -> list[Record]:
    return sorted(rows, key=lambda row: (row[field], row["id"]), reverse=True)


def cut(rows: Sequence[Record], at: int, size: int) -> tuple[Sequence[Record], int | None]:
    """Return a page, and where the next one begins."""
    return rows[at : at + size], at + size if at + size < len(rows) else None


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def of_iso(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    require(found.tzinfo, "a time without a zone")
    return found
