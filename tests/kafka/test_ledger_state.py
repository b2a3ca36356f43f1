"""The topic that holds the state: made as it must be, refused where it is not what it was, small, and tight-lipped.

Killed: a state that begins anew beside its events; a topic without compaction; another number of partitions; a token
that can be read; what was forgotten that comes back; what is written over and over that stays.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import anyio
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import ConfigResource, NewPartitions, ResourceType

from outputs.kafka.producer import Producer
from poller.commands.check import check
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.events.seen import key_of
from poller.plugin.credentials import Token
from poller.plugin.stream import Http
from poller.sources.callcap import Callcap
from poller.state.account import AccountId
from poller.state.kafka import partition
from poller.state.kafka.owners import Owners, owner_of
from poller.state.ledger import OwnershipLost
from poller.telemetry import Telemetry
from tests.kafka.ledgers import owner, replica, state, unheard
from tests.kafka.reading import DEADLINE, Place
from tests.kafka.test_ledger_replicas import first
from tests.state.ledgers import change, checkpoint, entry
from tests.support.toy import NOON

pytestmark = pytest.mark.slow

A = "acme/calls"
TOKEN = Token("configured", "refresh-SECRET", "access-SECRET", NOON)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.state.kafka.assignment.backoff", lambda failures: 0.05)


async def begin(kafka: Place, *events: str) -> None:
    async with owner(kafka) as ledger:
        await ledger.restore(A, None)
        await ledger.commit(change(A, 1, *events))


async def refuses(kafka: Place, words: str, **options: Any) -> None:
    async with unheard(kafka, **options) as ledger:
        with pytest.raises(ConfigError, match=words):
            await first(ledger, "acme")


def settings(kafka: Place) -> Mapping[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, f"{kafka.prefix}state")
    admin = kafka.admin()
    return {key: entry.value for key, entry in admin.describe_configs([resource])[resource].result(DEADLINE).items()}


async def test_the_topic_is_made_compacted_and_with_its_partitions(kafka: Place) -> None:
    async with owner(kafka, partitions=3):
        assert kafka.topics()[f"{kafka.prefix}state"] == 3
        found = settings(kafka)
        assert (found["cleanup.policy"], found["max.message.bytes"]) == ("compact", str(4 << 20))


async def test_a_topic_with_fewer_partitions_than_there_are_to_be_is_refused(kafka: Place) -> None:
    kafka.create("state", 1, cleanup_policy="compact")
    await refuses(kafka, r"^state.partitions: topic .*state has 1 partitions, and not 4", partitions=4)


@pytest.mark.parametrize("partitions", [1, 2, 4])
async def test_a_state_keeps_the_number_of_partitions_that_it_was_written_with(
    kafka: Place, capsys: pytest.CaptureFixture[str], partitions: int
) -> None:
    """Somebody raised those of its topic, and perhaps `partitions` in the configuration after them."""
    await begin(kafka)
    topic, admin = f"{kafka.prefix}state", kafka.admin()
    admin.create_partitions([NewPartitions(topic, 2)])[topic].result(DEADLINE)
    sources = [f"acme{number}" for number in range(20)]
    async with owner(kafka, "acme", *sources, partitions=partitions) as ledger:
        assert (await ledger.restore(A, None)).checkpoint == checkpoint(1)
        assert ledger._assignment.held.keys() == {0}
        owners = Owners(state(kafka, partitions=partitions))
        await owners.ask()
        assert {owners(source) for source in sources} == {"replica"}
        assert {await owner_of(state(kafka, partitions=partitions), source) for source in sources[:3]} == {"replica"}
    told = capsys.readouterr().out
    assert f"topic {topic} has 2 partitions, of which the state uses 1" in told
    assert (f"state.partitions: {partitions} is set, and the state was written in 1" in told) == (partitions != 1)
    assert {message.partition() for message in kafka.read("state")} == {0}


async def test_a_state_that_vanished_is_refused_until_that_is_wanted(kafka: Place) -> None:
    await begin(kafka, "x")
    topic, admin = f"{kafka.prefix}state", kafka.admin()
    admin.delete_topics([topic])[topic].result(DEADLINE)
    await refuses(
        kafka,
        r"^state.topic: .*state is not there, and .*call holds events.*`poller state export`.*allow_empty: true",
    )
    assert topic not in kafka.topics(), "nobody makes one where events are"
    kafka.create("state", cleanup_policy="compact")
    await refuses(
        kafka,
        r"^state.topic: .*state is empty, and .*call holds events.*`poller state export`.*allow_empty: true",
    )
    async with owner(kafka, allow_empty=True) as ledger:
        assert (await ledger.restore(A, None)).checkpoint is None
    async with owner(kafka) as ledger:
        assert (await ledger.restore(A, None)).checkpoint is None


async def test_a_state_without_events_is_no_loss(kafka: Place) -> None:
    kafka.create("call")
    await begin(kafka)
    async with owner(kafka) as ledger:
        assert (await ledger.restore(A, None)).checkpoint == checkpoint(1)


async def test_a_topic_that_forgets_is_refused_and_warned_of_where_that_is_wanted(
    kafka: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka.create("state", cleanup_policy="delete")
    await refuses(kafka, r"^state.topic: cleanup.policy of topic .*state is delete, .*: set cleanup.policy=compact")
    async with owner(kafka, allow_empty=True):
        told = capsys.readouterr().out
    assert "state is delete, which deletes the state bit by bit" in told


async def test_a_topic_that_has_forgotten_is_refused_until_that_is_wanted(kafka: Place) -> None:
    await begin(kafka, "x")
    cut(kafka, 2)
    await refuses(kafka, r"^state.topic: the beginning of topic .*state is gone: .* offset 2: .*allow_empty: true")
    async with owner(kafka, allow_empty=True) as ledger:
        assert (await ledger.restore(A, None)).checkpoint == checkpoint(1), "what is left is kept"
    await begin(kafka, "y")  # and that it was wanted
    cut(kafka, 3)
    await refuses(kafka, r"^state.topic: the beginning of topic .*state is gone: .* offset 3")


def cut(kafka: Place, offset: int) -> None:
    """Delete what is before an offset, as retention would."""
    place, admin = TopicPartition(f"{kafka.prefix}state", 0, offset), kafka.admin()
    kafka.alter(place.topic, cleanup_policy="compact,delete")  # only so the broker does as it is told
    admin.delete_records([place])[place].result(DEADLINE)
    kafka.alter(place.topic, cleanup_policy="compact")


def at_rest(kafka: Place) -> bytes:
    found = kafka.read("state", committed=False)
    return b"".join((message.key() or b"") + (message.value() or b"") for message in found)


async def test_tokens_cannot_be_read_in_the_topic(kafka: Place) -> None:
    async with owner(kafka, "acme", "other") as ledger:
        await ledger.save_token("acme", TOKEN)
        assert await ledger.token("acme") == TOKEN
        held = ledger._assignment.held[0]
        await held.save({"t|other": held.get("t|acme")})
        with pytest.raises(ConfigError, match="source other was encrypted with another key"):
            await ledger.token("other")
    assert b"t|acme" in at_rest(kafka)
    assert b"SECRET" not in at_rest(kafka)
    async with owner(kafka, token_key="another one") as ledger:
        with pytest.raises(ConfigError, match=r"^state.token_key: .*acme was encrypted with another key"):
            await ledger.token("acme")
    async with owner(kafka, token_key=None) as ledger:
        for attempt in (ledger.token("acme"), ledger.save_token("acme", TOKEN)):
            with pytest.raises(ConfigError, match=r"^state.token_key: it is needed"):
                await attempt


async def test_check_tells_of_a_token_that_another_key_encrypted_and_asks_the_other_sources(
    kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answers(self: Callcap, http: Http) -> str:
        return "answers"

    monkeypatch.setattr(Callcap, "probe", answers)
    async with owner(kafka, "crm", "acme") as ledger:
        await ledger.save_token("crm", TOKEN)
    oauth = {"client_id": "me", "client_secret": "s", "refresh_token": "r", "token_url": "http://127.0.0.1:1/token"}
    sources = {
        "crm": {"type": "flextell", "tenant": 42, "base_url": "http://127.0.0.1:1", **oauth},
        "acme": {"type": "callcap", "api_key": "k"},
    }
    wrong = state(kafka, token_key="another one").model_dump() | {"token_key": "another one"}
    settings = Settings.model_validate({"sources": sources, "outputs": {"out": {"type": "stdout"}}, "state": wrong})
    found = {one.name: one async for one in check(settings, Telemetry(), NOON)}
    assert not found["crm"].ok
    assert found["crm"].words.startswith("state.token_key: the stored token of source crm was encrypted with another")
    assert found["acme"].ok


async def test_a_token_whose_saving_failed_is_saved_when_the_source_is_ours_again(kafka: Place) -> None:
    newer = Token("configured", "refresh-2", "access-2", NOON)
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        await one.ledger.save_token("acme", TOKEN)
        other = Producer(state(kafka), "zstd", {}, state(kafka).transactional_id(0))
        await other.start()
        with pytest.raises(OwnershipLost):
            await one.ledger.save_token("acme", newer)
        await one.until(lambda replica: replica.said[-2:] == [set(), {"acme"}])
        assert await one.ledger.token("acme") == newer
        await other.close()
    async with owner(kafka) as ledger:
        assert await ledger.token("acme") == newer


async def test_another_accounts_state_is_refused_when_it_comes(kafka: Place) -> None:
    crm = AccountId("flextell", "https://dev.flextell.ai/api/v1", "42")
    async with owner(kafka) as ledger:
        await ledger.claim({"acme": crm})
    async with unheard(kafka) as ledger:
        await ledger.claim({"acme": AccountId("flextell", "https://dev.flextell.ai/api/v1", "43")})
        with pytest.raises(ConfigError, match=r"^sources\.acme: .*another account"):
            await first(ledger, "acme")


class Days:
    """A clock."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


