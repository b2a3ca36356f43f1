"""A membership that does not work any more is built anew out of the configuration, and says so meanwhile.

Killed: a client that looks for its brokers only where they were.
"""

import anyio
import pytest

from poller.state.kafka import assignment, group
from tests.kafka.broker import Broker, free_ports
from tests.kafka.ledgers import replica
from tests.kafka.reading import Place
from tests.kafka.test_ledger_transactions import delivered, known
from tests.state.ledgers import change, checkpoint

pytestmark = pytest.mark.slow

A = "acme/calls"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.2)
    monkeypatch.setattr(group, "_UNSETTLED", 3.0)
    monkeypatch.setattr(assignment, "backoff", lambda failures: 0.2)


@pytest.mark.long
async def test_a_broker_that_comes_back_at_another_address_is_found_there(own: Broker) -> None:
    there = f"127.0.0.1:{free_ports(1)[0]}"
    both = Place(f"{own.at['PLAINTEXT']},{there}")
    async with replica(both, "acme") as one:
        await one.has("acme")
        await one.ledger.restore(A, None)
        await one.ledger.commit(change(A, 1, "x"))
        await anyio.to_thread.run_sync(own.stop)
        own.move({"PLAINTEXT": there})
        await anyio.to_thread.run_sync(own.start)
        one.ledger._assignment.held[0].lose("what it had was at the old address")
        await one.has()
        await one.has("acme")
        assert await known(one.ledger) == checkpoint(1)
        await one.ledger.commit(change(A, 2, "y"))
        assert one.ledger.trouble is None
    assert sorted(delivered(Place(there, both.prefix))) == ["x", "y"]
