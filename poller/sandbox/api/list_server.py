"""A list endpoint of no vendor in particular: which parameters it takes, how it pages, filters and spells times.

It is written from what public APIs document of themselves. A few lines (`Api`) make it one of them.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from poller.sandbox.api.list_rows import Record, Rows

Paging: TypeAlias = Literal["page", "offset", "cursor", "keyset", "url", "link", "none"]
Spelling: TypeAlias = Literal["iso", "local", "epoch_s", "epoch_ms", "mail", "day", "minute"]


@dataclass(frozen=True, slots=True)
class Api:
    """An API's list, in the words of its documentation. Names of parameters are dotted paths in a JSON `body`.

    `records` is where an answer has its list ("" for the body itself); `next`, `total`, `pages`, `more` where it has
    those, None where it says nothing of it. A parameter that is None is not there. `filters` is the field that `since`
    and `until` are about, `inclusive` whether both bounds count; `spelt` the form of times in records, `asked` in
    parameters. `cap`: no more rows of one list are shown, though the total counts them. `beyond` is the status of a
    page too far.
    """

    path: str = "/items"
    paging: Paging = "page"
    records: str = "items"
    body: bool = False
    size: str | None = "per_page"
    most: int = 100
    place: str = "page"
    next: str | None = None
    total: str | None = None
    pages: str | None = None
    more: str | None = None
    since: str | None = "updated_since"
    until: str | None = None
    filters: str = "updated_at"
    inclusive: bool = True
    spelt: Spelling = "iso"
    asked: Spelling = "iso"
    zone: str = "UTC"
    cap: int | None = None
    beyond: int = 200
    constant: Mapping[str, Any] = field(default_factory=dict)
    token: str | None = None


class ListServer:
    """An ASGI application that serves these rows as this API would; `asked` are the requests, oldest first."""

    def __init__(self, api: Api, rows: Rows) -> None:
        self.api, self.rows = api, rows
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        api, query = self.api, dict(parse_qsl(request.url.query))
        body = json.loads(await request.body() or b"null")
        self.asked.append((request.method, query, body))
        if api.token and request.headers.get("authorization") != f"Bearer {api.token}":
            return JSONResponse({"message": "who are you?"}, 401)
        if not request.url.path.endswith(api.path) or request.method != ("POST" if api.body else "GET"):
            return JSONResponse({"message": "not found"}, 404)
        asked = _Asked(api, body if api.body else query)
        try:
            return self._page(asked, query, request.url.path)
        except ValueError as complaint:
            return JSONResponse({"message": str(complaint)}, 422)

    def _page(self, asked: "_Asked", query: Mapping[str, str], path: str) -> Response:
        api, rows = self.api, sorted(self._found(asked), key=self._newest_first)
        shown = rows if api.cap is None else rows[: api.cap]
        at = asked.start_of(shown)
        size = len(shown) if api.paging == "none" else asked.size
        if at >= len(shown) > 0 and api.beyond != 200:
            return JSONResponse({"message": "no such page"}, api.beyond)
        page, on = shown[at : at + size], at + size < len(shown)
        spelt = [_spelt(record, api) for record in page]
        headers: dict[str, str] = {}
        following = asked.following(at, page) if on else None
        if api.paging in {"url", "link"} and following is not None:
            following = f"http://elsewhere.example.net{path}?{urlencode({**query, api.place: str(following)})}"
        if api.paging == "link" and following is not None:
            headers["Link"] = f'<{following}>; rel="next", <http://elsewhere.example.net/>; rel="first"'
        pages = max(1, -(-len(rows) // max(1, size)))
        totals = {api.total: len(rows), api.pages: pages, api.more: on, api.next: following}
        return JSONResponse(_envelope(api, spelt, totals), headers=headers)

    def _newest_first(self, record: Record) -> tuple[float, int]:
        return -record[self.api.filters].timestamp(), -record["id"]

    def _found(self, asked: "_Asked") -> Iterator[Record]:
        since, until = asked.time(self.api.since), asked.time(self.api.until)
        for record in self.rows.visible():
            at = _as_asked(record[self.api.filters], self.api)
            late = since is None or at > since or (self.api.inclusive and at == since)
            early = until is None or at < until or (self.api.inclusive and at == until)
            if late and early:
                yield record


class _Asked:
    """The parameters of one request. Each complaint is a ValueError."""

    def __init__(self, api: Api, params: Any) -> None:
        self._api, self._params = api, params

    def value(self, name: str | None) -> Any:
        """Return a parameter; None where it was not sent."""
        if name is None or not self._api.body:
            return None if name is None else self._params.get(name)
        found = self._params
        for step in name.split("."):
            found = found[int(step)] if isinstance(found, list) else (found or {}).get(step)
        return found

    @property
    def size(self) -> int:
        """Return the number of rows of a page."""
        asked = int(self.value(self._api.size) or min(20, self._api.most))
        if not 0 < asked <= self._api.most:
            raise ValueError(f"{self._api.size} is at most {self._api.most}")
        return asked

    def time(self, name: str | None) -> datetime | None:
        """Return a bound, to the granule of its spelling."""
        sent = self.value(name)
        return None if sent is None else _READ[self._api.asked](sent, ZoneInfo(self._api.zone))

    def start_of(self, rows: list[Record]) -> int:
        """Return where in the list the page begins."""
        sent = self.value(self._api.place)
        if sent in {None, ""}:
            return 0
        if self._api.paging == "keyset":
            return next((at + 1 for at, record in enumerate(rows) if str(record["id"]) == str(sent)), len(rows))
        if self._api.paging in {"cursor", "url", "link"}:
            return int(urlsafe_b64decode(str(sent).encode()))
        return (int(sent) - 1) * self.size if self._api.paging == "page" else int(sent)

    def following(self, at: int, page: list[Record]) -> str | int | None:
        """Return the place of the next page."""
        if self._api.paging == "page":
            return at // self.size + 2
        if self._api.paging == "offset":
            return at + len(page)
        return urlsafe_b64encode(str(at + len(page)).encode()).decode()


def _envelope(api: Api, rows: list[Record], totals: Mapping[str | None, Any]) -> Any:
    if not api.records:
        return rows
    whole: dict[str, Any] = {}
    for path, value in [*api.constant.items(), *totals.items(), (api.records, rows)]:
        if path is None or path.startswith("headers."):
            continue
        *outer, last = path.split(".")
        inner = whole
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return whole


def _spelt(record: Record, api: Api) -> Record:
    zone = ZoneInfo(api.zone)
    return {name: _SPELT[api.spelt](value, zone) if isinstance(value, datetime) else value
            for name, value in record.items()}  # fmt: skip


_SPELT: Mapping[str, Callable[[datetime, ZoneInfo], Any]] = {
    "iso": lambda at, _: f"{at:%Y-%m-%dT%H:%M:%SZ}",
    "local": lambda at, zone: f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
    "epoch_s": lambda at, _: int(at.timestamp()),
    "epoch_ms": lambda at, _: int(at.timestamp() * 1000),
    "mail": lambda at, _: format_datetime(at),
}


def _local(text: str, form: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(text, form).replace(tzinfo=zone).astimezone(UTC)


_READ: Mapping[str, Callable[[Any, ZoneInfo], datetime]] = {
    "iso": lambda sent, _: datetime.fromisoformat(str(sent)),
    "epoch_s": lambda sent, _: datetime.fromtimestamp(int(sent), UTC),
    "epoch_ms": lambda sent, _: datetime.fromtimestamp(int(sent) / 1000, UTC),
    "day": lambda sent, zone: _local(sent, "%Y-%m-%d", zone),
    "minute": lambda sent, zone: _local(sent, "%Y-%m-%d %H:%M", zone),
    "local": lambda sent, zone: _local(sent, "%Y-%m-%d %H:%M:%S", zone),
}


def _as_asked(at: datetime, api: Api) -> datetime:
    """Cut a record's time down to what a bound can say: a day's bound takes in all of its day."""
    local = at.astimezone(ZoneInfo(api.zone))
    if api.asked == "day":
        return local.replace(hour=0, minute=0, second=0).astimezone(UTC)
    return local.replace(second=0).astimezone(UTC) if api.asked == "minute" else at
