"""How Agendize's sync tokens are followed, got, and replaced."""

from datetime import timedelta

import pytest

from poller.errors import Denied, SourceError, Throttled, TooLarge, Unavailable, Unexpected
from poller.plugin.stream import Cursor, End, Response
from poller.sources.agendize.api import LAG, RESET, SHORT
from tests.sources.agendize_pages import CALL, STREAM, listing, refused, rows
from tests.sources.scripted import HOUR, NOW, Said, Scripted, changed, read

UNTIL = NOW - timedelta(days=3)
KNOWN = Cursor(UNTIL, "old")
RECENT = {"startDate": "2026-03-14T15:30:40Z"}
AGAIN = {"startDate": "2026-03-09T16:30:38Z"}
ANCIENT = changed(CALL, "2019-01-01T00:00:00", "start", "dateTime")
SECOND = timedelta(seconds=1)

GONE = [
    refused(410),
    refused(410, 410),
    refused(400, 400),
    refused(404),
    Said({"error": {"code": "410"}}),
    Said({"statusCode": 410, "message": "x", "fields": []}),
    Said(b"<html>gone</html>", status=410),
    Said(b"", status=404),
    Said({"items": []}, status=400),
    Said({"error": "gone"}, status=410),
    Said({"error": {"code": 17}}, status=410),
]


def test_what_is_assumed() -> None:
    assert (timedelta(hours=1), timedelta(hours=48)) == (SHORT, RESET)


@pytest.mark.covers("agendize", 5, 6, 8)
async def test_with_a_token_only_the_token_is_sent_and_the_next_one_comes_with_the_last_page() -> None:
    http = Scripted([listing(ANCIENT, page="a", sync="no"), listing(CALL, sync="new")])
    done = await read(STREAM, "sync", http, cursor=KNOWN)
    assert http.queries() == [{"syncToken": "old"}, {"syncToken": "old", "pageToken": "a"}]
    assert (done.error, done.sizes) == (None, [1, 1])
    assert done.cursors == [None, Cursor(NOW - LAG, "new")]
    assert [bool(page.end) for page in done.pages] == [False, True]
    assert done.records() == [ANCIENT, CALL]  # a sync brings calls of any age


@pytest.mark.parametrize("token", [None, "", " ", ["x"], {"a": 1}])
@pytest.mark.covers("agendize", 6)
async def test_a_sync_that_ends_without_a_token_keeps_the_old_one(token: object) -> None:
    done = await read(STREAM, "sync", Scripted([Said({"nextSyncToken": token})]), cursor=KNOWN)
    assert (done.error, done.cursors, done.end.unsupported) == (None, [Cursor(NOW - LAG, "old")], None)


async def test_a_sync_without_a_date_moves_nothing() -> None:
    done = await read(STREAM, "sync", Scripted([Said({"nextSyncToken": "n"}, dated=False)]), cursor=KNOWN)
    assert (done.error, done.cursors, bool(done.pages[-1].end)) == (None, [None], True)


@pytest.mark.covers("agendize", 6)
@pytest.mark.parametrize(
    ("second", "kind"),
    [(Said(b"<html>"), Unexpected), (refused(429), Throttled), (refused(401), Denied), (refused(503), Unavailable)],
)
async def test_a_sync_that_breaks_off_keeps_its_token(second: Said, kind: type[SourceError]) -> None:
    done = await read(STREAM, "sync", Scripted([listing(CALL, page="a", sync="new"), second]), cursor=KNOWN)
    assert type(done.error) is kind
    assert done.cursors == [None]


@pytest.mark.parametrize("cursor", [None, Cursor(UNTIL), Cursor(UNTIL, "")])
@pytest.mark.covers("agendize", 7)
async def test_the_first_token_is_that_of_a_short_list(cursor: Cursor | None) -> None:
    http = Scripted([listing(CALL, page="a"), listing(ANCIENT, sync="new")])
    done = await read(STREAM, "sync", http, cursor=cursor)
    assert http.queries() == [RECENT, RECENT | {"pageToken": "a"}]
    assert (done.error, done.records()) == (None, [CALL, ANCIENT])
    assert done.cursors == [None, Cursor(NOW - LAG, "new")]
    assert [bool(page.end) for page in done.pages] == [False, True]


