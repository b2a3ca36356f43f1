"""Every sloppy kind, switched on, changes how an answer is written, and not what it says."""

import gzip
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from poller.sandbox.registry import KINDS
from poller.sandbox.sloppy.envelope import ENVELOPES
from poller.sandbox.sloppy.kinds import ANOTHER, SLOPPY, apply_kinds
from poller.sandbox.sloppy.lists import EXTRA
from poller.sandbox.sloppy.reply import Reply
from poller.sandbox.sloppy.times import TIMES
from poller.sandbox.sloppy.values import VALUES
from poller.sandbox.vendors import agendize, helpdesk, ipscape, trackdrive
from poller.sandbox.vendors.callcap import API_KEY
from tests.laws.meaning import meaning
from tests.laws.sloppy import PAIRS, put

from .stage import GOOD_LEADS, NOON, Stage

WIDE = "search_timezone=US/Arizona&search_startdate=2000-01-01&search_enddate=2030-01-01&show=100"
LISTS: Mapping[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "agendize": (
        {"apiKey": agendize.API_KEY, "token": agendize.TOKEN},
        tuple(f"/agendize/api/2.0/calls?startDate={year}-03-14T00:00:00Z" for year in (2025, 2027)),
    ),
    "callcap": (
        {"Authorization": f"Bearer {API_KEY}"},
        (f"/callcap/v2/get/calls/?{WIDE}", f"/callcap/v2/get/calls/?{WIDE.replace('2000', '2029')}"),
    ),
    "flextell": (GOOD_LEADS, ("/flextell/api/v1/leads?per_page=100", "/flextell/api/v1/leads?trashed=1")),
    "helpdesk": (
        {"Authorization": f"Bearer {helpdesk.TOKEN}"},
        ("/helpdesk/v1/tickets?per_page=100", "/helpdesk/v1/tickets?updated_since=2029-01-01T00:00:00Z"),
    ),
    "ipscape": (
        {"Authorization": f"Bearer {ipscape.TOKEN}"},
        tuple(f"/ipscape/platform-api{path}" for path in (
            "/v3.0/activities", "/v3.0/calls/dialler", "/v3.0/leads", "/v3.0/campaigns", "/v3.0/activities?leadId=1",
            "/v3.0/leads/lists?campaignId=7",
        )),
    ),
    "trackdrive": (
        {"Authorization": trackdrive.BASIC},
        ("/trackdrive/api/v1/leads?per_page=100", "/trackdrive/api/v1/calls?cursor=-1&per_page=100",
         "/trackdrive/api/v1/calls?cursor=-1&created_at_from=2027-01-01"),
    ),
}  # fmt: skip
UNKNOWN = {"agendize": "duration", "callcap": "sentiment"}
"""What one record does not know yet."""
SAME_WORDS = [pair for pair in PAIRS if pair.values[0] in {**VALUES, **TIMES}]


def populated(vendor: str, number: int = 9, *, old: bool = True) -> Stage:
    """A few records of every kind that this vendor has, on full minutes, and an old one."""
    stage = Stage()
    for kind in (kind for kind in KINDS if kind.vendor == vendor):
        for n in range(number):
            name = put(stage.world, kind.name, NOON - timedelta(minutes=n + 1))
            if not n and vendor in UNKNOWN:
                stage.world.edit(kind.name, name, {UNKNOWN[vendor]: None})
        if kind.born and old:
            put(stage.world, kind.name, NOON - timedelta(days=3))
    return stage


async def lists(stage: Stage, vendor: str) -> list[httpx.Response]:
    headers, urls = LISTS[vendor]
    return [await stage.http.get(url, headers=headers) for url in urls]


def written(answers: list[httpx.Response]) -> Any:
    """All of the answers but what counts them."""
    return [
        (
            [
                pair
                for pair in sorted(answer.headers.items())
                if pair[0] not in {"x-ratelimit-remaining", "content-length"}
            ],
            re.sub(rb"CA\w+", b"CA", answer.content),
        )
        for answer in answers
    ]


@pytest.mark.parametrize(("kind", "vendor"), PAIRS)
async def test_a_kind_shows_and_only_where_it_is_on(kind: str, vendor: str) -> None:
    stage = populated(vendor, 60 if kind == "size_capped" else 9)
    if kind == "row_alone":
        stage = populated(vendor, 1, old=False)
    well = written(await lists(stage, vendor))
    stage.vices(vendor, **{kind: 1.0})
    assert any([written(await lists(stage, vendor)) != well for _ in range(20 if kind == ANOTHER else 1)])
    stage.vices(vendor, **{kind: 0.0})
    assert written(await lists(stage, vendor)) == well


@pytest.mark.parametrize(("kind", "vendor"), SAME_WORDS)
async def test_another_spelling_says_the_same(kind: str, vendor: str) -> None:
    stage = populated(vendor)
    zone = "US/Arizona" if vendor == "callcap" else None
    well = [meaning(read(answer), zone) for answer in await lists(stage, vendor)]
    stage.vices(vendor, **{kind: 1.0})
    assert [meaning(read(answer), zone) for answer in await lists(stage, vendor)] == well


