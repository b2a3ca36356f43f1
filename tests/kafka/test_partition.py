"""A partition of the state beside a log in memory: what is committed is what is read again, and a failure is for good.

Killed: a chunk that nobody put into `seen` and that is let go; doubts that are cleared by another's commit; old chunks
that go before the new ones are written; a commit after one of which nobody knows.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import msgspec
import pytest

from poller.events import buckets
from poller.events.batch import Batch, SeenUpdate
from poller.events.buckets import ITEM
from poller.events.seen import Seen, key_of
from poller.state.delivery import Delivery
from poller.state.kafka import contents, partition
from poller.state.kafka.contents import Contents
from poller.state.kafka.partition import Partition
from poller.state.ledger import Change, OwnershipLost
from poller.telemetry import Telemetry
from tests.kafka.log import Claimed
from tests.state.ledgers import Sink, change, checkpoint, entry
from tests.support.toy import NOON

A, B = "acme/calls", "acme/leads"
DAY = timedelta(days=1)


@pytest.fixture
async def alone() -> AsyncIterator[Claimed]:
    async with Delivery({}, Telemetry()) as delivery:
        yield Claimed(delivery)


def noted(stream: str, minutes: int, *names: str) -> Change:
    return Change(stream, checkpoint(minutes), Batch(seen=SeenUpdate({key_of(name): entry(minutes) for name in names})))


async def known(held: Partition, stream: str, *names: str) -> tuple[Any, dict[str, int]]:
    found = await held.restore(stream, None)
    seen = {name: one.revision for name in names if (one := found.seen.get(key_of(name), NOON.timestamp()))}
    return found.checkpoint, seen


async def test_what_is_committed_is_what_the_next_owner_reads(alone: Claimed) -> None:
    held = alone.held
    for stream in (A, B):
        assert await known(held, stream) == (None, {})
    assert not held.committed
    await held.commit(noted(A, 1, "x", "y"))
    await held.commit(noted(B, 2, "x"))
    await held.commit(noted(A, 3, "y"))
    assert held.committed
    for again in (held, alone.claim()):
        assert await known(again, A, "x", "y", "z") == (checkpoint(3), {"x": 1, "y": 3})
        assert await known(again, B, "x", "y") == (checkpoint(2), {"x": 2})


async def test_many_entries_of_one_commit_are_several_chunks(alone: Claimed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_PIECE", 2)
    await alone.held.restore(A, None)
    await alone.held.commit(noted(A, 1, *"vwxyz"))
    found = Contents()
    found.put(alone.log.written[-1])
    assert [chunk.size // 42 for chunk in found.chunks(A)] == [2, 2, 1]
    assert {chunk.at for chunk in found.chunks(A)} == {int(NOON.timestamp())}
    assert (await known(alone.claim(), A, *"vwxyz"))[1] == dict.fromkeys("vwxyz", 1)


@pytest.mark.parametrize(("when", "holds"), [("before", 1), ("after", 2)])
async def test_a_commit_that_fails_ends_it_and_the_log_says_what_holds(alone: Claimed, when: str, holds: int) -> None:
    held = alone.held
    await held.restore(A, None)
    await held.commit(noted(A, 1, "x"))
    setattr(alone.log, when, 1 if when == "before" else 2)
    with pytest.raises(OwnershipLost, match="nobody knows whether the commit holds"):
        await held.commit(noted(A, 2, "x"))
    setattr(alone.log, when, None)
    assert held.lost.is_set()
    held.lose("later")
    for refused in (held.commit(noted(A, 3, "x")), held.restore(A, None), held.save({})):
        with pytest.raises(OwnershipLost, match=held.why):
            await refused
    with pytest.raises(OwnershipLost, match=r"^(away|no answer)$"):
        held.get("x")
    assert await known(alone.claim(), A, "x") == (checkpoint(holds), {"x": holds})


async def test_a_stream_that_was_not_restored_here_commits_nothing(alone: Claimed) -> None:
    for refused in (alone.held.commit(noted(A, 1, "x")), alone.held.tidy(A, Seen(None), 0.0)):
        with pytest.raises(OwnershipLost, match=f"{A} is to be restored anew"):
            await refused
    assert not alone.log.written


async def test_a_restore_that_is_given_up_loses_nothing_and_keeps_so_long_as_the_next_one_says(
    alone: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_PART", 100)  # laid out at once, in many steps
    many = [f"{number}" for number in range(300)]
    await alone.held.restore(A, None)
    for number in range(3):
        await alone.held.commit(noted(A, number, *many[number * 100 :]))
    held = alone.claim()
    with anyio.move_on_after(0) as given_up:
        await held.restore(A, None)
    assert given_up.cancelled_caught
    assert (await held.restore(A, 60.0)).seen.keep == 60.0
    assert (await known(held, A, *many))[1] == {name: int(name) // 100 for name in many}


async def test_a_crowd_shares_transactions_of_a_size_and_what_waits_is_saved_or_lost_in_silence(
    alone: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "_MOST", 4)
    held, streams = alone.claim(), [f"acme/{number}" for number in range(5)]
    for stream in streams:
        await held.restore(stream, None)
    async with held._queue.line, anyio.create_task_group() as crowd:
        for stream in streams:
            crowd.start_soon(held.commit, change(stream, 1, "x", "y"))
        await anyio.wait_all_tasks_blocked()
        held._queue.line.release()
        await anyio.wait_all_tasks_blocked()
        await held._queue.line.acquire()
    checkpoints = [sum(key.startswith("c|") for key in rows) for rows in alone.log.written]
    assert (sum(checkpoints), max(checkpoints)) == (5, 2)
    written = len(alone.log.written)
    await held.commit(replace(change(A.replace("calls", "0"), 2), may_wait=True))
    await held.flush()
    assert len(alone.log.written) == written + 1
    await held.commit(replace(change(A.replace("calls", "0"), 3), may_wait=True))
    held.lose("gone")
    await held.flush()
    assert len(alone.log.written) == written + 1


async def test_what_an_output_may_hold_is_doubted_until_the_commit_that_delivered_it() -> None:
    sink = Sink("stdout", exact=False)
    async with Delivery({"stdout": sink}, Telemetry()) as delivery:
        alone = Claimed(delivery)
        for stream in (A, B):
            await alone.held.restore(stream, None)
        await alone.held.commit(change(B, 1, "b"))
        alone.log.before = 3  # the doubt is saved, and the batch written, but not the checkpoint
        with pytest.raises(OwnershipLost):
            await alone.held.commit(change(A, 1, "x", "y"))
        alone.log.before = None
        held = alone.claim()
        assert set((await held.restore(A, None)).doubts) == {key_of("x"), key_of("y")}
        assert not (await held.restore(B, None)).doubts
        await held.commit(change(B, 2, "x"))
        await held.commit(change(A, 2, "x"))
        assert set((await alone.claim().restore(A, None)).doubts) == {key_of("y")}


async def test_chunks_go_at_their_age_and_the_rest_is_rewritten_once_it_is_sparse(
    alone: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_SMALL": 100, "_TOO_MANY": 5, "_FEW": 1_000}.items():
        monkeypatch.setattr(partition, name, value)
    held, seen = alone.held, (await alone.held.restore(A, 2 * DAY.total_seconds())).seen
    for number in range(4):
        await commit(alone, seen, number, "x", "y")
    alone.now += DAY
    await commit(alone, seen, 9, "z")
    await held.tidy(A, seen, alone.now.timestamp() - DAY.total_seconds() / 2)
    assert [chunk.at for chunk in chunks(alone)] == [int(alone.now.timestamp())], "older than `before`"
    for number in range(8):
        await commit(alone, seen, number, "x", "y")
    begun = len(alone.log.written)
    await held.tidy(A, seen, 0.0)
    assert sum(chunk.size for chunk in chunks(alone)) == seen.packed_size, "each entry once"
    assert len(alone.log.written) > begun
    while len(alone.log.written) >= begun:  # also where it is cut short
        assert (await known(alone.claim(), A, "x", "y", "z"))[1] == {"x": 7, "y": 7, "z": 9}
        alone.log.written.pop()


async def rewrites(alone: Claimed, seen: Seen) -> bool:
    """Tidy, and return whether that wrote anything."""
    written = len(alone.log.written)
    await alone.held.tidy(A, seen, 0.0)
    return len(alone.log.written) > written


async def test_chunks_are_rewritten_only_where_most_of_their_bytes_are_superseded(
    alone: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "_SMALL", 2 * ITEM)
    seen = (await alone.held.restore(A, None)).seen
    done = []
    for number in range(6):
        await commit(alone, seen, number, "x", "y")
        done.append(await rewrites(alone, seen))
    assert done == [False] * 5 + [True], "more than four times what is live, and a little more"


async def test_or_where_there_are_far_more_of_them_than_the_last_rewriting_left(
    alone: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "_TOO_MANY", 2)
    monkeypatch.setattr(partition, "_AT_ONCE", 1)
    seen = (await alone.held.restore(A, None)).seen
    done = []
    for number in range(16):
        one = noted(A, number, f"{number}")
        for key, value in one.batch.seen.entries.items():
            one.batch.seen.entries[key] = msgspec.structs.replace(
                value, delivered=value.delivered + number % 3 * 86_400
            )
        await alone.held.commit(one)
        seen.put(one.batch.seen.entries)
        if await rewrites(alone, seen):
            done.append(number)
            assert len(chunks(alone)) == 3, "one for each day"
    assert done == [2, 8, 14], "at three; then at more than two and twice three"


async def commit(alone: Claimed, seen: Seen, number: int, *names: str) -> None:
    one = noted(A, number, *names)
    await alone.held.commit(one)
    seen.put(one.batch.seen.entries)


def chunks(alone: Claimed) -> Sequence[contents.Chunk]:
    found = Contents()
    for rows in alone.log.written:
        found.put(rows)
    return found.chunks(A)
