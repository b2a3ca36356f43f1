"""Replicas share the sources: each is polled by one, takes over in time, and is never taken from its rightful owner.

Killed: partitions that stay claimed after they left, or are claimed again by who was fenced; a change of owners that
disturbs those who stay; another group on the same topic, which no transactional id fences: all came twice; a source
that is there again before it was said to be gone; a close that waits for Kafka.
"""

import signal
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import anyio
import pytest

from outputs import OutputError, Unreachable
from outputs.kafka import producer
from poller.errors import ConfigError
from poller.state.kafka import assignment
from poller.state.kafka.ledger import KafkaLedger
from poller.state.kafka.reader import PartitionReader
from poller.state.ledger import OwnershipLost
from tests.kafka.broker import Broker, free_ports
from tests.kafka.ledgers import replica, unheard
from tests.kafka.reading import Place
from tests.kafka.test_ledger_transactions import delivered, frail, known, refused
from tests.state.ledgers import change, checkpoint

pytestmark = pytest.mark.slow

__all__ = ["frail"]

ALL = [f"acme{number}" for number in range(12)]


async def test_two_share_and_one_alone_has_all_within_two_seconds(kafka: Place) -> None:
    async with replica(kafka, *ALL, partitions=8) as one:
        await one.has(*ALL)
        async with replica(kafka, *ALL, partitions=8) as other:
            await other.until(lambda _: bool(other.ours) and set(one.ours) | set(other.ours) == set(ALL))
            assert not set(one.ours) & set(other.ours)
            assert one.said[1] != one.said[0], "what left is left out at once"
            mine, its = sorted(one.ours), sorted(other.ours)
            for each, name in ((one, mine[0]), (other, its[0])):
                await each.ledger.restore(f"{name}/calls", None)
                await each.ledger.commit(change(f"{name}/calls", 1, name))
            await refused(one.ledger, change(f"{its[0]}/calls", 2, "not mine"))
        assert await one.has(*ALL) < 2
        assert all(set(mine) <= set(said) for said in one.said[-3:]), "what stays is not touched"
        await one.ledger.commit(change(f"{mine[0]}/calls", 2, "still"))
        assert await known(one.ledger, f"{its[0]}/calls") == checkpoint(1)
    assert sorted(delivered(kafka)) == sorted([mine[0], its[0], "still"])


