"""`poller check` tells what is doubtful about the times that a list is asked for by.

Killed: a filter in another zone than the records show, and one that finds no edits, of which nothing was said.
"""

from typing import Any

import pytest

from tests.sources.rest.described import ticket
from tests.sources.rest.test_survey import looked

MINUTES = {"params": {"since": "{start:%Y-%m-%d %H:%M}"}}
WINTER, SUMMER = "2026-02-14T11:00:00.123-0500", "2026-03-14T12:00:00-04:00"


@pytest.mark.parametrize(
    ("stream", "times", "offsets"),
    [
        ({**MINUTES, "timezone": "UTC"}, [WINTER, SUMMER], "-0500, -04:00"),
        ({**MINUTES, "timezone": "Europe/Berlin"}, [SUMMER, "2026-03-14T16:00:00Z"], "-04:00"),
        ({**MINUTES, "timezone": "Europe/Berlin"}, ["Sat, 14 Mar 2026 12:00:00 -0400"], "-0400"),
        ({**MINUTES, "timezone": "America/New_York"}, [WINTER, SUMMER], None),
        ({**MINUTES, "timezone": "Europe/Berlin"}, ["2026-03-14T17:00:00+01:00", SUMMER], None),
        ({**MINUTES, "timezone": "Europe/Berlin"}, ["2026-03-14T16:00:00Z", "2026-03-14T16:00:00.000+0000"], None),
        ({"params": {"since": "{start:%Y-%m-%d}"}, "timezone": "UTC"}, [SUMMER], None),
        ({"params": {"since": "{start:%Y-%m-%d %H:%M%z}"}, "timezone": "UTC"}, [SUMMER], None),
        ({"params": {"since": "{start}"}, "timezone": "UTC"}, [SUMMER], None),
    ],
)
async def test_a_zone_that_no_record_shows_is_told(
    stream: dict[str, Any], times: list[str], offsets: str | None
) -> None:
    rows = [ticket(number, time) for number, time in enumerate(times)]
    (*told,) = (
        words for words in (await looked(stream, {"tickets": rows})).warnings if words.startswith("records carry")
    )
    zone = stream["timezone"]
    words = f"records carry {offsets}, and {{start}} is written in {zone} without an offset: is `timezone` right?"
    assert told == ([words] if offsets else [])


AS_FAR = "is 1h old, and Europe/Berlin is as far ahead of UTC: does the vendor show UTC? Then set `timezone: UTC`"


@pytest.mark.parametrize(
    ("zone", "newest", "words"),
    [
        ("Europe/Berlin", "2026-03-14 16:29", AS_FAR),
        ("America/New_York", "2026-03-14 16:29", "lies about 4h in the future: is `timezone` right?"),
        ("UTC", "2026-03-14 17:29", "lies about 1h in the future: is `timezone` right?"),
        ("Europe/Berlin", "2026-03-14 17:29", None),
        ("Europe/Berlin", "2026-03-14 15:29", None),
        ("UTC", "2026-03-14 16:29", None),
        ("America/New_York", "2026-03-14T16:29:00Z", None),
    ],
)
async def test_a_newest_stamp_that_is_off_as_a_zone_is_is_told(zone: str, newest: str, words: str | None) -> None:
    """In a zone that is ahead of the vendor's, each window began after the newest records, and stayed empty."""
    rows = [ticket(1, "2026-03-13 09:00"), ticket(2, newest)]
    found = await looked({**MINUTES, "timezone": zone}, {"tickets": rows})
    told = [words for words in found.warnings if "newest" in words]
    assert told == ([f"the newest updated_at {words}"] if words else [])


WHOLE = {"full": {"every": "1h", "params": {"since": None}, "window_field": None}}
LIVE = {"live": {"every": "1m", "lookback": "90m"}}
CREATED = "created_at"


@pytest.mark.parametrize(
    ("stream", "by"),
    [
        ({"window_field": CREATED}, CREATED),
        ({"params": {"created_after": "{start}"}}, "created_after"),
        ({"params": {"q": 'created >= "{start:%Y-%m-%d %H:%M}"'}, "timezone": "UTC"}, "created"),
        ({"window_field": CREATED, "modified": None}, None),
        ({"window_field": CREATED, "modified": "touched"}, None),  # which no record has: that is told by itself
        ({"window_field": "updated_at"}, None),
        ({"window_field": "generated"}, None),  # that may move with edits, too
        ({"params": {"since": "{start}"}}, None),
        ({"params": {"q": 'project = "creation" AND updated >= {start}'}}, None),
    ],
)
async def test_edits_that_no_sweep_looks_for_are_told(stream: dict[str, Any], by: str | None) -> None:
    rows = [ticket(1) | {"generated": "2026-03-14T16:00:00Z"}]
    found = await looked({**stream, "sweeps": LIVE}, {"tickets": rows})
    told = [words for words in found.warnings if words.startswith("all sweeps ask by")]
    words = f"all sweeps ask by {by}, and updated_at moves with edits: of records older than they look back (live 90m)"
    assert told == ([f"{words} no edit is seen; can the vendor filter by it?"] if by else [])


async def test_a_sweep_that_reads_all_or_asks_by_modification_sees_edits() -> None:
    for other in (WHOLE, {"audit": {"every": "24h", "lookback": "3d", "window_field": "updated_at"}}):
        stream = {"window_field": CREATED, "sweeps": LIVE | other}
        found = await looked(stream, *[{"tickets": [ticket(1)]}] * 2)
        assert found.warnings == ()
