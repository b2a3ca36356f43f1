"""Times of a request are a granule wider than the window; times of a record are read however they are spelt."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from poller.plugin.fields.any_time import read_any_time
from poller.plugin.stream import Window
from poller.sources.rest.written_times import time_format
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import Said, Scripted

AT = datetime(2026, 3, 14, 9, 15, 42, 500_000, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("", "2026-03-14T09:15:41Z", "2026-03-14T09:15:44Z"),
        ("epoch_s", 1773479741, 1773479744),
        ("epoch_ms", 1773479742499, 1773479742501),
        ("%Y-%m-%d", "2026-03-13", "2026-03-16"),
        ("%Y-%m-%d %H:%M", "2026-03-14 10:14", "2026-03-14 10:17"),
        ("%d.%m.%Y %H:%M:%S", "14.03.2026 10:15:41", "14.03.2026 10:15:44"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-14T10:15:41+0100", "2026-03-14T10:15:44+0100"),
    ],
)
def test_one_granule_more_is_asked_for_on_both_sides(text: str, start: object, end: object) -> None:
    spelling = time_format(text)
    assert (spelling.start(AT, BERLIN), spelling.end(AT, BERLIN)) == (start, end)


def test_an_end_that_is_exact_is_only_cut_down() -> None:
    assert time_format("").exact(AT, UTC) == "2026-03-14T09:15:42Z"
    assert time_format("epoch_s").exact(AT, UTC) == 1773479742


@pytest.mark.parametrize(
    ("text", "moment", "until"),
    [
        ("", "2026-03-14T09:15:42.5Z", "2026-03-14T09:15:42Z"),
        ("epoch_ms", "2026-03-14T09:15:42.5Z", "2026-03-14T09:15:42.5Z"),
        ("%Y-%m-%d %H:%M", "2026-03-14T09:15:42.5Z", "2026-03-14T09:15:00Z"),
        ("%Y-%m-%dT%H%z", "2026-03-14T09:15:42.5Z", "2026-03-14T09:00:00Z"),
        ("%Y-%m-%d", "2026-03-14T23:30:00Z", "2026-03-14T23:00:00Z"),
        ("%Y-%m-%d %H:%M", "2026-10-25T01:30:10Z", "2026-10-25T00:30:00Z"),  # 2:30 in Berlin, the second time
    ],
)
def test_an_exact_end_reaches_no_further_than_its_text_can_mean(text: str, moment: str, until: str) -> None:
    spelling, at = time_format(text), datetime.fromisoformat(moment)
    assert spelling.reaches(at, BERLIN) == datetime.fromisoformat(until)
    assert "%z" not in text or str(spelling.exact(at, BERLIN)).endswith("T10+0100")


@pytest.mark.parametrize("minutes", range(0, 180, 7))
def test_where_clocks_are_put_back_no_time_of_the_window_is_left_out(minutes: int) -> None:
    """Whatever a clock showed from start to end lies between the two texts, which sort as times do."""
    spelling = time_format("%Y-%m-%d %H:%M")
    start = datetime(2026, 11, 1, 5, 0, tzinfo=UTC) + timedelta(minutes=minutes)  # clocks go back at 6:00 UTC
    end = start + timedelta(minutes=20)
    asked = spelling.start(start, NEW_YORK), spelling.end(end, NEW_YORK)
    for second in range(0, 1201, 60):
        shown = (start + timedelta(seconds=second)).astimezone(NEW_YORK)
        assert str(asked[0]) <= f"{shown:%Y-%m-%d %H:%M}" <= str(asked[1])


@pytest.mark.parametrize("text", ["%H:%M", "%Y", "%Q", "yyyy-mm-dd", "%s"])
def test_a_format_that_shows_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no format of a time"):
        time_format(text)


@pytest.mark.parametrize(
    "spelt",
    [
        "2026-03-14T09:15:42.5Z", "2026-03-14T10:15:42.5+01:00", "2026-03-14 09:15:42.5 UTC", 1773479742.5,
        "1773479742.5",
        1773479742500, "1773479742500", "2026-03-14T10:15:42.500",
        "/Date(1773479742500)/", "/Date(1773479742500+0100)/",
    ],
)  # fmt: skip
def test_a_time_is_read_in_any_spelling(spelt: object) -> None:
    assert read_any_time(spelt, BERLIN) == AT


@pytest.mark.parametrize("spelt", ["Sat, 14 Mar 2026 09:15:42 +0000", "14 Mar 2026 10:15:42 +0100", 1773479742])
def test_a_time_in_whole_seconds_is_read_too(spelt: object) -> None:
    assert read_any_time(spelt) == AT.replace(microsecond=0)


@pytest.mark.parametrize(
    "spelt", ["", "yesterday", "2026-03-14T10:15:42", True, 0, -5, None, [], "14 Mar", 1e300, "9" * 16, "/Date(0)/"]
)
def test_what_is_no_time_is_none(spelt: object) -> None:
    assert read_any_time(spelt) is None


@pytest.mark.parametrize("minutes", range(-30, 180, 15))
async def test_where_clocks_are_put_back_rows_of_the_other_hour_are_no_filter_that_was_lost(minutes: int) -> None:
    spelt, start = "%Y-%m-%d %H:%M", datetime(2026, 11, 1, 5, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    end = start + timedelta(minutes=20)
    since, until = time_format(spelt).start(start, NEW_YORK), time_format(spelt).end(end, NEW_YORK)
    instants = [start + timedelta(minutes=5 * step) for step in range(-60, 60)]
    listed = [at for at in instants if str(since) <= f"{at.astimezone(NEW_YORK):{spelt}}" <= str(until)]
    rows = [ticket(number, f"{at:%Y-%m-%dT%H:%M:%SZ}") for number, at in enumerate(listed)]
    params = {"since": f"{{start:{spelt}}}", "until": f"{{end:{spelt}}}", "limit": 500}
    stream = stream_of({"kind": "ticket", "params": params, "window_field": "updated_at", "timezone": str(NEW_YORK)})
    ranges, http = stream.sweeps[0].ranges, Scripted([Said({"tickets": rows})])
    assert ranges
    pages = [page async for page in ranges.fetch(http, None, Window(start, end))]
    assert [len(page.records) for page in pages] == [len(listed)]
