"""A state in Kafka, carried about while nobody polls: out into a file's state and back, and forgotten by tombstones."""

import pytest

from poller.commands.state_names import rename
from poller.config.settings import Settings
from poller.errors import ConfigError
from poller.events.seen import key_of
from poller.plugin.credentials import Token
from poller.state.export import export_lines, read_export
from poller.state.offline import StateDump
from poller.state.open import Opening, open_offline
from poller.state.rows import PROOF, renamed, source_of
from poller.state.sqlite import SqliteState
from poller.telemetry import Telemetry
from tests.kafka.ledgers import owner, replica, state
from tests.kafka.reading import Place
from tests.state.ledgers import change, checkpoint, entry
from tests.support.toy import NOON

pytestmark = pytest.mark.slow

A, B = "acme/calls", "crm/leads"
BY = Opening("state", Telemetry(), lambda: NOON)
TOKEN = Token("configured", "refresh-SECRET", "access-SECRET", NOON)


async def polled(kafka: Place) -> None:
    """Two streams of two sources, and a token, in four partitions."""
    async with owner(kafka, "acme", "crm", partitions=4) as ledger:
        for number, stream in enumerate((A, B)):
            await ledger.restore(stream, None)
            await ledger.commit(change(stream, number, "x", "y"))
        await ledger.prove("crm")
        await ledger.save_token("crm", TOKEN)


async def whole(kafka: Place) -> StateDump:
    async with open_offline(state(kafka, partitions=4), BY) as found:
        return found.all()


async def test_it_goes_into_a_files_state_and_back_into_another_topic(
    kafka: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await polled(kafka)
    taken = read_export(export_lines(await whole(kafka), NOON), "a file")
    file = SqliteState(path=tmp_path_factory.mktemp("state") / "poller.db")
    async with open_offline(file, BY, make=True) as found:
        await found.fill(StateDump(taken.rows | {"o|files|events/a.jsonl": b"{}"}, taken.chunks))
        back = list(export_lines(found.all(), NOON))
    names = {"topic": f"{kafka.prefix}other", "group": f"{kafka.prefix}other", "partitions": 2}
    async with open_offline(state(kafka, **names), BY, make=True) as found:
        assert found.all().rows == {}
        left_out = await found.fill(read_export(back, "a file"))
    assert left_out == ["where 1 files ended: with state in Kafka there are no file outputs"]
    async with owner(kafka, "acme", "crm", **names) as ledger:
        for number, stream in enumerate((A, B)):
            there = await ledger.restore(stream, None)
            assert there.checkpoint == checkpoint(number)
            assert there.seen.get(key_of("y"), 0) == entry(number + 1)
        assert await ledger.token("crm") == TOKEN
    assert b"SECRET" not in b"".join(message.value() or b"" for message in kafka.read("other"))


async def test_a_stream_is_forgotten_and_the_others_are_not(kafka: Place) -> None:
    await polled(kafka)
    async with open_offline(state(kafka, partitions=4), BY) as found:
        keys = [key for key in found.all().rows if key.endswith(A)]
        await found.forget(keys, [A])
    left = await whole(kafka)
    assert {stream for stream, _, _ in left.chunks} == {B}
    async with owner(kafka, "acme", "crm", partitions=4) as ledger:
        assert (await ledger.restore(A, None)).checkpoint is None
        assert len((await ledger.restore(A, None)).seen) == 0
        assert (await ledger.restore(B, None)).checkpoint == checkpoint(1)


@pytest.mark.parametrize("cut_short", [False, True])
async def test_a_source_is_renamed_with_its_token_also_by_a_second_try(kafka: Place, cut_short: bool) -> None:
    await polled(kafka)
    topic = state(kafka, partitions=4)
    source = {"type": "callcap", "api_key": "k"}
    settings = Settings.model_validate(
        {"sources": {"sales": source}, "outputs": {"console": {"type": "stdout"}}, "state": topic}
    )
    if cut_short:  # between writing the new name and forgetting the old one
        before = await whole(kafka)
        async with open_offline(topic, BY) as found:
            kept = {key: value for key, value in before.rows.items() if source_of(key) == "crm" and not PROOF.has(key)}
            rows = {renamed(key, "sales"): value for key, value in kept.items()}
            chunks = [(B.replace("crm", "sales"), at, data) for name, at, data in before.chunks if name == B]
            await found.fill(StateDump(rows, chunks))
    done = await rename(settings, "crm", "sales")
    assert done.streams == [B.replace("crm", "sales")]
    left = (await whole(kafka)).rows
    assert not [key for key in left if PROOF.has(key)], "what proves that crm was ours says nothing of sales"
    async with owner(kafka, "acme", "sales", "crm", partitions=4) as ledger:
        there = await ledger.restore(B.replace("crm", "sales"), None)
        assert there.checkpoint == checkpoint(1)
        assert there.seen.get(key_of("y"), 0) == entry(2)
        assert await ledger.token("sales") == TOKEN
        assert (await ledger.restore(B, None)).checkpoint is None
        assert await ledger.token("crm") is None


async def test_while_somebody_polls_it_is_refused(kafka: Place) -> None:
    async with replica(kafka, "acme") as one:
        await one.has("acme")
        with pytest.raises(ConfigError, match=r"^state.group: .* has 1 members: stop every poller first"):
            async with open_offline(state(kafka), BY):
                pass


async def test_a_topic_that_is_not_there_holds_nothing(kafka: Place) -> None:
    with pytest.raises(ConfigError, match=r"^state.topic: .*nothing was saved yet"):
        async with open_offline(state(kafka), BY):
            pass
    assert f"{kafka.prefix}state" not in kafka.topics(), "and it is not made"


async def test_a_token_without_its_key_is_refused_before_anything_is_written(kafka: Place) -> None:
    await polled(kafka)
    taken = await whole(kafka)
    names = {"topic": f"{kafka.prefix}other", "group": f"{kafka.prefix}other", "token_key": None}
    with pytest.raises(ConfigError, match=r"^state.token_key: it is needed"):
        async with open_offline(state(kafka, **names), BY, make=True) as found:
            await found.fill(taken)
    assert kafka.read("other") == []
