"""A total that is one too low where the last page is full: the record on the page after it is read all the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Denied, Shifted, TooLarge, Unavailable
from poller.plugin.stream import Response, Stream, Window
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from tests.sources import callcap_pages, flextell_pages, trackdrive_pages
from tests.sources.scripted import HOUR, NOW, Pass, Said, Scripted, read

(CALLCAP,) = Callcap.model_validate({"type": "callcap", "api_key": "k"}).build_streams()
(FLEXTELL,) = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"}).build_streams()


@dataclass(frozen=True)
class Numbered:
    """A numbered list of a vendor that says its size, which is 50 here: how it answers, what a record is."""

    stream: Stream
    sweep: str
    listing: Callable[..., dict[str, Any]]
    rows: Sequence[Any]
    size: str

    def page(self, number: int, total: int, rows: Sequence[Any] | None = None) -> Said:
        rows = self.rows[50 * (number - 1) : 50 * number] if rows is None else rows
        return Said(self.listing(rows, page=number, total=total, **{self.size: 50}))

    async def read(self, *answers: Said) -> tuple[Pass, Scripted]:
        http = Scripted(answers)
        return await read(self.stream, self.sweep, http, HOUR), http


LISTS = {
    "callcap live": Numbered(CALLCAP, "live", callcap_pages.listing, callcap_pages.rows(101), "show"),
    "callcap audit": Numbered(CALLCAP, "audit", callcap_pages.listing, callcap_pages.rows(101), "show"),
    "flextell full": Numbered(FLEXTELL, "full", flextell_pages.listing, flextell_pages.leads([0.0] * 101), "per_page"),
    "flextell live": Numbered(
        FLEXTELL, "live", flextell_pages.listing, flextell_pages.leads([3000.0 - n for n in range(101)]), "per_page"
    ),
}
lists = pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS.keys())


@lists
async def test_the_record_after_a_full_last_page_comes_and_the_total_is_in_doubt(listed: Numbered) -> None:
    done, _ = await listed.read(listed.page(1, 100), listed.page(2, 100), listed.page(3, 100))
    assert (done.records(), done.sizes) == (listed.rows, [50, 50, 1])
    assert isinstance(done.error, Shifted)
    assert done.error.until
    assert [page.end for page in done.pages] == [None] * 3


@lists
@pytest.mark.parametrize(
    "beyond",
    [
        Said({"message": "page must be a number from 1 to 2"}, status=400),
        Said({"status": "not found"}, status=404),
        Said({}, status=422),
        Said({"status": "error", "message": "no such page"}),
        Said(b"<html>no such page</html>"),
    ],
    ids=["400", "404", "422", "an error as 200", "a page for people"],
)
async def test_a_vendor_that_refuses_the_page_after_the_last_has_none(listed: Numbered, beyond: Said) -> None:
    done, http = await listed.read(listed.page(1, 100), listed.page(2, 100), beyond)
    assert (done.error, done.records(), len(http.asked)) == (None, listed.rows[:100], 3)
    assert done.end.cursor


@lists
async def test_so_has_one_that_sends_it_empty_or_its_last_page_once_more(listed: Numbered) -> None:
    again, numbered = listed.page(2, 100), listed.page(3, 100, listed.rows[50:100])
    for beyond in (listed.page(3, 100, []), again, numbered):
        done, _ = await listed.read(listed.page(1, 100), listed.page(2, 100), beyond)
        assert (done.error, done.records()) == (None, listed.rows[:100])
        assert done.end.cursor


@lists
async def test_only_where_the_last_page_is_full_is_one_page_more_asked_for(listed: Numbered) -> None:
    for total in (0, 1, 49, 99):
        pages = max(1, -(-total // 50))
        answers = [listed.page(n, total, listed.rows[50 * (n - 1) : min(total, 50 * n)]) for n in range(1, pages + 1)]
        done, http = await listed.read(*answers)
        assert (done.error, len(http.asked), done.records()) == (None, pages, listed.rows[:total])


@lists
async def test_what_the_page_after_the_last_holds_may_be_full_too(listed: Numbered) -> None:
    done, _ = await listed.read(listed.page(1, 50), listed.page(2, 50), listed.page(3, 50))
    assert (done.records(), done.sizes) == (listed.rows, [50, 50, 1])
    assert isinstance(done.error, Shifted)


class _Failing(Scripted):
    """A vendor that has no answer for the third request."""

    error: Exception

    async def ask(self, *asked: Any, **more: Any) -> Response:
        if len(self.asked) == 2:
            raise self.error
        return await super().ask(*asked, **more)


@lists
@pytest.mark.parametrize("error", [Unavailable("HTTP 500"), Denied("HTTP 403"), TooLarge("too large")])
async def test_a_failure_that_is_no_answer_to_it_stays_one(listed: Numbered, error: Exception) -> None:
    http = _Failing([listed.page(1, 100), listed.page(2, 100)])
    http.error = error
    done = await read(listed.stream, listed.sweep, http, HOUR)
    assert (done.error, done.sizes) == (error, [50, 50])
    assert [page.end for page in done.pages] == [None] * 2


_LEADS = [{"uuid": f"u{n}"} for n in range(101)]
_CALLS = [{"uuid": f"u{n}", "updated_at": (NOW - timedelta(seconds=n)).isoformat()} for n in range(101)]


def _leads(*rows: Any, total: int = 100) -> Said:
    return trackdrive_pages.leads(*rows, total_count=total)


async def test_a_second_of_trackdrives_leads_is_read_beyond_its_full_last_page() -> None:
    readings = [_leads(*_LEADS[:100]), *[_leads(*_LEADS[:100]), _leads(_LEADS[100])] * 4]
    done = await read(trackdrive_pages.LEADS, "live", Scripted(readings), Window(NOW, NOW))
    assert isinstance(done.error, Shifted)
    assert {lead["uuid"] for lead in done.records()} == {lead["uuid"] for lead in _LEADS}


async def test_where_that_is_refused_the_second_is_read() -> None:
    refused = Said({"status": 422, "errors": {"page": "is too large"}}, status=422)
    readings = [_leads(*_LEADS[:100]), *[_leads(*_LEADS[:100]), refused] * 2]
    done = await read(trackdrive_pages.LEADS, "live", Scripted(readings), Window(NOW, NOW))
    assert (done.error, done.sizes) == (None, [0, 100, 0, 100, 0])
    assert done.end.cursor


@pytest.mark.parametrize("refused", [True, False])
async def test_trackdrives_updated_calls_are_read_beyond_a_full_last_page(refused: bool) -> None:
    beyond = Said({"status": 404}, status=404) if refused else trackdrive_pages.calls(_CALLS[100], total_count=100)
    http = Scripted([trackdrive_pages.calls(*_CALLS[:100], total_count=100), beyond])
    done = await read(trackdrive_pages.CALLS, "updated", http, HOUR)
    assert (done.error, done.sizes) == (None, [100, 0 if refused else 1])
    assert done.end.cursor
