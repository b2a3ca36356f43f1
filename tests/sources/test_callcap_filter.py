"""Whether Callcap applied the filter is seen by the times of its rows, for each sweep by the column it is about.

Killed: a check by another column, or by none; a slice without an end, or with one that leaves its last minute out.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Window
from tests.sources.callcap_pages import CALL, listing
from tests.sources.scripted import NOW, Said, Scripted, read
from tests.sources.test_callcap_asking import STREAM

SWEEPS = [("live", "last_modified"), ("audit", "start_datetime")]


def calls(column: str, old: int) -> list[dict[str, Any]]:
    """Ten calls, so many of which lie long before what was asked for, by this column."""
    return [{**CALL, "call_id": f"c{n}"} | ({column: "2025-01-02 03:04:05"} if n < old else {}) for n in range(10)]


@pytest.mark.parametrize(("sweep", "column"), SWEEPS)
async def test_where_most_rows_lie_outside_nothing_is_delivered(sweep: str, column: str) -> None:
    done = await read(STREAM, sweep, Scripted([Said(listing(calls(column, 9)))]))
    assert isinstance(done.error, Unexpected)
    assert "since then" in str(done.error)
    assert done.pages == []


@pytest.mark.parametrize(("sweep", "column"), SWEEPS)
async def test_where_some_rows_lie_outside_all_are_delivered_and_no_cursor_moves(sweep: str, column: str) -> None:
    done = await read(STREAM, sweep, Scripted([Said(listing(calls(column, 2)))]))
    assert isinstance(done.error, Shifted)
    assert len(done.records()) == 10
    assert not any(page.end for page in done.pages)
    assert (await read(STREAM, sweep, Scripted([Said(listing(calls(column, 0)))]))).end.cursor


async def test_a_slice_is_asked_for_by_modification_up_to_its_end_which_is_part_of_it() -> None:
    [live] = [sweep for sweep in STREAM.sweeps if sweep.name == "live"]
    assert live.ranges is not None
    sliced = replace(STREAM, sweeps=(replace(live, fetch=live.ranges.fetch),))
    http, hour = Scripted([Said(listing([CALL]))]), timedelta(hours=1)
    await read(sliced, "live", http, Window(NOW - 2 * hour, NOW - hour))
    [query] = http.queries()
    assert query["search_last_modified_start"] == "2026-03-14 07:30"
    assert query["search_last_modified_end"] > "2026-03-14 08:30"
    assert query["search_startdate"] == "2000-01-01"
    done = await read(sliced, "live", Scripted([Said(listing(calls("last_modified", 9)))]))
    assert isinstance(done.error, Unexpected)
