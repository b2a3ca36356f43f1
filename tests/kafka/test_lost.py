"""A state topic that goes under a running replica: it is given up, said so, and nothing is delivered until it is back.

Killed: a topic that is believed because its name is there; a look that comes too late to keep a commit from it; a topic
that somebody made anew, taken for the state; one that a start has begun anew, not taken for it.
"""

import shutil
from pathlib import Path

import anyio
import pytest

from poller.errors import ConfigError
from poller.state.checkpoint import Checkpoint
from poller.state.kafka import assignment, group, watch
from poller.state.kafka.owners import partition_of
from poller.state.ledger import Change, OwnershipLost
from tests.kafka.broker import Broker
from tests.kafka.ledgers import Replica, replica, unheard
from tests.kafka.reading import DEADLINE, Place
from tests.kafka.test_ledger_replicas import ALL, first
from tests.kafka.test_ledger_state import cut
from tests.kafka.test_ledger_transactions import delivered, known, refused
from tests.state.ledgers import change, checkpoint

pytestmark = pytest.mark.slow

A = "acme/calls"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.2)
    monkeypatch.setattr(assignment, "backoff", lambda failures: 0.2)
    monkeypatch.setattr(watch, "EVERY", 0.3)
    monkeypatch.setattr(watch, "_SURE", 0.05)
    monkeypatch.setattr(group, "_UNSETTLED", 5.0)


