"""Every way of logging in, and what is said where it fails: one line, with the place and a remedy, and no secret."""

import asyncio
from typing import Any

import pytest

from outputs import OutputError, Unreachable
from outputs.kafka.topics import Topics
from tests.kafka.broker import Broker, free_ports
from tests.kafka.reading import Place
from tests.outputs.material import message

WAYS = [
    ("SASL_PLAINTEXT", "PLAIN"),
    ("SASL_PLAINTEXT", "SCRAM-SHA-256"),
    ("SASL_SSL", "SCRAM-SHA-512"),
    ("SASL_SSL", "OAUTHBEARER"),
    ("SSL", "certificate"),
]


@pytest.mark.parametrize(("protocol", "mechanism"), WAYS)
async def test_each_way_of_logging_in(broker: Broker, protocol: str, mechanism: str) -> None:
    place = Place(broker.at["PLAINTEXT"])
    config = place.config(**broker.login(protocol, mechanism, "alice"))
    async with config.open({}) as output:
        await output.write([message(0)])
    assert place.values("call") == [message(0).value]
    assert config.check().startswith(f"Kafka at {broker.at[protocol]} lets us in")


def wrong(broker: Broker, **changes: Any) -> list[tuple[dict[str, Any], str]]:
    plain = broker.login("SASL_PLAINTEXT", "PLAIN", "alice")
    tls = broker.login("SASL_SSL", "PLAIN", "alice")
    card = broker.login("SSL", "certificate", "")
    tickets = broker.tickets
    token = {"sasl_mechanism": "OAUTHBEARER", "sasl_token": "x.SECRET.y", "sasl_username": None, "sasl_password": None}
    return [
        (plain | {"sasl_password": "SECRET"}, "Invalid username or password.*: check sasl_username and sasl_password"),
        (plain | {"sasl_mechanism": "SCRAM-SHA-256", "sasl_username": "x"}, ": check sasl_username"),
        (tls | token, "check sasl_username and sasl_password, or sasl_token"),
        (tls | {"ca_file": tickets.other}, "is not trusted: check ca_file"),
        (tls | {"ca_file": None}, "is not trusted: check ca_file"),
        (card | {"cert_file": tickets.stranger}, "does it take our certificate"),
        (card | {"cert_file": None}, "does it take our certificate"),
    ]


@pytest.mark.parametrize("number", range(7))
async def test_a_refusal_is_the_operators_and_names_the_remedy(broker: Broker, number: int) -> None:
    changes, says = wrong(broker)[number]
    config = Place(broker.at["PLAINTEXT"]).config(**changes)
    for attempt in (lambda: config.open({}).__aenter__(), lambda: asyncio.to_thread(config.check)):
        with pytest.raises(OutputError, match=says) as caught:
            await attempt()
        assert not isinstance(caught.value, Unreachable)
        assert str(caught.value).startswith(f"Kafka at {config.bootstrap_servers} refuses us (")
        assert "SECRET" not in str(caught.value)
        assert "\n" not in str(caught.value)


async def test_what_does_not_answer_is_waited_for(broker: Broker) -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    closed = "the connection was closed before it answered: check security_protocol"
    for at, protocol, says in (
        (nobody, "PLAINTEXT", f"Kafka at {nobody} is away: Connect call failed"),
        ("nowhere.invalid:9092", "PLAINTEXT", "is away: .*(known|resolution|associated)"),
        (broker.at["SSL"], "PLAINTEXT", closed),
        (broker.at["SASL_PLAINTEXT"], "PLAINTEXT", closed),
        (broker.at["PLAINTEXT"], "SSL", closed),
    ):
        with pytest.raises(Unreachable, match=says):
            await Place(at).config(security_protocol=protocol).open({}).__aenter__()


async def test_one_that_knows_no_brokers_yet_after_a_freeze_is_waited_for(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Topics, "brokers", 0)
    for login in ({}, broker.login("SASL_PLAINTEXT", "PLAIN", "alice")):
        with pytest.raises(Unreachable, match="is away: it shows us no brokers yet"):
            await Place(broker.at["PLAINTEXT"]).config(**login).open({}).__aenter__()


async def test_one_server_that_answers_is_enough(broker: Broker) -> None:
    both = f"127.0.0.1:{free_ports(1)[0]},{broker.at['PLAINTEXT']}"
    place = Place(broker.at["PLAINTEXT"])
    async with place.config(bootstrap_servers=both).open({}) as output:
        await output.write([message(0)])
    assert place.values("call") == [message(0).value]


async def test_a_login_that_was_renewed_counts_from_the_next_connection_on(broker: Broker) -> None:
    place, login = Place(broker.at["PLAINTEXT"]), broker.login("SASL_PLAINTEXT", "PLAIN", "alice")
    config = place.config(**login | {"sasl_password": "SECRET"})
    with pytest.raises(OutputError, match="Invalid username or password"):
        async with config.open({}) as output:
            await output.write([message(0)])
    config.renew(place.config(**login))
    async with config.open({}) as output:
        await output.write([message(0)])
    assert place.values("call") == [message(0).value]
