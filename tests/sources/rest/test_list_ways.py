"""The ways to read a described list: since a time, between two, back to one, or whole; and what its pages tell of it.

Killed: a range with an end that is read to now; a list that goes round in circles where it takes an end; a list that is
sorted newest first and read by no time, or to its last page; a fact that no answer told.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from poller.errors import Shifted
from poller.plugin.stream import Stream, Window
from poller.sources.rest.lists import List
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted

BOTH = {"kind": "ticket", "params": {"since": "{start}", "until": "{end}", "page": "{page}"}}
CURSOR = {**BOTH, "params": {"since": "{start}", "until": "{end}", "cursor": "{cursor}"}, "paging": {"next": "next"}}
EARLIER = Window(NOW - timedelta(hours=3), NOW - timedelta(hours=2))


def page(*numbers: int, minutes: Sequence[int] = (), **beside: Any) -> dict[str, Any]:
    """Tickets that were updated so many minutes ago: half an hour where nothing is said."""
    ago = dict(zip(numbers, minutes, strict=False))
    stamps = {number: f"{NOW - timedelta(minutes=ago.get(number, 30)):%Y-%m-%dT%H:%M:%SZ}" for number in numbers}
    return {"tickets": [ticket(number, stamp) for number, stamp in stamps.items()], **beside}


async def read(stream: Stream, http: Scripted, window: Window = HOUR, *, ended: bool = False) -> Pass:
    live = stream.sweeps[0]
    done = Pass()
    if ended:
        assert live.ranges
    fetch = live.ranges.fetch if ended and live.ranges else live.fetch
    try:
        async for one in fetch(http, None, window):
            done.pages.append(one)
    except Shifted as error:
        done.error = error
    return done


async def test_a_range_with_an_end_is_asked_for_up_to_it_and_the_newest_one_without() -> None:
    for ahead, until in (("0s", "2026-03-14T16:30:40Z"), ("1h", "2026-03-14T17:30:41Z")):
        stream = stream_of(BOTH | {"ahead": ahead})
        live, ended = Scripted([Said(page())]), Scripted([Said(page(1, minutes=[150])), Said(page())])
        assert (await read(stream, live)).cursors[-1] is not None
        assert live.queries() == [{"since": "2026-03-14T15:30:39Z", "until": until, "page": "1"}]
        done = await read(stream, ended, EARLIER, ended=True)
        assert [record["id"] for record in done.records()] == [1]
        assert [(query["since"], query["until"]) for query in ended.queries()] == [
            ("2026-03-14T13:30:39Z", "2026-03-14T14:30:41Z")
        ] * 2


@pytest.mark.parametrize(
    ("end", "ahead", "waited", "until"),
    [
        ("{end}", "0s", 0, NOW - timedelta(seconds=5)),
        ("{end}", "0s", 30, NOW - timedelta(seconds=30)),
        ("{end:%Y-%m-%d %H:%M}", "0s", 0, NOW.replace(second=0)),
        ("{end:%Y-%m-%d}", "0s", 0, NOW.replace(hour=0, minute=0, second=0)),
        ("{end:%Y-%m-%d} 23:59", "0s", 0, NOW - timedelta(seconds=5)),
        ("{end:%Y-%m-%d %H:%M}", "1h", 30, NOW - timedelta(seconds=5)),
    ],
)
async def test_no_cursor_passes_what_an_exact_end_asked_for(end: str, ahead: str, waited: int, until: datetime) -> None:
    """Else `covered_until` promises a minute, or a day, that nobody has asked for; also where the request `waited`."""
    stream = stream_of({"kind": "ticket", "params": {"since": "{start}", "until": end}, "ahead": ahead})
    now = NOW - timedelta(seconds=waited)
    done = await read(stream, Scripted([Said(page(1))]), Window(now - timedelta(hours=1), now))
    assert [cursor and cursor.until for cursor in done.cursors] == [until]


@pytest.mark.parametrize("ended", [False, True])
async def test_a_list_that_takes_an_end_and_goes_round_in_circles_is_doubted(*, ended: bool) -> None:
    http = Scripted([Said(page(1, 2)), Said(page(1, 2))])
    assert isinstance((await read(stream_of(BOTH), http, ended=ended)).error, Shifted)


async def test_a_list_that_is_sorted_newest_first_is_read_back_to_the_windows_start_and_no_further() -> None:
    stream = stream_of({"kind": "ticket", "params": {"page": "{page}"}, "window_field": "meta.at"})
    pages = [page(5, 4, minutes=[1, 20]), page(3, 2, minutes=[40, 70]), page(1, minutes=[90]), page(0, minutes=[99])]
    for one in pages:
        one["tickets"] = [{"id": row["id"], "meta": {"at": row["updated_at"]}} for row in one["tickets"]]
    http = Scripted(map(Said, pages))
    done = await read(stream, http)
    assert (len(http.asked), done.error, done.cursors[-1] is not None) == (3, None, True)
    assert [one.asked_from for one in done.pages] == [HOUR.start] * 3


async def test_a_list_without_a_time_is_read_whole() -> None:
    whole = stream_of({"kind": "ticket", "params": {"page": "{page}"}})
    http = Scripted([Said(page(2, 1, minutes=[1, 7_000])), Said(page())])
    done = await read(whole, http)
    assert (len(done.records()), done.error) == (2, None)
    again = Scripted([Said(page(1, 2)), Said(page(1, 2))])
    assert isinstance((await read(whole, again)).error, Shifted)


async def test_a_page_tells_what_its_answer_showed_and_nothing_else() -> None:
    known = Knowing([Said(page(1, next="b")), Said(page(2))])
    done = await read(stream_of(CURSOR), known)
    assert [one.facts for one in done.pages] == [
        {"answered /tickets", "identified", "next led on by next"},
        {"answered /tickets", "identified"},
    ]
    nothing = Knowing([Said({}, status=404)], known={"answered /tickets"})
    done = await read(stream_of(CURSOR | {"empty": ["404"]}), nothing)
    assert [one.facts for one in done.pages] == [frozenset()]


async def test_the_first_page_of_a_survey_is_judged_as_the_first() -> None:
    stream = BOTH | {"expect": {"page": "{page}"}}
    listed: List = stream_of(stream).sweeps[0].fetch.__self__  # type: ignore[attr-defined]
    answer, _ = await listed.first_page(Scripted([Said(page(1, page=1))]), HOUR)
    assert len(answer.rows) == 1


class Knowing(Scripted):
    """A session whose stream knows what it is told that it does."""

    def knows(self, fact: str) -> bool:
        return fact in self.known
