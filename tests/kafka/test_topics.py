"""Topics are made where they are missing, and never altered; what is wrong with one is said."""

from asyncio import to_thread

import pytest

from outputs import OutputError
from outputs.kafka import producer
from tests.kafka.broker import Broker
from tests.kafka.reading import Place
from tests.kafka.rights import allow, deny
from tests.outputs.material import message, messages, values


async def test_missing_topics_are_made_and_others_left_as_they_are(kafka: Place) -> None:
    kafka.create("call", 2)
    async with kafka.config(partitions=3).open({}) as output:
        await output.write([message(0), message(1, stream="leads"), message(2, reject=True)])
    assert kafka.topics() == {f"{kafka.prefix}{name}": n for name, n in (("call", 2), ("lead", 3), ("rejects", 3))}


async def test_what_puts_events_at_risk_is_noticed(kafka: Place) -> None:
    topic = kafka.create("call", cleanup_policy="compact")
    config = kafka.config(topic=topic)
    async with config.open({}) as output:
        assert [notice.partition(" is ")[0] for notice in output.notices] == [f"topic {topic}"]
        assert "compacted" in output.notices[0]
    assert "; warning: topic" in config.check()


async def test_a_check_makes_no_topic_though_the_broker_would(kafka: Place) -> None:
    config = kafka.config()
    assert config.check().endswith(f"and has none of our topics yet; to be made: {kafka.prefix}rejects")
    assert not kafka.topics()
    kafka.create("call")
    assert f"topics {kafka.prefix}call;" in config.check()


async def test_a_topic_that_was_deleted_meanwhile_is_ours_to_make(
    kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kafka.config(partitions=2).open({}) as output:
        await output.write(messages(range(3)))
        monkeypatch.setattr(producer, "POSTING", 1.0)
        admin = kafka.admin()
        admin.delete_topics([f"{kafka.prefix}call"])[f"{kafka.prefix}call"].result(30)
        for _ in range(3):
            try:
                await output.write(messages(range(3, 6)))
                break
            except OutputError:
                pass
    assert kafka.topics()[f"{kafka.prefix}call"] == 2  # the broker alone would have made it with one partition
    assert sorted(filter(None, kafka.values("call"))) == values(messages(range(3, 6)))


async def test_a_replication_that_cannot_be_had_is_told(kafka: Place) -> None:
    with pytest.raises(OutputError, match=rf"{kafka.prefix}rejects is not there and cannot be made: .*replication"):
        await kafka.config(replication=3).open({}).__aenter__()


async def test_without_replication_the_brokers_own_is_taken(kafka: Place) -> None:
    async with kafka.config(replication=None).open({}) as output:
        await output.write([message(0)])
    assert kafka.values("call") == [message(0).value]


async def test_a_missing_topic_that_we_may_not_make_is_the_operators(broker: Broker) -> None:
    place = Place(broker.at["PLAINTEXT"])
    bob = broker.login("SASL_PLAINTEXT", "PLAIN", "bob")
    allow(place, "bob", f"{place.prefix}rejects", "DESCRIBE")
    with pytest.raises(OutputError, match=r"rejects is not there and cannot be made: .*: create it, or allow us"):
        await place.config(**bob).open({}).__aenter__()
    assert not place.topics()


async def test_what_we_may_write_but_not_inspect_is_written(broker: Broker) -> None:
    place = Place(broker.at["PLAINTEXT"])
    bob = broker.login("SASL_PLAINTEXT", "PLAIN", "bob")
    for name in (place.create("call"), place.create("rejects")):
        allow(place, "bob", name, "WRITE")
    async with place.config(**bob).open({}) as output:
        await output.write(messages(range(3)))
        allow(place, "bob", f"{place.prefix}lead", "DESCRIBE")
        with pytest.raises(OutputError, match="lead is not there and cannot be made"):
            await output.write([message(4, stream="leads")])
    assert place.values("call") == values(messages(range(3)))


async def test_a_topic_that_we_may_not_write_to_is_told_before_anything_is_written(broker: Broker) -> None:
    place = Place(broker.at["PLAINTEXT"])
    bob = broker.login("SASL_PLAINTEXT", "PLAIN", "bob")
    for name in (place.create("call"), place.create("rejects")):
        allow(place, "bob", name, "DESCRIBE")
    for attempt in (lambda: place.config(**bob).open({}).__aenter__(), lambda: to_thread(place.config(**bob).check)):
        with pytest.raises(OutputError, match=rf"refuses us: we need the right Write on topic {place.prefix}rejects$"):
            await attempt()
    allow(place, "bob", f"{place.prefix}rejects", "WRITE")
    async with place.config(**bob).open({}) as output:
        with pytest.raises(OutputError, match=rf"refuses us: we need the right Write on topic {place.prefix}call$"):
            await output.write(messages(range(3)))


async def test_a_right_that_is_taken_from_us_at_work_is_told(broker: Broker) -> None:
    place = Place(broker.at["PLAINTEXT"])
    bob = broker.login("SASL_PLAINTEXT", "PLAIN", "bob")
    for name in (place.create("call"), place.create("rejects")):
        allow(place, "bob", name, "WRITE")
    async with place.config(**bob).open({}) as output:
        written = 0

        async def write_on() -> None:
            nonlocal written
            for _ in range(1000):  # a broker obeys a little after it has agreed
                await output.write(messages(range(written, written + 3)))
                written += 3

        await output.write(messages(range(3)))
        deny(place, "bob", f"{place.prefix}call", "WRITE")
        written = 3
        with pytest.raises(OutputError, match=rf"refuses us .*{place.prefix}call.*: we need the rights .*Write"):
            await write_on()
    assert place.values("call") == values(messages(range(written)))


async def test_topics_of_what_will_come_are_there_from_the_start_and_their_lack_is_told_then(kafka: Place) -> None:
    places = [("acme", "calls", "call"), ("crm", "leads", "lead")]
    async with kafka.config(rejects_topic=f"{kafka.prefix}no.{{source}}").open({}, places):
        assert set(kafka.topics()) == {kafka.prefix + name for name in ("call", "lead", "no.acme", "no.crm")}