def read(answer: httpx.Response) -> Any:
    """The documented part of the rows."""
    body = json.loads(answer.content)
    rows = next(body[name] for name in ("items", "call", "data", "leads", "calls", "tickets") if name in body)
    for row in rows:
        row.pop("rings", None)  # what never changes is where a number is none
    return rows


async def test_each_answer_is_spelt_in_a_way_of_its_own() -> None:
    stage = populated("flextell")
    stage.vices("flextell", **{ANOTHER: 1.0})
    texts = [(await lists(stage, "flextell"))[0] for _ in range(12)]
    assert len({answer.content for answer in texts}) > 5
    assert all(meaning(read(answer)) == meaning(read(texts[0])) for answer in texts)


async def test_times_are_spelt_as_other_languages_print_them() -> None:
    stage = populated("flextell", 1)
    spelt = {}
    for kind in TIMES:
        stage.vices("flextell", **{kind: 1.0})
        spelt[kind] = (await stage.leads(per_page=100)).json()["data"][0]["created_at"]
    assert spelt == {
        "stamps_with_micros": "2026-03-14T18:59:00.000000Z",
        "stamps_with_seven_digits": "2026-03-14T18:59:00.0000000Z",
        "stamps_with_zero_offset": "2026-03-14T18:59:00+00:00",
        "stamps_with_other_offset": "2026-03-15T00:29:00+05:30",
        "stamps_with_utc_word": "2026-03-14 18:59:00 UTC",
        "stamps_without_colon": "2026-03-14T18:59:00+0000",
        "stamps_without_seconds": "2026-03-14T18:59Z",
        "leap_second": "2026-03-14T18:58:60Z",
        "zone_alias": "2026-03-14T18:59:00Z",
        "windows_zone": "2026-03-14T18:59:00Z",
    }


@pytest.mark.parametrize("vendor", ["agendize", "ipscape", "trackdrive"])
async def test_five_empty_pages_come_before_the_first(vendor: str) -> None:
    stage = populated(vendor)
    headers, urls = LISTS[vendor]
    url = urls[1] if vendor == "trackdrive" else urls[0]
    well = read(await stage.http.get(url, headers=headers))
    stage.vices(vendor, empty_pages=1.0)
    sizes, seen, asked = [], set(), url
    for _ in range(6):
        body = (answer := await stage.http.get(asked, headers=headers)).json()
        sizes.append(len(read(answer)))
        seen.add(asked)
        asked = following(vendor, url, body) or asked
    assert sizes == [0, 0, 0, 0, 0, len(well)]
    assert len(seen) == 6
    assert read(answer) == well


def following(vendor: str, url: str, body: Any) -> str | None:
    if vendor == "agendize":
        return f"{url}&pageToken={body['nextPageToken']}" if "nextPageToken" in body else None
    if vendor == "trackdrive":
        return url.replace("cursor=-1", f"cursor={body['metadata']['next_cursor']}")
    return f"/ipscape/platform-api{uri}" if (uri := body["metadata"]["nextUri"]) else None


async def test_a_body_in_utf16_and_one_behind_gzip_are_still_the_same_body() -> None:
    stage = populated("flextell")
    well = (await lists(stage, "flextell"))[0].json()
    stage.vices("flextell", declared_utf16=1.0)
    assert orjson.loads((await lists(stage, "flextell"))[0].content.decode("utf-16")) == well
    stage.vices("flextell", gzip_in_two=1.0)
    async with stage.http.stream("GET", "/flextell/api/v1/leads?per_page=100", headers=GOOD_LEADS) as answer:
        packed = b"".join([part async for part in answer.aiter_raw()])
    assert orjson.loads(gzip.decompress(packed)) == well


async def test_the_byte_that_is_no_utf8_stands_in_no_documented_field() -> None:
    stage = populated("callcap")
    well = (await lists(stage, "callcap"))[0].json()["call"]
    stage.vices("callcap", invalid_byte=1.0)
    body = (await lists(stage, "callcap"))[0].content
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    rows = json.loads(body.decode(errors="replace"))["call"]
    assert [{name: value for name, value in row.items() if name != EXTRA} for row in rows] == well


@pytest.mark.parametrize("row", [None, [None], {"tags": [None, 1]}])
def test_only_a_field_can_be_left_out(row: Any) -> None:
    reply = Reply(ENVELOPES["flextell"], "/", {}, NOON, Random(1), {"data": [row]}, {})
    assert apply_kinds(reply, lambda kind: kind == "absent_for_null")
    assert orjson.loads(reply.body) == {"data": [row]}


def test_there_are_forty_kinds_at_least_and_each_has_a_line() -> None:
    assert len(SLOPPY) >= 40
    assert all(SLOPPY.values())


async def test_the_sandbox_lists_them_among_its_vices(stage: Stage) -> None:
    known = (await stage.http.get("/_sandbox/vices")).json()["known"]
    assert known.items() >= SLOPPY.items()


@pytest.mark.parametrize("vendor", ["trackdrive", "ipscape", "helpdesk"])
async def test_no_last_row_is_hidden_where_nobody_could_know(vendor: str) -> None:
    stage = populated(vendor)
    well = written(await lists(stage, vendor))
    stage.vices(vendor, last_uncounted=1.0)
    assert written(await lists(stage, vendor)) == well
