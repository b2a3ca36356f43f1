"""Callcap's list moves while it is read: what a complete pass promises to have covered had been on one of its pages.

What no client can tell is left out: a call that leaves, and one that begins too late for its place, both between the
same two answers (docs/assumptions.md).

Killed: a pass that does not compare its pages; repetitions that are held against what entered at other times, or
against what is met at the end of the list.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest

from poller.plugin.stream import Window
from poller.sources.callcap import Callcap
from tests.laws.living import BEGAN, SIZE, Living, Row
from tests.sources.callcap_pages import listing
from tests.sources.scripted import NOW, Pass, read
from tests.sources.settings import CALLCAP

(CALLS,) = Callcap.model_validate(CALLCAP).build_streams()
ARIZONA = timezone(timedelta(hours=-7))
SEEDS = range(60)
DOUBTFUL = [("ties",), ("new", "ties"), ("new", "edit", "ties"), ("edit", "delete"), ("new", "edit", "replica")]


def show(query: Mapping[str, str], rows: Sequence[Row]) -> Any:
    """Answer as Callcap does, oldest first."""
    since = datetime.fromisoformat(query.get("search_last_modified_start", "2000-01-01 00:00") + ":00-07:00")
    found = [row for row in rows if since <= row.modified]
    found.sort(key=lambda row: row.made)
    number = int(query["page"])
    shown = found[SIZE * (number - 1) : SIZE * number]
    return listing([_call(row) for row in shown], page=number, total=len(found), show=SIZE)


def _call(row: Row) -> dict[str, str]:
    made, modified = (f"{at.astimezone(ARIZONA):%Y-%m-%d %H:%M:%S}" for at in (row.made, row.modified))
    return {"call_id": str(row.name), "start_datetime": made, "last_modified": modified}


async def missed(sweep: str, moves: Sequence[str], seed: int) -> set[str] | None:
    """Return what a complete pass missed of what was there all the time; None where it moves no cursor."""
    living = Living(show, Random(seed), moves)
    done = await read(CALLS, sweep, living, Window(BEGAN, NOW))
    cursor = done.cursors[-1] if done.error is None else None
    if cursor is None:
        return None
    return {str(row.name) for row in living.steady if row.modified <= cursor.until} - ids(done)


def ids(done: Pass) -> set[str]:
    return {record["call_id"] for record in done.records()}


@pytest.mark.parametrize("sweep", ["live", "audit"])
async def test_what_enters_a_list_while_it_is_read_makes_no_pass_doubtful(sweep: str) -> None:
    assert [seed for seed in SEEDS if await missed(sweep, ("new", "edit"), seed) != set()] == []


@pytest.mark.parametrize("moves", DOUBTFUL)
@pytest.mark.parametrize("sweep", ["live", "audit"])
@pytest.mark.covers("callcap", 16)
async def test_a_complete_pass_missed_nothing_that_was_there_all_the_time(sweep: str, moves: Sequence[str]) -> None:
    found = [await missed(sweep, moves, seed) for seed in SEEDS]
    assert [seed for seed, lost in enumerate(found) if lost] == []
    assert set() in found
    assert None in found
