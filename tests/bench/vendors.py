"""New records of the other vendors: a list of each, in the largest pages that are documented (100, else 150)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import Any

import orjson

from tests.bench import clients
from tests.bench.calls import NOW
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import by_unit, check, script, workshop
from tests.bench.server import Answer
from tests.sources import agendize_pages, flextell_pages, ipscape_pages, trackdrive_pages

PAGES, WARM = 60, 10
Row = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """A vendor's list: how it is asked for, and how its records and its pages look.

    A target that `asked` matches is a request for the list; the first group is the page, none for the first one.
    `pages` writes the rows of a page, its number (from 1), the last one's and the total.
    """

    source: Mapping[str, Any]
    key: str
    size: int
    asked: re.Pattern[str]
    row: Callable[[int], Row]
    page: Callable[[Sequence[Row], int, int, int], Any]


def _ago(number: int) -> str:
    """Return a time within the last hour, the later the lower the number."""
    return (NOW - timedelta(seconds=10 + number / 10)).isoformat(timespec="milliseconds")


def _phone(prefix: str, number: int, digits: int) -> str:
    return f"{prefix}{Random(number).randrange(10**digits):0{digits}}"


def _trackdrive_call(number: int) -> Row:
    times = {"created_at": _ago(number + 600), "ended_at": _ago(number + 300), "updated_at": _ago(number)}
    phones = {"caller_number": _phone("+1719", number, 7), "number_called": _phone("+1800", number + 1, 7)}
    return {**trackdrive_pages.CALL, "id": number, "uuid": f"c3b20b12-{number:012}", **times, **phones}


def _trackdrive_page(rows: Sequence[Row], page: int, last: int, _: int) -> Any:
    return trackdrive_pages.listing("calls", rows, next_cursor=0 if page == last else page + 1)


def _ipscape_activity(number: int) -> Row:
    data = ipscape_pages.INBOUND["data"]
    times = {name: _ago(number + 600) for name in data["timestamps"]}
    fields = {"activityId": number, "source": _phone("+614", number, 8), "timestamps": times}
    return {**ipscape_pages.INBOUND, "data": {**data, **fields}}


def _ipscape_page(rows: Sequence[Row], page: int, last: int, _: int) -> Any:
    return ipscape_pages.answer("activities", rows, None if page == last else page + 1)


def _agendize_call(number: int) -> Row:
    start = {"dateTime": f"{NOW - timedelta(seconds=10 + number):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
    phones = {"callerNumber": _phone("+1514", number, 7), "calledNumber": _phone("+1450", number, 7)}
    return {**agendize_pages.CALL, "id": f"{number}", "start": start, **phones}


def _agendize_page(rows: Sequence[Row], page: int, last: int, _: int) -> Any:
    return {"items": list(rows)} | ({"nextPageToken": f"{page + 1}"} if page < last else {})


def _flextell_lead(number: int) -> Row:
    times = {"created_at": _ago(number), "updated_at": _ago(number), "last_synced_at": _ago(number)}
    person = {"phone_number": _phone("+90532", number, 7), "email": f"pat{number}@example.com"}
    return {**flextell_pages.LEAD, "id": number, **times, **person}


def _flextell_page(rows: Sequence[Row], page: int, last: int, total: int) -> Any:
    return flextell_pages.listing(rows, page=page, total=total, last=last)


FORMS: Mapping[str, Form] = {
    "trackdrive": Form(
        {"type": "trackdrive", "public_key": "k", "private_key": "k", "streams": {"calls": {}}},
        "calls",
        100,
        re.compile(r"/api/v1/calls\?(?=.*created_at_from=).*cursor=(?:-1|(\d+))"),
        _trackdrive_call,
        _trackdrive_page,
    ),
    "ipscape": Form(
        {"type": "ipscape", "token": "k", "streams": {"activities": {}}},
        "items",
        100,
        re.compile(r"/v3.0/activities\?(?:.*cursor=(\d+))?"),
        _ipscape_activity,
        _ipscape_page,
    ),
    "agendize": Form(
        {"type": "agendize", "access_token": "k"},
        "items",
        150,
        re.compile(r"/calls\?(?=.*startDate=)(?:.*pageToken=(\d+))?"),
        _agendize_call,
        _agendize_page,
    ),
    "flextell": Form(
        {"type": "flextell", "tenant": 1, "access_token": "k"},
        "data",
        100,
        re.compile(r"/leads\?(?=.*sort_by=created_at)(?=.*sort_order=desc)(?:.*[?&]page=(\d+))?"),
        _flextell_lead,
        _flextell_page,
    ),
}


@lru_cache
def bodies(name: str) -> Sequence[bytes]:
    form = FORMS[name]
    return [
        orjson.dumps(form.page([*map(form.row, range(begin, begin + form.size))], page, PAGES, PAGES * form.size))
        for page, begin in enumerate(range(0, PAGES * form.size, form.size), start=1)
    ]


def once(name: str) -> Callable[[str], Answer]:
    """Answer with the list the first time that it is read; later, and to all else, there is nothing to say."""
    form, pages = FORMS[name], bodies(name)
    nothing, given = orjson.dumps(form.page([], 1, 1, 0)), 0

    def answer(target: str) -> Answer:
        nonlocal given
        found = form.asked.match(target)
        number = int(found[1] or 1) if found else 0
        if number != given + 1 or number > PAGES:
            return nothing, False
        given = number
        return pages[number - 1], True

    return answer


async def vendor(name: str) -> tuple[float, float]:
    """Return what a record costs that is only read and written, and what it costs poller."""
    form = FORMS[name]
    async with workshop(lambda target: (bodies(name)[int(target[1:]) - 1], True)) as (server, address, folder):
        await clients.run(script("echo", f"{address}/{{}}", f"{PAGES}", form.key, str(folder / "out")), server, folder)
        echo = by_unit(server.marks, WARM, form.size)
    async with workshop(once(name)) as (server, address, folder):
        source = {**form.source, "base_url": address, "requests_per_minute": 10_000_000}
        clients.configure(folder, {"acme": source})
        await clients.run((*clients.POLLER, "--once"), server, folder)
        check(folder / "events/acme.jsonl", PAGES * form.size)
        return echo, by_unit(server.marks, WARM, form.size)


async def vendors() -> Found:
    found: dict[str, float] = {}
    for name in FORMS:
        found[f"{name}, echo"], found[name] = await vendor(name)
    return found


CELLS = (
    Cell(
        "vendors",
        "new records of the other vendors",
        "µs a record",
        vendors,
        [Goal(name, None, f"{name}, echo") for name in FORMS],
        rounds=3,
    ),
)
