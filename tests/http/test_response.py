"""Which error a status is, and how long the vendor asks us to wait; whatever else it writes into a header.

Killed: 503 or 477 with Retry-After taken as Unavailable or Unexpected; a source that waits because a path is wrong; a
date read by our clock; 425 or 3xx in the wrong class; a negative wait; an answer out of a cache taken for a new one;
headers that are no number and no date and raise.
"""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poller.errors import Denied, Lasting, SourceError, Throttled, Unavailable, Unexpected
from poller.http.response import RawResponse, error_of, read_http_date, read_retry_after
from tests.http.wire import NOON

STATUSES = {
    Denied: {401, 403},
    Throttled: {429},
    Unavailable: {408, 425, *range(500, 600)},
    Unexpected: {201, 202, 204, 206, *range(300, 309), 409, 418},
    Lasting: {400, 402, 404, 405, 406, 410, 414, 422, 451},
}
FORMS = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]


def refused(status: int, now: datetime = NOON, **headers: str) -> SourceError:
    named = [(name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in headers.items()]
    return error_of(RawResponse(status, b"a body of the vendor's", httpx.Headers(named)), now)


@pytest.mark.parametrize(
    ("error", "status"), [(error, status) for error, all_of in STATUSES.items() for status in all_of]
)
def test_each_status_is_named_after_what_to_do(error: type[SourceError], status: int) -> None:
    found = refused(status)
    assert type(found) is error
    assert str(status) in str(found)
    assert "body" not in str(found), "nothing that came from a vendor is shown"


@pytest.mark.parametrize("status", [200, 201, 302, 400, 404, 409, 410, 422, 477, 499])
def test_what_is_wrong_with_the_request_lasts_and_what_nobody_knows_may_pass(status: int) -> None:
    found = refused(status)
    assert isinstance(found, Unexpected)
    assert isinstance(found, Lasting) == (status in {400, 404, 410, 422})


@pytest.mark.parametrize("status", [202, 408, 409, 413, 425, 429, 477, 499, 500, 502, 503, 504, 529, 599])
def test_whoever_says_how_long_asks_for_patience_whatever_the_status(status: int) -> None:
    found = refused(status, retry_after="7")
    assert isinstance(found, Throttled)
    assert (found.retry_after, str(found)) == (7, f"HTTP {status}")
    assert type(refused(status, retry_after="soon")) is type(refused(status))


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 407, 410, 422])
def test_but_not_where_a_credential_a_proxy_or_a_redirect_says_so_nor_where_no_wait_mends_it(status: int) -> None:
    found = refused(status, retry_after="7")
    assert type(found) is type(refused(status))
    assert not isinstance(found, Throttled)


def test_a_429_that_does_not_say_how_long() -> None:
    found = refused(429)
    assert isinstance(found, Throttled)
    assert found.retry_after is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ours", [NOON, NOON + timedelta(days=3), NOON - timedelta(hours=2)])
def test_a_date_is_read_by_the_vendors_own_clock(form: str, ours: datetime) -> None:
    """Three forms of a date (RFC 9110 §5.6.7); how wrong our clock is does not matter."""
    later = NOON + timedelta(seconds=90)
    found = refused(429, ours, date=NOON.strftime(FORMS[0]), retry_after=later.strftime(form))
    assert isinstance(found, Throttled)
    assert found.retry_after == 90


def test_without_a_date_of_the_vendors_ours_has_to_do() -> None:
    found = refused(429, NOON, retry_after=(NOON + timedelta(seconds=90)).strftime(FORMS[0]))
    assert isinstance(found, Throttled)
    assert found.retry_after == 90


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("31536000", "365 d"),
        ("86401", "1 d"),
        ("Sun, 14 Mar 2027 12:00:00 GMT", "365 d"),
        ("9" * 400, "more than a year"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "more than a year"),
    ],
)
def test_a_wait_of_a_year_is_cut_to_a_day_and_told(status: int, asked: str, words: str) -> None:
    found = refused(status, retry_after=asked)
    assert isinstance(found, Throttled)
    assert found.retry_after == 86_400
    told = f"HTTP {status}: the vendor asks to wait {words} (Retry-After), which is cut to a day"
    assert str(found) == told


def test_a_day_is_not_cut() -> None:
    found = refused(429, retry_after="86400")
    assert isinstance(found, Throttled)
    assert (found.retry_after, str(found)) == (86_400, "HTTP 429")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 12 ", 12),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("Fri, 13 Mar 2026 12:00:00 GMT", 0),
        ("9" * 400, float("inf")),
        ("9" * 5000, float("inf")),
        ("\u00b2", None),
        ("Tue, 15 Nov 1994 08:12:31 +99999999999999999999", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("Tue, 15 Nov 99999999999999 08:12:31 GMT", None),
    ],
)
def test_a_wait_is_never_negative_and_garbage_is_none(text: str | None, seconds: float | None) -> None:
    assert read_retry_after(text, NOON) == seconds


def test_a_date_without_a_zone_is_utc() -> None:
    assert read_http_date("Sun Nov  6 08:49:37 1994") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert read_http_date("Sun, 06 Nov 1994 09:49:37 +0100") == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert read_http_date("yesterday") is None


@pytest.mark.parametrize(
    ("age", "seconds"),
    [("300", 300), (" 0 ", 0), ("", 0), ("-5", 0), ("1.5", 0), ("soon", 0), ("9" * 8, 99_999_999), ("9" * 9, 0)],
)
def test_an_answer_out_of_a_cache_is_as_old_as_it_says(age: str, seconds: int) -> None:
    headers = {"Date": NOON.strftime(FORMS[0]), "Age": age}
    found = RawResponse(200, b"", httpx.Headers(headers))
    assert (found.as_of, found.date) == (NOON - timedelta(seconds=seconds), NOON)
    assert RawResponse(200, b"", httpx.Headers({"Age": age})).as_of is None
    assert RawResponse(200, b"", httpx.Headers({"Date": "Mon, 01 Jan 0001 00:00:00 GMT", "Age": age})).as_of


PIECES = st.sampled_from(
    ["Sun", ",", " ", "06", "Nov", "1994", "99999999999999999999", ":", "-", "+", "GMT", "\xb2", "0"]
)


@settings(deadline=None)
@given(
    st.one_of(st.text(st.characters(max_codepoint=255)), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join))
)
@example("Fri, 31 Dec 9999 23:59:59 -1400")
@example("0\x1f")
def test_no_header_breaks_the_reading_of_an_answer(text: str) -> None:
    found = refused(429, date=text, retry_after=text)
    assert isinstance(found, Throttled)
    assert found.retry_after is None or found.retry_after >= 0