async def test_what_is_older_than_it_is_kept_is_forgotten_by_tombstones(kafka: Place) -> None:
    clock, keep = Days(), timedelta(days=1).total_seconds()
    async with owner(kafka, now=clock) as ledger:
        await ledger.restore(A, keep)
        for day, names in enumerate(("xy", "yz")):
            clock.now = NOON + timedelta(days=day)
            await ledger.commit(change(A, day, *names, at=clock.now))
        clock.now = NOON + timedelta(days=1, hours=1)
        found = await ledger.restore(A, keep)
        await ledger.tidy(A, found.seen, clock.now.timestamp() - keep)
        assert len(found.seen) == 2
    gone = [message.key() for message in kafka.read("state") if message.value() is None]
    assert gone == [f"f|{A}|{int(NOON.timestamp())}|1".encode()]
    async with owner(kafka, now=clock) as ledger:
        again = await ledger.restore(A, keep)
        known = [bool(again.seen.get(key_of(name), clock.now.timestamp())) for name in "xyz"]
        assert known == [False, True, True]


async def test_many_small_chunks_become_few(kafka: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "_TOO_MANY", 10)
    async with owner(kafka) as ledger:
        found = await ledger.restore(A, None)
        for number in range(12):
            one = change(A, number, f"{number}")
            found.seen.put(one.batch.seen.entries)
            await ledger.commit(one)
        await ledger.tidy(A, found.seen, 0)
        assert len(ledger._assignment.held[0]._contents.chunks(A)) == 1
        await ledger.tidy(A, found.seen, 0)
        await ledger.commit(change(A, 20, "0"))
        assert len((await ledger.restore(A, None)).seen) == 12
    async with owner(kafka) as ledger:
        again = await ledger.restore(A, None)
        assert len(again.seen) == 12
        assert again.seen.get(key_of("0"), NOON.timestamp()) == entry(21)
        assert len(ledger._assignment.held[0]._contents.chunks(A)) == 2


