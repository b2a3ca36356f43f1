"""Agendize's calls list with its sync tokens, simulated from its public documentation.

That is https://developers.agendize.com/v2/calls/reference/index.jsp. Where it is silent, or swapped the two dates:
startDate is a lower bound on a call's start and endDate an upper bound on its end, both exclusive, both with an offset
(400 else); a call whose duration is not known yet has no end, and is not found where endDate is sent; calls come in no
order; a sync token stands for a moment of the whole list, whatever list it came with, and is refused beside filters; an
unknown sync token is 410; deletions are silent; parameters that nobody knows are ignored. The credentials are taken
from headers alone, though the vendor takes them from the query too.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import compress, count, cycle
from operator import itemgetter, ne
from zlib import crc32

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from poller.sandbox.api.backend import Desk, Vendor, json_answer
from poller.sandbox.api.date_ranges import ALWAYS
from poller.sandbox.api.query import Query
from poller.sandbox.vendors.agendize_records import CALLS, ended
from poller.sandbox.world.records import Version

API_KEY = "sandbox-agendize-api-key"
TOKEN = "sandbox-agendize-account-token"
ACCESS_TOKEN = "sandbox-agendize-access-token"

FILTERS = ("startDate", "endDate", "search", "toolId")
PAGE = 100
REASONS = {400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "notFound", 410: "gone", 429: "tooMany"}


class _Gone(Exception):
    """The sync token is not good any more, or never was."""


class _Changes:
    """A list of every change of every call, in the order in which they were made, and the tokens for places in it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._log: list[tuple[datetime, Sequence[Version]]] = []
        self._seen: list[int] = []
        self._issued = count(1)
        self._dead: set[str] = set()

    def place(self, at: datetime) -> int:
        """Return the number of changes that had been made by then."""
        if self._desk.world.changes(CALLS.name) != len(self._log):
            self._catch_up()
        return bisect_right(self._log, at, key=itemgetter(0))

    def _catch_up(self) -> None:
        """Add the newest changes: calls are never forgotten and keep their order, so grown counts of versions tell."""
        lives = list(self._desk.world.lives(CALLS.name))
        sizes = list(map(len, lives))
        seen = self._seen + [0] * (len(lives) - len(self._seen))
        moved = compress(range(len(lives)), map(ne, sizes, seen))
        news = [(version.since, lives[n]) for n in moved for version in lives[n][seen[n] :]]
        self._log += sorted(news, key=itemgetter(0))
        self._seen = sizes

    def token(self, place: int) -> str:
        """Return a new token for the changes from this place on."""
        return f"CA{place:x}_{next(self._issued):x}"

    def opened(self, token: str) -> int:
        """Return the place that a token stands for. Raises _Gone once it has expired, which is for good."""
        found = re.fullmatch(r"CA([0-9a-f]+)_[0-9a-f]+", token)
        place = int(found[1], 16) if found else -1
        if self._desk.strikes("sync_token_gone"):
            self._dead.add(token)
        if token in self._dead or not 0 <= place <= self.place(self._desk.now()):
            raise _Gone
        return place

    def between(self, since: int, until: int) -> list[Sequence[Version]]:
        """Return the calls that changed between these places, each once, with all their versions."""
        return list({versions[0].fields["id"]: versions for _, versions in self._log[since:until]}.values())


def _instant(query: Query, name: str, default: datetime) -> datetime:
    if not (text := query.get(name)):
        return default
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{name} is not an RFC 3339 time")
    return found


def _turned(query: Query) -> tuple[int, int] | None:
    """Return the number of rows on the pages before, and the place at which the first page was asked for."""
    if not (text := query.get("pageToken")):
        return None
    if not (found := re.fullmatch(r"P(\d+)_(\d+)", text)):
        raise ValueError("pageToken is invalid")
    return int(found[1]), int(found[2])


def _found(desk: Desk, query: Query) -> Sequence[Version]:
    after, before = desk.bounds(*(_instant(query, name, end) for name, end in zip(FILTERS[:2], ALWAYS, strict=True)))
    search, tool = query.get("search", ""), query.get("toolId", "")

    def fits(row: Version) -> bool:
        call, over = row.fields, ended(row.fields) if before < ALWAYS[1] else ALWAYS[0]
        numbers = (call["callerNumber"], call["calledNumber"], call["trackingNumber"])
        return (
            (over is not None and over < before)
            and (not tool or call["_tool"] == tool)
            and (not search or any(search in (number or "") for number in numbers))
        )

    def sift(rows: list[Version]) -> list[Version]:
        rows = [row for row in rows if row.fields["start"] > after and fits(row)]
        return sorted(rows, key=lambda row: crc32(row.fields["id"].encode()))

    return desk.find(CALLS, 2 if query.get("pageToken") else 1, (after, before, search, tool), sift)


