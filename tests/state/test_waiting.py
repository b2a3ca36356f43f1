"""What a crash may lose is saved a little later, together with what others have to save; nothing else waits.

Killed: a commit for every poll that brought nothing; a change that waits and is never saved, or comes after a newer one
of its stream; a baseline, a gap, a failure or a named record that waits; a draft that shares what changes in place.
"""

import copy
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from poller.plugin.stream import Cursor
from poller.state.checkpoint import Announced, Backfill, Checkpoint, Gap, LastPass, Rate, SweepState, only_moves_on
from poller.state.ledger import Change
from poller.state.rows import CHECKPOINT
from poller.state.sqlite.database import Database
from tests.state.ledgers import LEDGERS, Ledger, Place, Sink, change, checkpoint
from tests.support.toy import NOON

A, B, C = "acme/calls", "acme/leads", "crm/calls"
Start = Callable[[Place], Any]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, [Sink("files")])


@pytest.fixture(params=LEDGERS)
def start(request: pytest.FixtureRequest) -> Start:
    """Start a process with this ledger; to leave it is to be killed."""
    return LEDGERS[request.param]


def later(stream: str, minutes: int) -> Change:
    return Change(stream, checkpoint(minutes), may_wait=True)


async def polled(start: Start, place: Place, *changes: Change | str) -> list[int]:
    """Live with these commits, and die; return the minutes that the next start finds of each stream."""
    async with start(place) as (ledger, _):
        for stream in (A, B, C):
            await ledger.restore(stream, None)
        await ledger.commit(later(C, 99))  # after a pause one is saved at once
        for one in changes:
            await (ledger.flush() if isinstance(one, str) else ledger.commit(one))
    async with start(place) as (ledger, _):
        return [await saved(ledger, stream) for stream in (A, B)]


async def saved(ledger: Ledger, stream: str) -> int:
    found = (await ledger.restore(stream, None)).checkpoint
    cursor = found.sweeps["live"].cursor if found else None
    return (cursor.until - NOON) // timedelta(minutes=1) if cursor else -1


async def test_what_may_wait_waits(start: Start, place: Place) -> None:
    assert await polled(start, place, later(A, 1), later(B, 1)) == [-1, -1]


async def test_it_is_saved_with_the_next_commit(start: Start, place: Place) -> None:
    assert await polled(start, place, later(A, 1), later(A, 2), change(B, 3)) == [2, 3]


async def test_it_is_saved_by_a_flush(start: Start, place: Place) -> None:
    assert await polled(start, place, later(A, 1), later(B, 2), "flush", later(B, 3)) == [1, 2]


async def test_it_never_comes_after_something_newer(start: Start, place: Place) -> None:
    assert await polled(start, place, later(A, 1), change(A, 2, "x"), "flush", change(B, 1)) == [2, 1]


async def test_those_that_wait_share_one_transaction(
    start: Start, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = list[list[str]]()
    write = Database.write

    def counted(database: Database, rows: Any, chunks: Any = ()) -> None:
        if checkpoints := CHECKPOINT.names(rows):
            writes.append(checkpoints)
        write(database, rows, chunks)

    monkeypatch.setattr(Database, "write", counted)
    await polled(start, place, later(A, 1), later(B, 2), "flush", "flush")
    assert writes == [[C], [A, B]]


LATER = NOON + timedelta(minutes=1)
GAP = Gap("live", NOON, LATER, "broken", LATER)
BEFORE = Checkpoint(
    NOON,
    NOON,
    {
        "live": SweepState(
            Cursor(NOON), NOON, NOON, complete=True, last_success=NOON, to_fetch={"1": NOON}, members={"2": 1}
        )
    },
    [GAP],
)
MOVES_ON: dict[str, Any] = {
    "cursor": Cursor(LATER), "due": LATER, "last_success": LATER, "last_pass": LastPass(NOON, LATER, 1, 2, 0),
}  # fmt: skip
OF_THE_SWEEP: dict[str, Any] = MOVES_ON | {
    "origin": LATER, "complete": False, "last_error": "HTTP 500", "shifts": 1, "last_density": 2.5,
    "to_fetch": {}, "fetched": {"1": LATER}, "members": {"2": 2}, "found_ages": {"late": (1,)},
}  # fmt: skip
OF_THE_STREAM: dict[str, Any] = {
    "started": LATER, "start": None, "sweeps": {}, "gaps": [], "suspect": LATER,
    "backfill": Backfill(("2026-01-01", "now"), NOON, LATER, NOON, 60.0, NOON), "facts": ("paged",),
    "announced": Announced(NOON, None, 0, NOON), "identity": "id (item)", "compared": ("[[],[]]",),
    "rate": Rate(NOON, NOON, (0,) * 6, bytes(168), NOON),
}  # fmt: skip


@pytest.mark.parametrize("field", OF_THE_SWEEP)
def test_of_a_sweep_only_its_way_may_wait(field: str) -> None:
    after = BEFORE.draft()
    setattr(after.sweeps["live"], field, OF_THE_SWEEP[field])
    assert after != BEFORE
    assert only_moves_on(BEFORE, after) is (field in MOVES_ON)


@pytest.mark.parametrize("field", OF_THE_STREAM)
def test_of_a_stream_little_else_may(field: str) -> None:
    after = BEFORE.draft()
    setattr(after, field, OF_THE_STREAM[field])
    assert after != BEFORE
    assert only_moves_on(BEFORE, after) is (field == "rate"), "that hours pass without records is learned again"


def test_each_field_is_asked_for() -> None:
    assert OF_THE_SWEEP.keys() == set(SweepState.__struct_fields__)
    assert OF_THE_STREAM.keys() == set(Checkpoint.__struct_fields__)


def test_the_first_cursor_and_a_new_token_do_not_wait() -> None:
    first, token = BEFORE.draft(), BEFORE.draft()
    first.sweeps["live"].cursor = None
    token.sweeps["live"].cursor = Cursor(LATER, "token")
    assert not only_moves_on(first, BEFORE)
    assert not only_moves_on(BEFORE, token)


def test_what_is_done_to_a_draft_leaves_the_checkpoint_alone() -> None:
    kept = copy.deepcopy(BEFORE)
    draft = BEFORE.draft()
    assert draft == kept
    state = draft.sweeps["live"]
    state.to_fetch.clear()
    state.fetched["9"] = NOON
    state.members["9"] = 1
    state.found_ages["late"] = (1,)
    for field, value in MOVES_ON.items():
        setattr(state, field, value)
    draft.sweeps["audit"] = SweepState()
    draft.gaps.remove(GAP)
    assert kept == BEFORE
    containers = [kind for kind in msgspec.structs.fields(SweepState) if "dict" in str(kind.type)]
    assert {kind.name for kind in containers} == {"to_fetch", "fetched", "members", "found_ages"}, (
        "each of them is copied"
    )