async def test_after_compaction_all_is_as_it_was(kafka: Place) -> None:
    often = {"max_compaction_lag_ms": "200", "min_cleanable_dirty_ratio": "0.01", "delete_retention_ms": "100"}
    kafka.create("state", 1, cleanup_policy="compact", segment_ms="200", **often)
    clock, keep = Days(), timedelta(days=5)

    async def pass_by(days: range) -> None:
        async with owner(kafka, now=clock) as ledger:
            found = await ledger.restore(A, keep.total_seconds())
            for day in days:
                clock.now = NOON + timedelta(days=day)
                one = change(A, day, f"{day}", at=clock.now)
                found.seen.put(one.batch.seen.entries)
                await ledger.commit(one)
                await ledger.tidy(A, found.seen, (clock.now - keep).timestamp())

    await pass_by(range(40))
    with anyio.fail_after(DEADLINE):
        while len(kafka.read("state")) > 40:  # a hundred were written
            await anyio.sleep(0.3)
            await pass_by(range(40, 41))
    await pass_by(range(40, 41))
    async with owner(kafka, now=clock) as ledger:
        again = await ledger.restore(A, keep.total_seconds())
        assert again.checkpoint == checkpoint(40)
        known = [day for day in range(41) if again.seen.get(key_of(f"{day}"), clock.now.timestamp())]
        assert known == list(range(35, 41))