@pytest.fixture
def never_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what it does shows a replica that the topic is another."""
    monkeypatch.setattr(watch, "EVERY", 300.0)


def delete(kafka: Place) -> None:
    admin, topic = kafka.admin(), f"{kafka.prefix}state"
    admin.delete_topics([topic])[topic].result(DEADLINE)


async def begun(one: Replica, name: str = "x") -> None:
    await one.has("acme")
    await one.ledger.restore(A, None)
    await one.ledger.commit(change(A, 1, name))
    assert one.ledger.trouble is None


async def insist(one: Replica, change: Change, was: Checkpoint | None) -> None:
    """Commit to what is known, as soon as it is ours for good."""
    while True:
        await one.until(lambda _: "acme" in one.ours)
        try:
            assert await known(one.ledger) == was
            await one.ledger.commit(change)
        except OwnershipLost:
            await anyio.sleep(0.1)
        else:
            return


async def lost(one: Replica, words: str) -> None:
    await one.has()
    await one.until(lambda _: words in (one.ledger.trouble or ""))
    assert "allow_empty" in (one.ledger.trouble or "")
    await refused(one.ledger, change(A, 2, "never"))


@pytest.mark.long
async def test_a_topic_that_was_deleted_is_missed_until_a_start_begins_anew(
    kafka: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async with replica(kafka, "acme", "crm") as one:
        await one.has("acme", "crm")
        await one.ledger.restore(A, None)
        await one.ledger.commit(change(A, 1, "x"))
        delete(kafka)
        await lost(one, "state is gone")
        assert f"{kafka.prefix}state" not in kafka.topics()
        kafka.create("state", cleanup_policy="compact")
        await lost(one, "was made anew")
        async with unheard(kafka) as other:
            with pytest.raises(ConfigError, match=r"is empty, and .*call holds events"):
                await first(other, "acme")
        assert not one.ours
        async with unheard(kafka, allow_empty=True) as other:
            await first(other, "acme", "crm")
        await one.until(lambda _: one.ledger.trouble is None)
        await insist(one, change(A, 3, "y"), None)
    assert sorted(delivered(kafka)) == ["x", "y"]
    told = capsys.readouterr().out
    assert (told.count("state.lost"), told.count("state.recovered")) == (1, 1), told
    assert "state.failed" not in told.partition("state.recovered")[0], "one line"


@pytest.mark.usefixtures("never_looks")
async def test_nothing_is_committed_to_a_topic_that_was_made_anew_a_moment_ago(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await begun(one)
        delete(kafka)
        kafka.create("state", cleanup_policy="compact")
        await refused(one.ledger, change(A, 2, "never"))
        await lost(one, "was made anew")
    assert delivered(kafka) == ["x"]


@pytest.mark.usefixtures("never_looks")
async def test_nothing_is_committed_to_a_topic_whose_beginning_was_deleted_a_moment_ago(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await begun(one)
        cut(kafka, 2)
        await refused(one.ledger, change(A, 2, "never"))
        await lost(one, "the beginning of topic")
    assert delivered(kafka) == ["x"]


@pytest.mark.usefixtures("never_looks")
async def test_a_partition_that_comes_to_us_in_a_topic_made_anew_is_not_taken_for_a_new_one(kafka: Place) -> None:
    async with replica(kafka, *ALL, partitions=2) as one:
        await one.has(*ALL)
        async with replica(kafka, *ALL, partitions=2) as other:
            await other.until(lambda _: bool(other.ours) and bool(one.ours) and len(one.ours) < len(ALL))
            delete(kafka)
            kafka.create("state", 2, cleanup_policy="compact")
        await one.until(lambda _: "was made anew" in (one.ledger.trouble or ""))
        await one.has()


async def test_a_topic_that_begins_to_forget_is_given_up_until_it_does_no_more(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await begun(one)
        kafka.alter(f"{kafka.prefix}state", cleanup_policy="delete")
        await lost(one, "cleanup.policy of topic")
        kafka.alter(f"{kafka.prefix}state", cleanup_policy="compact")
        await one.has("acme")
        assert await known(one.ledger) == checkpoint(1)
        assert one.ledger.trouble is None


@pytest.mark.long
async def test_a_broker_that_comes_back_empty_is_waited_for_until_it_has_its_data_again(own: Broker) -> None:
    place, data = Place(own.at["PLAINTEXT"]), own.folder / "data"
    async with replica(place, "acme") as one:
        await begun(one)
        await anyio.to_thread.run_sync(swap, own, data, own.folder / "kept")
        await lost(one, "is gone")
        await anyio.to_thread.run_sync(swap, own, own.folder / "kept", data)
        await insist(one, change(A, 2, "y"), checkpoint(1))
    assert sorted(delivered(place)) == ["x", "y"]


@pytest.mark.long
async def test_one_partition_that_a_lost_disk_made_empty_is_missed_by_a_start_and_by_who_runs(own: Broker) -> None:
    place = Place(own.at["PLAINTEXT"])
    async with replica(place, "acme", partitions=2) as one:
        await begun(one)
        empty = 1 - partition_of(one.ledger._state, "acme")
        own.stop()
        shutil.rmtree(own.folder / "data" / f"{place.prefix}state-{empty}")
        await anyio.to_thread.run_sync(own.start)
        words = f"partition {empty} of topic {place.prefix}state is empty, and held something"
        await lost(one, words)
        async with unheard(place, partitions=2) as other:
            with pytest.raises(ConfigError, match=f"^state.topic: {words}: .*allow_empty: true"):
                await first(other, "acme")
        async with unheard(place, partitions=2, allow_empty=True) as other:
            await first(other, "acme")
        await insist(one, change(A, 2, "y"), checkpoint(1))
    async with unheard(place, partitions=2) as other:
        await first(other, "acme")
    assert sorted(delivered(place)) == ["x", "y"]


async def test_a_log_that_lost_its_end_is_given_up_until_the_replica_is_started_anew(kafka: Place) -> None:
    """As after an election of a leader that lags behind: https://kafka.apache.org/documentation/#design_uncleanleader"""
    async with replica(kafka, "acme") as one:
        await begun(one)
        one.ledger._assignment.watch._reached[0] = 1_000  # what we wrote last, on the leader that is gone
        await one.has()
        await one.until(lambda _: "has lost its end: " in (one.ledger.trouble or ""))
        assert "until this replica is started anew" in (one.ledger.trouble or "")
        await refused(one.ledger, change(A, 2, "never"))
    async with replica(kafka, "acme") as one:
        await insist(one, change(A, 2, "y"), checkpoint(1))
    assert sorted(delivered(kafka)) == ["x", "y"]


def swap(broker: Broker, data: Path, to: Path) -> None:
    """Restart a broker whose data was carried from one place to another."""
    broker.stop()
    if to.exists():
        broker.empty()
    data.rename(to)
    broker.start()