async def test_who_does_not_hear_that_another_took_over_is_fenced_and_fences_nobody(
    kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replica(kafka, *ALL, partitions=4) as old:
        await old.has(*ALL)
        for name in ALL:
            await old.ledger.restore(f"{name}/calls", None)
        monkeypatch.setattr(old.ledger._assignment._group, "_assigned", lambda partitions: None)
        async with replica(kafka, *ALL, partitions=4) as new:
            await new.until(lambda _: bool(new.ours))
            assert set(old.ours) == set(ALL)
            taken = f"{min(new.ours)}/calls"
            await new.ledger.restore(taken, None)
            await new.ledger.commit(change(taken, 1, "new"))
            await refused(old.ledger, change(taken, 1, "old"))
            for minutes in range(2, 12):
                await anyio.sleep(0.1)
                await new.ledger.commit(change(taken, minutes))
            assert taken.partition("/")[0] not in old.ours
            assert len(new.said) == len([said for said in new.said if taken.partition("/")[0] in said]) + (
                not new.said[0]
            )
    assert delivered(kafka) == ["new"]


async def unknown(ledger: KafkaLedger, stream: str) -> bool:
    """Return True once the stream is at hand, as often as that takes, if nothing was ever saved of it."""
    while True:
        try:
            return await known(ledger, stream) is None
        except OwnershipLost:
            await anyio.sleep(0.05)


async def test_who_polls_the_same_state_with_another_group_writes_nothing_twice(kafka: Place) -> None:
    async with replica(kafka, "acme") as one, replica(kafka, "acme", group=f"{kafka.prefix}another") as other:
        await one.has("acme")
        await other.has("acme")
        for each in (one, other):
            with anyio.fail_after(30):
                while await unknown(each.ledger, "acme/calls"):
                    with suppress(OwnershipLost):
                        await each.ledger.commit(change("acme/calls", 1, "x"))
    assert delivered(kafka) == ["x"]


async def test_while_kafka_is_away_it_says_so_and_ends_in_time(
    frail_broker: Broker, frail: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "TRANSACTION", 0.5)
    monkeypatch.setattr(assignment, "backoff", lambda failures: 0.1)
    async with replica(frail, *ALL, partitions=8) as one:
        await one.has(*ALL)
        stream = f"{ALL[0]}/calls"
        await one.ledger.restore(stream, None)
        await one.ledger.commit(change(stream, 0, "w"))
        assert one.ledger.trouble is None
        frail_broker.send(signal.SIGSTOP)
        await refused(one.ledger, change(stream, 1, "x"))
        await one.until(lambda _: ALL[0] not in one.ours)
        assert "the state cannot be written" in (one.ledger.trouble or "")
        with pytest.raises(OwnershipLost):
            await one.ledger.restore(stream, None)
        begun = anyio.current_time()
    assert anyio.current_time() - begun < 3


async def test_kafka_is_waited_for_at_the_start(
    kafka: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.1)
    nobody = Place(f"127.0.0.1:{free_ports(1)[0]}", kafka.prefix)
    async with replica(nobody, "acme") as one:
        await one.until(lambda _: one.ledger.trouble is not None)
        assert f"{nobody.at} is away" in (one.ledger.trouble or "")
        assert not one.said
    assert f"{nobody.at} is away" in capsys.readouterr().out


async def test_a_claim_that_fails_is_tried_again(kafka: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "backoff", lambda failures: 0.05 * failures)
    read, failures = PartitionReader.read, iter(range(3))

    async def unlucky(*args: Any) -> Any:
        if next(failures, None) is not None:
            raise Unreachable("away")
        return await read(*args)

    monkeypatch.setattr(PartitionReader, "read", unlucky)
    async with replica(kafka, "acme") as one:
        await one.until(lambda _: one.ledger.trouble == "the state cannot be written: away")
        await one.has("acme")
        assert one.ledger.trouble is None
        assert next(failures, None) is None


async def first(ledger: Any, *sources: str) -> Collection[str]:
    with anyio.fail_after(30):
        async for ours in ledger.sources(sources):
            return list(ours)
    raise AssertionError("nothing was said")


async def test_who_is_refused_at_the_start_needs_the_operator(broker: Broker, kafka: Place) -> None:
    wrong = broker.login("SASL_PLAINTEXT", "PLAIN", "alice") | {"sasl_password": "wrong-SECRET"}
    async with unheard(kafka, outputs=False, **wrong) as ledger:
        with pytest.raises(ConfigError, match=r"^state: .* refuses us .*sasl_username") as caught:
            await first(ledger, "acme")
        assert "SECRET" not in str(caught.value)
    async with unheard(kafka, session_timeout="1s") as ledger:
        with pytest.raises(ConfigError, match="session_timeout"):
            await first(ledger, "acme")


async def test_what_only_the_operator_can_mend_is_waited_for_once_all_was_well(
    kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        monkeypatch.setattr(assignment, "backoff", lambda failures: 0.05)
        read = PartitionReader.read

        async def forbidden(*args: Any) -> Any:
            raise OutputError("refuses us")

        monkeypatch.setattr(PartitionReader, "read", forbidden)
        one.ledger._assignment.held[0].lose("by chance")
        await one.until(lambda _: one.ledger.trouble == "the state cannot be written: refuses us")
        monkeypatch.setattr(PartitionReader, "read", read)
        await one.has("acme")


async def test_a_replica_without_a_partition_is_told_so(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        async with replica(kafka, "acme") as other:
            await other.until(lambda _: bool(other.said) and bool(one.ours) != bool(other.ours))
