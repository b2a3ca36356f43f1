"""Answers that say the same in other words, and answers that contradict themselves: a table for all vendors.

A vendor is tested by being listed. Each kind changes a documented answer; what then comes is delivered whole with a
cursor (said in other words), delivered whole without one (in doubt), or not believed at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Stream
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from tests.sources import agendize_pages, callcap_pages, flextell_pages, ipscape_pages, trackdrive_pages
from tests.sources.scripted import Pass, Said, Scripted, changed, read

(CALLCAP,) = Callcap.model_validate({"type": "callcap", "api_key": "k"}).build_streams()
(FLEXTELL,) = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"}).build_streams()
IPSCAPE = ipscape_pages.streams()


@dataclass(frozen=True)
class Listed:
    """A list of a vendor: how it answers with three records, where these are, and where its numbers are.

    `total` is the number that counts all of them; `outside` makes a record that was not asked for.
    """

    stream: Stream
    sweep: str
    answer: dict[str, Any]
    rows: str
    counts: Sequence[tuple[str, ...]] = ()
    total: tuple[str, ...] = ()
    outside: Callable[[dict[str, Any]], Any] | None = None

    @property
    def records(self) -> list[Any]:
        return list(self.answer[self.rows])

    async def read(self, body: dict[str, Any]) -> Pass:
        empty = {**self.answer, self.rows: []}
        if self.total:
            empty = changed(empty, _at(body, self.total), *self.total)
        return await read(self.stream, self.sweep, Scripted([Said(body), Said(empty)]))


def _at(body: Any, path: Sequence[str]) -> Any:
    for key in path:
        body = body[key]
    return body


def _calls() -> list[dict[str, Any]]:
    return [{**callcap_pages.CALL, "call_id": f"c{n}"} for n in range(3)]


_NUMBERS = ("page", "last_page", "records_returned", "show", "total_records")
_META = ("current_page", "last_page", "per_page", "total")
_LEADS = [{**trackdrive_pages.NEW_LEAD, "uuid": f"u{n}"} for n in range(3)]
_CALLS = [{**trackdrive_pages.NEW_CALL, "uuid": f"u{n}"} for n in range(3)]
_AGENDIZE = [{**agendize_pages.CALL, "id": f"{n}"} for n in range(3)]
_ACTIVITIES = [changed(ipscape_pages.listed("activities", "live"), n, "data", "activityId") for n in range(3)]
_CAMPAIGNS = [{**ipscape_pages.CAMPAIGN, "campaignId": n} for n in range(3)]
OLD = "1970-01-01T00:00:00Z"

LISTS = {
    "callcap": Listed(
        CALLCAP,
        "live",
        callcap_pages.listing(_calls()),
        "call",
        [("pagination", name) for name in _NUMBERS],
        ("pagination", "total_records"),
        lambda row: {**row, "last_modified": "1970-01-01 00:00:00"},
    ),
    "flextell": Listed(
        FLEXTELL,
        "full",
        flextell_pages.listing(flextell_pages.leads([0.0] * 3)),
        "data",
        [("meta", name) for name in _META],
        ("meta", "total"),
    ),
    "trackdrive leads": Listed(
        trackdrive_pages.LEADS,
        "live",
        trackdrive_pages.listing("leads", _LEADS, total_count=3),
        "leads",
        [("status",), ("metadata", "total_count")],
        ("metadata", "total_count"),
        lambda row: {**row, "created_at": OLD},
    ),
    "trackdrive calls": Listed(
        trackdrive_pages.CALLS,
        "live",
        trackdrive_pages.listing("calls", _CALLS, next_cursor=0),
        "calls",
        [("status",), ("metadata", "next_cursor")],
        outside=lambda row: {**row, "created_at": OLD},
    ),
    "ipscape activities": Listed(
        IPSCAPE["activities"],
        "live",
        ipscape_pages.answer("activities", _ACTIVITIES),
        "items",
        outside=lambda row: changed(row, OLD, "data", "timestamps", "created"),
    ),
    "ipscape campaigns": Listed(
        IPSCAPE["campaigns"],
        "snapshot",
        ipscape_pages.answer("campaigns", _CAMPAIGNS),
        "data",
        [("pageNo",), ("inPage",), ("perPage",)],
        ("inPage",),
    ),
    "agendize": Listed(
        agendize_pages.STREAM,
        "live",
        {"items": _AGENDIZE},
        "items",
        outside=lambda row: {**row, "start": {"dateTime": OLD, "timeZone": "UTC"}},
    ),
}
lists = pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS.keys())


def respelled(listed: Listed, spell: Callable[[int], Any]) -> dict[str, Any]:
    body = listed.answer
    for path in listed.counts:
        body = changed(body, spell(_at(body, path)), *path)
    return body


def holding(listed: Listed, rows: Any, count: int) -> dict[str, Any]:
    """An answer with these rows; its numbers say that it holds so many."""
    body = {**listed.answer, listed.rows: rows}
    for path in listed.counts:
        if path[-1] in {"total_records", "records_returned", "total", "total_count", "inPage"}:
            body = changed(body, count, *path)
    return body


@lists
@pytest.mark.parametrize(
    "spell", [str, float, lambda n: f"{n}.0", lambda n: f" {n} "], ids=["quoted", "5.0", "'5.0'", "' 5 '"]
)
async def test_a_number_is_what_it_means(listed: Listed, spell: Callable[[int], Any]) -> None:
    done = await listed.read(respelled(listed, spell))
    assert (done.error, done.records()) == (None, listed.records)
    assert done.end.cursor


COUNTING = {name: listed for name, listed in LISTS.items() if listed.counts}


@pytest.mark.parametrize("listed", COUNTING.values(), ids=COUNTING.keys())
@pytest.mark.parametrize("spell", [lambda n: n + 0.5, lambda n: f"{n}.5", lambda n: -1 - n], ids=["5.5", "'5.5'", "-6"])
async def test_what_counts_nothing_whole_is_not_believed(listed: Listed, spell: Callable[[int], Any]) -> None:
    done = await listed.read(respelled(listed, spell))
    assert isinstance(done.error, Unexpected)
    assert done.pages == []


@lists
@pytest.mark.parametrize("first", [0, 1, 7])
async def test_a_list_may_be_an_object_with_numbered_keys(listed: Listed, first: int) -> None:
    rows = {f"{number}": row for number, row in reversed(list(enumerate(listed.records, first)))}
    done = await listed.read(holding(listed, rows, 3))
    assert (done.error, done.records()) == (None, listed.records)


@lists
async def test_a_list_of_one_may_be_its_element(listed: Listed) -> None:
    done = await listed.read(holding(listed, listed.records[0], 1))
    assert (done.error, done.records()) == (None, listed.records[:1])


@lists
@pytest.mark.parametrize("nothing", [None, {}], ids=["null", "{}"])
async def test_an_empty_list_may_be_null_or_an_empty_object(listed: Listed, nothing: object) -> None:
    done = await listed.read(holding(listed, nothing, 0))
    assert (done.error, done.records()) == (None, [])
    assert done.end.cursor


@lists
async def test_an_empty_list_may_not_be_there_at_all(listed: Listed) -> None:
    body = {key: value for key, value in holding(listed, [], 0).items() if key != listed.rows}
    done = await listed.read(body)
    assert (done.error, done.records()) == (None, [])


@lists
@pytest.mark.parametrize("rows", ["none", 7, True, {"message": "Login"}, {"1": 5, "x": 6}])
async def test_what_is_no_list_is_not_believed(listed: Listed, rows: object) -> None:
    done = await listed.read(holding(listed, rows, 1))
    assert isinstance(done.error, Unexpected)
    assert (done.pages, "Login" in str(done.error)) == ([], False)


TOTALS = {name: listed for name, listed in LISTS.items() if listed.total}


@pytest.mark.parametrize("listed", TOTALS.values(), ids=TOTALS.keys())
@pytest.mark.parametrize("off", [-1, 1, 1000])
async def test_a_total_that_is_off_holds_back_the_cursor_and_no_record(listed: Listed, off: int) -> None:
    done = await listed.read(changed(listed.answer, 3 + off, *listed.total))
    assert isinstance(done.error, Shifted)
    assert done.records() == listed.records
    assert not any(page.end for page in done.pages)


FILTERED = {name: listed for name, listed in LISTS.items() if listed.outside}


@pytest.mark.parametrize("listed", FILTERED.values(), ids=FILTERED.keys())
async def test_a_row_that_nobody_asked_for_holds_back_the_cursor_and_no_record(listed: Listed) -> None:
    assert listed.outside
    rows = [*listed.records[:2], listed.outside(listed.records[2])]
    done = await listed.read(holding(listed, rows, 3))
    assert isinstance(done.error, Shifted)
    assert done.records() == rows
    assert not any(page.end for page in done.pages)


@pytest.mark.parametrize("listed", FILTERED.values(), ids=FILTERED.keys())
async def test_rows_most_of_which_nobody_asked_for_show_that_the_filter_was_lost(listed: Listed) -> None:
    assert listed.outside
    rows = [listed.records[0], *map(listed.outside, listed.records[1:])]
    done = await listed.read(holding(listed, rows, 3))
    assert type(done.error) is Unexpected
    assert "filter was not applied" in str(done.error)
    assert done.pages == []


CAPPED: dict[str, tuple[Stream, str, Callable[..., Any], list[Any], str]] = {
    "callcap": (CALLCAP, "live", callcap_pages.listing, callcap_pages.rows(130), "show"),
    "flextell": (FLEXTELL, "full", flextell_pages.listing, flextell_pages.leads([0.0] * 130), "per_page"),
}


@pytest.mark.parametrize(("stream", "sweep", "listing", "rows", "size"), CAPPED.values(), ids=CAPPED.keys())
@pytest.mark.parametrize("cap", [50, 1, 129])
async def test_pages_of_another_size_that_keep_to_it_are_read_on(
    stream: Stream, sweep: str, listing: Callable[..., Any], rows: list[Any], size: str, cap: int
) -> None:
    pages = [rows[begin : begin + cap] for begin in range(0, len(rows), cap)]
    full: list[list[Any]] = [[]] if 130 % cap == 0 else []  # the page after a full last one
    answers = enumerate([*pages, *full], 1)
    done = await read(
        stream, sweep, Scripted(Said(listing(page, page=n, total=130, **{size: cap})) for n, page in answers)
    )
    assert (done.error, done.records(), done.sizes) == (None, rows, [len(page) for page in [*pages, *full]])
    assert done.end.cursor


@pytest.mark.parametrize("zone", ["America/Phoenix", "MST", "US Mountain Standard Time"])
async def test_a_zone_that_shows_the_same_times_is_the_one_that_was_asked_for(zone: str) -> None:
    body = changed(LISTS["callcap"].answer, zone, "search", "timezone")
    assert (await LISTS["callcap"].read(body)).error is None


@pytest.mark.parametrize("zone", ["US/Mountain", "America/Los_Angeles", "Arizona", "", None, 7])
async def test_another_zone_is_not(zone: object) -> None:
    body = changed(LISTS["callcap"].answer, zone, "search", "timezone")
    assert isinstance((await LISTS["callcap"].read(body)).error, Unexpected)


@pytest.mark.parametrize("more", [True, 1, "1", "true", "yes"])
@pytest.mark.parametrize("over", [False, 0, "0", "false", "no"])
async def test_whether_a_list_goes_on_is_said_in_many_ways(more: object, over: object) -> None:
    pages = [
        flextell_pages.continued([{"id": 1}], has_more=more, cursor="a"),
        flextell_pages.continued([{"id": 2}], has_more=over),
    ]
    done = await read(FLEXTELL, "full", Scripted(map(Said, pages)))
    assert (done.error, done.sizes) == (None, [1, 1])
