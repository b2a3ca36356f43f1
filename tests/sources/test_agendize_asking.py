"""What is asked of Agendize by a call's start, and how its answers become passes."""

from datetime import UTC, datetime, timedelta

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Cursor, Window
from poller.sources.agendize.api import CALLS, CAPS, LAG, LONGEST
from tests.sources.agendize_pages import CALL, STREAM, WINDOWED, Company, ids, instant, listing, rows, spread
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted, changed, read

DAY = timedelta(days=1)
SIX_HOURS = Window(NOW - timedelta(hours=6), NOW)


async def poll(company: Company, window: Window = SIX_HOURS, sweep: str = "live") -> Pass:
    done = await read(STREAM, sweep, company, window)
    assert done.error is None
    assert [bool(page.end) for page in done.pages] == [False] * (len(done.pages) - 1) + [True]
    assert done.cursors == [None] * (len(done.pages) - 1) + [Cursor(NOW - LAG)]
    return done


def unreadable(done: Pass) -> list[Window]:
    return list(done.end.unreadable)


def blind(start: datetime, windows: list[Window]) -> bool:
    return any(window.start <= start <= window.end for window in windows)


@pytest.mark.parametrize("sweep", WINDOWED)
@pytest.mark.covers("agendize", 2, 4)
async def test_one_request_from_two_seconds_before_with_an_open_end(sweep: str) -> None:
    http = Scripted([listing(CALL)])
    done = await read(STREAM, sweep, http)
    assert http.asked == [(CALLS, {"startDate": "2026-03-14T15:30:38Z"})]
    assert done.records() == [CALL]
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [Cursor(NOW - LAG)], True)


@pytest.mark.covers("agendize", 4)
async def test_a_call_on_the_windows_start_is_in_it() -> None:
    start = SIX_HOURS.start.replace(microsecond=999_999)
    company = Company({"at": SIX_HOURS.start, "after": NOW}, cap=1000)
    assert ids((await poll(company, Window(start, NOW))).records()) == {"at", "after"}


@pytest.mark.parametrize("start", [datetime.min.replace(tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)])
async def test_all_of_history_has_a_beginning(start: datetime) -> None:
    http = Scripted([listing()])
    assert (await read(STREAM, "audit", http, Window(start, NOW))).error is None
    assert http.queries() == [{"startDate": "1999-12-31T23:59:58Z"}]


@pytest.mark.parametrize("sweep", WINDOWED)
@pytest.mark.covers("agendize", 9)
async def test_pages_are_followed_where_there_are_any_and_only_the_last_earns_the_first_ones_cursor(sweep: str) -> None:
    http = Scripted([listing(*rows(100), page="a b+/="), listing(page="2"), listing(*rows(100, 101), sync="s")])
    done = await read(STREAM, sweep, http)
    since = {"startDate": "2026-03-14T15:30:38Z"}
    assert http.queries() == [since, since | {"pageToken": "a b+/="}, since | {"pageToken": "2"}]
    assert (done.error, done.sizes) == (None, [100, 0, 100])
    assert done.cursors == [None, None, Cursor(NOW - LAG)]  # a sync token is the business of `sync`


@pytest.mark.parametrize("sweep", [*WINDOWED, "sync"])
async def test_a_list_that_runs_in_a_circle_is_no_list(sweep: str) -> None:
    http = Scripted([listing(*rows(1), page="a"), listing(*rows(1), page="b"), listing(page="a")])
    done = await read(STREAM, sweep, http)
    assert isinstance(done.error, Shifted)
    assert (done.sizes, set(done.cursors)) == ([1, 1, 0], {None})


async def test_no_date_earns_no_cursor_but_completes_the_pass() -> None:
    done = await read(STREAM, "live", Scripted([Said({"items": [CALL]}, dated=False)]))
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [None], True)


@pytest.mark.parametrize("count", sorted({1, 99, 101, 999, 1001} | CAPS))
@pytest.mark.covers("agendize", 9)
async def test_a_round_number_of_calls_is_not_believed_at_once(count: int) -> None:
    company = Company(spread(count, SIX_HOURS.start, NOW), cap=20_000)
    done = await poll(company)
    assert ids(done.records()) == set(company.starts)
    assert len(company.asked) == (6 if count in CAPS else 1)
    assert unreadable(done) == []


def test_the_round_numbers() -> None:
    assert {100, 250, 500, 1000} <= CAPS
    assert timedelta(hours=4) == LONGEST


@pytest.mark.parametrize("keeps", ["newest", "oldest", "any"])
@pytest.mark.parametrize("sweep", WINDOWED)
@pytest.mark.covers("agendize", 2, 9)
async def test_a_list_that_is_cut_off_in_silence_is_halved(sweep: str, keeps: str) -> None:
    week = Window(NOW - 7 * DAY, NOW)
    company = Company(spread(3000, week.start, NOW), cap=250, keeps=keeps, lasts=LONGEST - timedelta(seconds=1))
    done = await poll(company, week, sweep)
    assert ids(done.records()) == set(company.starts)
    assert unreadable(done) == []
    assert len(company.asked) < 100
    assert any("endDate" not in query and instant(query["startDate"]) > week.start for query in company.asked)