def _listed(desk: Desk, changes: _Changes, query: Query) -> Response:
    lag = timedelta(seconds=desk.amount("replica_seconds"))  # a token of a copy's is not newer than the copy
    behind = lag if desk.world.vices.on(desk.vendor, "lagging_replica") else timedelta()
    offset, place = _turned(query) or (0, changes.place(desk.now() - behind))
    rows = _found(desk, query)
    windowed = any(query.get(name) for name in FILTERS)
    token = changes.token(place) if not (windowed and desk.strikes("no_token_on_windows")) else None
    if _paged(desk, query):
        following = f"P{offset + PAGE}_{place}" if offset + PAGE < len(rows) else None
        return _reply(desk, rows[offset : offset + PAGE], following, token)
    if desk.strikes("silent_truncation"):
        rows = sorted(rows, key=lambda row: row.fields["start"], reverse=True)[:PAGE]
    return _reply(desk, rows, None, token)


def _paged(desk: Desk, query: Query) -> bool:
    return bool(query.get("pageToken")) or desk.strikes("page_tokens")


def _synced(desk: Desk, changes: _Changes, query: Query) -> Response:
    if both := [name for name in FILTERS if query.get(name)]:
        raise ValueError(f"syncToken cannot be used with {both[0]}")
    since, turned = changes.opened(query["syncToken"]), _turned(query)
    if turned and desk.strikes("shifting_pages"):
        desk.world.stir(CALLS.name, desk.rng)
    offset, until = turned or (0, max(since, _until(desk, changes, since)))
    lives = changes.between(since, until)
    size = PAGE if _paged(desk, query) else len(lives)
    rows = [versions[-1] for versions in lives[offset : offset + size] if not versions[-1].gone]
    following = f"P{offset + size}_{until}" if offset + size < len(lives) else None
    return _reply(desk, rows, following, changes.token(until))


def _until(desk: Desk, changes: _Changes, since: int) -> int:
    """Return the place up to which the copy that is asked knows the changes; a sick copy knows of nothing new."""
    if desk.strikes("sick_replica"):
        return since
    lag = desk.rng.random() * desk.amount("replica_seconds") if desk.strikes("lagging_replica") else 0
    return changes.place(desk.now() - timedelta(seconds=lag))


def _reply(desk: Desk, rows: Sequence[Version], following: str | None, token: str | None) -> Response:
    body: dict[str, object] = {"items": _shown(desk, rows)}
    if not rows and desk.strikes("missing_items"):
        body = {}
    if following:
        body["nextPageToken"] = following
    elif token and not desk.strikes("no_sync_tokens"):
        body["nextSyncToken"] = token
    answer = desk.answer(body)
    return _in_latin1(desk, bytes(answer.body)) if desk.strikes("latin1") else answer


def _shown(desk: Desk, rows: Iterable[Version]) -> list[orjson.Fragment]:
    calls = [row.raw(CALLS, ()) for row in rows]
    if desk.strikes("signed_recordings"):
        signed = b'.mp3?Expires=900&Signature=%x"' % desk.rng.getrandbits(64)
        calls = [call.replace(b'.mp3"', signed) for call in calls]
    return [orjson.Fragment(call) for call in calls]


def _in_latin1(desk: Desk, body: bytes) -> Response:
    """Return the same JSON text in Latin-1; about every other answer, at random, declares that encoding."""
    text = body.decode().encode("latin-1", "backslashreplace")
    declared = "application/json; charset=ISO-8859-1"
    return Response(text, headers={"Content-Type": desk.rng.choice((declared, "application/json"))})


def refusal(status: int, message: str) -> Response:
    """Return an error in Agendize's own words; with status 200 only the body tells of it."""
    return _error(500 if status == 200 else status, message, status)


def _error(code: int, message: str, status: int) -> Response:
    reason = REASONS.get(code, "internalError")
    return json_answer({"error": {"code": code, "reason": reason, "message": message}}, status)


def _let_in(headers: Headers) -> bool:
    pair = (headers.get("apiKey"), headers.get("token"))
    return pair == (API_KEY, TOKEN) or headers.get("authorization") == f"Bearer {ACCESS_TOKEN}"


def _routes(desk: Desk) -> list[BaseRoute]:
    changes = _Changes(desk)
    goodbyes = cycle(((410, 410), (410, 200), (400, 400)))

    async def calls(request: Request) -> Response:
        if not _let_in(request.headers):
            return refusal(401, "Invalid credentials")
        query = dict(request.query_params)
        try:
            return _synced(desk, changes, query) if query.get("syncToken") else _listed(desk, changes, query)
        except ValueError as error:
            return refusal(400, str(error))
        except _Gone:
            code, status = next(goodbyes)
            return _error(code, "sync token no longer valid", status)

    return [Route("/api/2.0/calls", calls)]


VENDOR = Vendor("agendize", (CALLS,), _routes, refusal)
