"""What is remembered is in memory once, and nothing of it is lost on the way there.

Killed: chunks that stay beside `seen`; a restore that was given up half-way and took its chunks with it; a commit
that nobody put into `seen`, forgotten.
"""

import anyio
import anyio.lowlevel
import pytest

from poller.events import buckets
from poller.events.batch import Batch, SeenUpdate
from poller.state.ledger import Change
from tests.kafka.ledgers import owner
from tests.kafka.reading import Place
from tests.state.ledgers import change, checkpoint, entry

pytestmark = pytest.mark.slow

A = "acme/calls"
MANY = 3_000


def large(number: int) -> Change:
    entries = {(number * MANY + each) * 0x9E3779B97F4A7C15 % (1 << 64): entry(number) for each in range(MANY)}
    return Change(A, checkpoint(number), Batch(seen=SeenUpdate(entries)))


async def test_what_is_in_seen_is_not_held_beside_it(kafka: Place) -> None:
    async with owner(kafka) as ledger:
        contents = ledger._assignment.held[0]._contents
        found = await ledger.restore(A, None)
        for number in range(3):
            await ledger.commit(one := large(number))
            found.seen.put(one.batch.seen.entries)
            assert len(list(contents.data(A))) == 1, "the last commit's: nobody knows yet that it arrived"
        assert contents.size(A) == found.seen.packed_size
    async with owner(kafka) as ledger:
        contents = ledger._assignment.held[0]._contents
        assert len((await ledger.restore(A, None)).seen) == 3 * MANY
        assert list(contents.data(A)) == []
        assert contents.size(A) == found.seen.packed_size


async def test_a_restore_that_is_given_up_loses_nothing(kafka: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_PART", 100)  # laid out at once, in many steps
    async with owner(kafka) as ledger:
        found = await ledger.restore(A, None)
        for number in range(3):
            await ledger.commit(one := large(number))
            found.seen.put(one.batch.seen.entries)
    async with owner(kafka) as ledger:
        contents = ledger._assignment.held[0]._contents
        async with anyio.create_task_group() as group:
            group.start_soon(ledger.restore, A, None)
            while len(list(contents.data(A))) > 1:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        again = (await ledger.restore(A, None)).seen
        assert len(again) == 3 * MANY
        assert all(
            again.get(key, 0) == each for number in range(3) for key, each in large(number).batch.seen.entries.items()
        )


async def test_a_commit_is_known_to_the_next_restore_whoever_forgot_it(kafka: Place) -> None:
    async with owner(kafka) as ledger:
        await ledger.restore(A, None)
        await ledger.commit(change(A, 1, "x"))
        await ledger.commit(change(A, 2, "y"))
        assert len((await ledger.restore(A, None)).seen) == 2
        await ledger.commit(change(A, 3, "z"))
        assert len((await ledger.restore(A, 1.0)).seen) == 3