@pytest.mark.parametrize("keeps", ["newest", "oldest", "any"])
@pytest.mark.covers("agendize", 9)
async def test_what_no_halving_brings_is_said_to_be_unreadable_and_the_pass_goes_on(keeps: str) -> None:
    minute = NOW - timedelta(hours=1)
    crowd = {f"x{number}": minute + timedelta(seconds=number / 10) for number in range(150)}
    company = Company(spread(60, SIX_HOURS.start, NOW) | crowd, cap=100, keeps=keeps)
    done = await poll(company)
    found, beyond = ids(done.records()), unreadable(done)
    assert {name for name, start in company.starts.items() if name not in found and not blind(start, beyond)} == set()
    last = max(crowd.values()).replace(microsecond=0)
    assert min(window.start for window in beyond) > minute - LONGEST - timedelta(minutes=1)
    assert max(window.end for window in beyond) <= last + timedelta(seconds=2)  # what is newer than the crowd is read
    assert {name for name, start in company.starts.items() if start > last + timedelta(seconds=2)} <= found
    assert len(company.asked) < 150


@pytest.mark.covers("agendize", 9)
async def test_a_busy_account_costs_some_requests_and_its_newest_calls_are_read() -> None:
    company = Company(spread(600, SIX_HOURS.start, NOW), cap=100)
    done = await poll(company)
    (gap,) = {window.end for window in unreadable(done)} - {window.start for window in unreadable(done)}
    assert gap < NOW - timedelta(minutes=30)
    assert {name for name, start in company.starts.items() if start > gap} <= ids(done.records())
    assert len(company.asked) < 60


async def test_a_second_that_is_cut_off_is_asked_for_once() -> None:
    now = Window(NOW, NOW)
    company = Company({f"c{number}": NOW for number in range(150)}, cap=100)
    done = await poll(company, now)
    assert unreadable(done) == [now]
    assert len(company.asked) == 1
    later = Window(NOW + DAY, NOW)  # our clock went back since
    company = Company({f"c{number}": NOW + 2 * DAY for number in range(150)}, cap=100)
    assert unreadable(await poll(company, later)) == [Window(later.start, later.start)]


def at(clock: datetime, zone: str | None, **more: object) -> dict[str, object]:
    return changed(CALL, {"dateTime": f"{clock:%Y-%m-%dT%H:%M:%S}", "timeZone": zone}, "start") | more


EASTERN = timedelta(hours=-4)  # that day
ASKED = HOUR.start - timedelta(seconds=2)


@pytest.mark.parametrize("sweep", WINDOWED)
@pytest.mark.covers("agendize", 3)
async def test_a_call_that_was_not_asked_for_moves_nothing(sweep: str) -> None:
    early = at(ASKED - timedelta(hours=2, seconds=1) + EASTERN, "US/Eastern")
    calls = [at(NOW - timedelta(minutes=n), "UTC", id=n) for n in range(3)]
    done = await read(STREAM, sweep, Scripted([listing(*calls, early)]))
    assert isinstance(done.error, Shifted)
    assert "startDate" in str(done.error)
    assert (done.sizes, done.cursors) == ([4], [None])
    second = Scripted([listing(*calls, page="a"), listing(early)])
    done = await read(STREAM, sweep, second)
    assert isinstance(done.error, Shifted)
    assert (done.sizes, done.cursors) == ([3, 1], [None, None])


@pytest.mark.parametrize("sweep", WINDOWED)
@pytest.mark.covers("agendize", 3)
async def test_calls_most_of_which_were_not_asked_for_show_that_the_filter_was_lost(sweep: str) -> None:
    early = [at(ASKED - DAY, "UTC", id=n) for n in range(2)]
    done = await read(STREAM, sweep, Scripted([listing(CALL, *early)]))
    assert isinstance(done.error, Unexpected)
    assert "filter was not applied" in str(done.error)
    assert done.pages == []


@pytest.mark.parametrize(
    "call",
    [
        at(ASKED - timedelta(hours=1, minutes=59), "UTC"),  # an hour that repeats
        at(ASKED - DAY, None),  # whose zone we can't tell
        at(ASKED - DAY, "Mars/Olympus"),
        {"id": "1", "start": "yesterday"},
        {"id": "1"},
        7,
    ],
)
async def test_what_may_be_in_the_window_is_no_breach(call: object) -> None:
    done = await read(STREAM, "live", Scripted([listing(call)]))
    assert (done.error, done.cursors, done.records()) == (None, [Cursor(NOW - LAG)], [call])


async def test_a_half_is_held_to_its_own_start() -> None:
    full = [at(NOW - timedelta(minutes=1), "UTC", id=number) for number in range(100)]
    done = await read(STREAM, "live", Scripted([listing(*full), listing(at(NOW - DAY, "UTC")), listing()]))
    assert isinstance(done.error, Shifted)
    assert [page.end for page in done.pages] == [None] * 3