@pytest.mark.covers("agendize", 7, 9)
async def test_else_that_of_the_whole_list_however_round_its_length() -> None:
    http = Scripted([listing(CALL), listing(*rows(100), page="a"), listing(*rows(1000), sync="new")])
    done = await read(STREAM, "sync", http)
    assert http.queries() == [RECENT, {}, {"pageToken": "a"}]
    assert (done.error, done.sizes) == (None, [1, 100, 1000])
    assert done.cursors == [None, None, Cursor(NOW - LAG, "new")]
    assert done.end.unsupported is None


async def test_an_account_without_tokens_is_told_as_such_and_is_no_error() -> None:
    for answer in (listing(), Said({}), listing(CALL)):
        http = Scripted([answer, answer])
        done = await read(STREAM, "sync", http)
        assert http.queries() == [RECENT, {}]
        assert done.error is None
        assert done.end == End(unsupported="no list comes with a sync token")
        assert sum(page.end is not None for page in done.pages) == 1
        assert len(done.records()) == 2 * (b"418812" in repr(answer.body).encode())


class Huge(Scripted):
    """Whose list of all calls is beyond the limit."""

    async def ask(self, path, query, *, body=None, accept=(200,)) -> Response:  # type: ignore[no-untyped-def]
        response = await super().ask(path, query, body=body, accept=accept)
        if not query:
            raise TooLarge("the body is larger than 64 MiB")
        return response


async def test_a_whole_list_that_is_too_large_leaves_the_sweep_off_and_says_so() -> None:
    done = await read(STREAM, "sync", Huge([listing(CALL), listing()]))
    assert done.error is None
    assert done.records() == [CALL]
    why = "a list that may come with a sync token cannot be read: the body is larger than 64 MiB"
    assert done.end == End(unsupported=why)


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.covers("agendize", 7)
async def test_an_expired_token_is_replaced_first_then_what_neither_tells_of_is_read(gone: Said) -> None:
    http = Scripted([gone, listing(CALL, sync="new"), listing(CALL, page="p"), listing(CALL, sync="other")])
    done = await read(STREAM, "sync", http, cursor=KNOWN)
    assert http.queries() == [{"syncToken": "old"}, RECENT, AGAIN, AGAIN | {"pageToken": "p"}]
    assert done.error is None
    assert done.records() == [CALL] * 3
    assert done.cursors == [None, None, Cursor(NOW + SECOND - LAG, "new")]  # the first answer that is one
    assert [bool(page.end) for page in done.pages] == [False, False, True]


@pytest.mark.covers("agendize", 7)
async def test_a_token_may_expire_between_two_pages_and_the_new_one_come_with_the_whole_list() -> None:
    http = Scripted([listing(CALL, page="a"), refused(410), listing(), listing(ANCIENT, sync="new"), listing()])
    done = await read(STREAM, "sync", http, cursor=KNOWN)
    assert http.queries() == [{"syncToken": "old"}, {"syncToken": "old", "pageToken": "a"}, RECENT, {}, AGAIN]
    assert (done.error, done.records()) == (None, [CALL, ANCIENT])
    assert [page.begins_anew for page in done.pages] == [False, True, True, False], "its first lists are old news"
    assert done.cursors[:-1] == [None] * 3
    assert done.cursors[-1] == Cursor(NOW + 2 * SECOND - LAG, "new")


async def test_where_no_new_token_comes_the_range_is_read_all_the_same() -> None:
    http = Scripted([refused(410), listing(), listing(), listing(CALL)])
    done = await read(STREAM, "sync", http, cursor=KNOWN)
    assert http.queries()[-1] == AGAIN
    assert (done.error, done.records()) == (None, [CALL])
    assert done.end == End(unsupported="no list comes with a sync token")
    assert not any(page.end for page in done.pages[:-1])


@pytest.mark.covers("agendize", 3, 7)
async def test_a_reset_that_breaks_off_keeps_the_old_token() -> None:
    for broken in (Said(b"<html>"), listing(ANCIENT, ANCIENT)):
        done = await read(STREAM, "sync", Scripted([refused(410), listing(sync="new"), broken]), cursor=KNOWN)
        assert isinstance(done.error, Unexpected)
        assert set(done.cursors) == {None}
        assert not any(page.end for page in done.pages)


async def test_where_even_a_plain_list_is_gone_that_is_an_error() -> None:
    for cursor in (None, KNOWN):
        script = [refused(404, 404)] * (1 if cursor is None else 2)
        done = await read(STREAM, "sync", Scripted(script), HOUR, cursor)
        assert isinstance(done.error, Unexpected)
        assert done.pages == []
