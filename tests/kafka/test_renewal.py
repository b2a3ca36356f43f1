"""Certificates are renewed in their files while we run: each new connection takes those that are there by then.

Killed: a context that is read once, at the start of a client that lives for years; half of a renewal that ends it.
"""

import anyio
import pytest

from poller.state.kafka import assignment
from tests.kafka.broker import Broker
from tests.kafka.ledgers import replica
from tests.kafka.reading import Place
from tests.kafka.test_ledger_transactions import known
from tests.state.ledgers import change, checkpoint

pytestmark = pytest.mark.slow

A = "acme/calls"


def renew(broker: Broker) -> None:
    """Restart a broker that trusts another authority than before, which has made our new certificate."""
    broker.stop()
    tickets = broker.tickets
    tickets.client.write_bytes(b"half of it")
    tickets.trusted.write_bytes(tickets.other.read_bytes())
    broker.start()


@pytest.mark.long
async def test_a_member_of_the_group_takes_the_new_certificate(own: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.2)
    monkeypatch.setattr(assignment, "backoff", lambda failures: 0.2)
    place = Place(own.at["SSL"])
    async with replica(place, "acme", outputs=False, **own.login("SSL", "", "")) as one:
        await one.has("acme")
        await one.ledger.restore(A, None)
        await one.ledger.commit(change(A, 1))
        await anyio.to_thread.run_sync(renew, own)
        member = one.ledger._assignment._group._consumer
        one.ledger._assignment.held[0].lose("the broker was restarted")
        await one.has()
        own.tickets.client.write_bytes(own.tickets.stranger.read_bytes())
        await one.has("acme")
        assert await known(one.ledger) == checkpoint(1)
        assert one.ledger._assignment._group._consumer is member, "the same one, which has not been built anew"
