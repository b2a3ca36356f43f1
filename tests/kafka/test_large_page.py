"""A page of 20,000 records is one transaction: it takes a fraction of what one may, and is whole or not there.

Killed: a page split over two transactions; a cursor that is saved apart from its page.
"""

from typing import Any

import anyio
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from outputs.kafka.producer import TRANSACTION, Producer
from poller.events.batch import Batch
from poller.state.ledger import Change, OwnershipLost
from tests.bench.commit import NAME, PAGE, batched, page
from tests.kafka.ledgers import owner
from tests.kafka.reading import Place
from tests.state.ledgers import checkpoint

pytestmark = pytest.mark.slow

MANY = 20_000


@pytest.fixture(scope="module")
def large() -> Batch:
    """50 MB of calls as the vendor sends them."""
    return batched([record for number in range(MANY // PAGE) for record in page(number)])


async def test_a_page_of_twenty_thousand_records_is_one_short_transaction(
    kafka: Place, large: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, transaction = list[int](), Producer.transaction

    async def counted(self: Producer, posts: Any) -> None:
        sizes.append(len(posts))
        await transaction(self, posts)

    async with owner(kafka) as ledger:
        await ledger.restore(NAME, None)
        monkeypatch.setattr(Producer, "transaction", counted)
        begun = anyio.current_time()
        await ledger.commit(Change(NAME, checkpoint(1), large))
        assert anyio.current_time() - begun < TRANSACTION / 2
        assert [size > MANY for size in sizes] == [True], "the state with it"
    assert len({message.key() for message in kafka.read("call")}) == len(kafka.read("call")) == MANY
    async with owner(kafka) as ledger:
        restored = await ledger.restore(NAME, None)
        assert (restored.checkpoint, len(restored.seen)) == (checkpoint(1), MANY)


async def test_one_that_fails_at_its_very_end_was_never_there_and_comes_once(
    kafka: Place, large: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: Any) -> None:
        raise KafkaError("broken off")

    async with owner(kafka) as ledger:
        await ledger.restore(NAME, None)
        with monkeypatch.context() as broken:
            broken.setattr(AIOKafkaProducer, "commit_transaction", fails)
            with pytest.raises(OwnershipLost):
                await ledger.commit(Change(NAME, checkpoint(1), large))
    assert len(kafka.read("call", committed=False)) == MANY, "it was written"
    async with owner(kafka) as ledger:
        restored = await ledger.restore(NAME, None)
        assert (restored.checkpoint, len(restored.seen), kafka.values("call")) == (None, 0, [])
        await ledger.commit(Change(NAME, checkpoint(1), large))
    assert len(kafka.values("call")) == MANY
