"""A ledger in Kafka beside a log in memory: what it takes over, and its tokens, of which none is lost, ever.

Killed: a key that is derived in another way, so that every state's tokens are lost; a token that was not saved when
its source became ours again, and is forgotten with that.
"""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from poller.errors import ConfigError
from poller.plugin.credentials import Token
from poller.state.account import AccountId
from poller.state.delivery import Delivery
from poller.state.kafka import manifest
from poller.state.kafka.contents import Contents
from poller.state.kafka.encryption import TokenCipher
from poller.state.kafka.ledger import KafkaLedger
from poller.state.kafka.owners import partition_of
from poller.state.kafka.reader import TopicReader
from poller.state.ledger import OwnershipLost
from poller.state.rows import ACCOUNT, PROOF, TOKEN, encode
from poller.telemetry import Telemetry
from tests.kafka.ledgers import KEY
from tests.kafka.log import STATE, Claimed
from tests.state.ledgers import change, checkpoint
from tests.support.toy import NOON

WRITTEN = (
    b"gAAAAABrDVibdCKq7ipdT2lNl0WMKvDylIUpZNG7OGDZzopR9wG7FeYEftaH7LthKURpiHfwF6MWoYUNtQnwFgbgfWLTKiTCELhNNOye_hQmHxX7"
    b"Lj09zO_zfjwzfnlfXWnKQyYEn6IynOI3DJOu8Vai9q77FfY3FNa6K_2RA8qwoXd0kKwhIwLERoWPc0oYW-R5aeyQ6nhQ"
)
"""A token of the source acme, as version 1 wrote it."""
FIRST = Token("c", "r", "a", NOON)
NEXT = Token("c", "r2", "a2", NOON + timedelta(hours=1))


def test_a_token_that_was_written_once_is_read_for_ever_and_only_as_its_sources() -> None:
    cipher = TokenCipher(SecretStr(KEY))
    assert cipher.open("acme", WRITTEN) == FIRST
    for other, source in ((cipher, "crm"), (TokenCipher(SecretStr("another")), "acme")):
        with pytest.raises(ConfigError, match=f"source {source} was encrypted with another key"):
            other.open(source, WRITTEN)
    with pytest.raises(ConfigError, match=r"state.token_key: it is needed, as source acme"):
        TokenCipher(None).close("acme", FIRST)
    stored = Contents()
    stored.put({TOKEN.key("acme"): WRITTEN, "x|else": b"1"})
    reader = TopicReader(stored, cipher)
    assert [reader.get(key) for key in (TOKEN.key("acme"), "x|else", "none")] == [encode(FIRST), b"1", None]


@pytest.mark.parametrize("failures", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_token_that_could_not_be_saved_is_saved_by_the_first_claim_that_can(failures: int, when: str) -> None:
    async with Delivery({}, Telemetry()) as delivery:
        alone = Claimed(delivery)
        ledger = KafkaLedger(STATE, {}, delivery, Telemetry(), lambda: NOON, "replica")
        await own(ledger, alone)
        await ledger.save_token("acme", FIRST)
        fail(alone, when)
        with pytest.raises(OwnershipLost):
            await ledger.save_token("acme", NEXT)
        for _ in range(failures - 1):
            alone.claim()
            fail(alone, "before")
            with pytest.raises(OwnershipLost) if when == "before" else nullcontext():
                await own(ledger, alone)
        alone.log.before = alone.log.after = None
        alone.claim()
        await own(ledger, alone)
        assert await ledger.token("acme") == NEXT


async def test_a_token_that_another_replica_got_meanwhile_is_the_one_that_counts() -> None:
    async with Delivery({}, Telemetry()) as delivery:
        alone = Claimed(delivery)
        ledger, other = (KafkaLedger(STATE, {}, delivery, Telemetry(), lambda: NOON, name) for name in ("one", "other"))
        await own(ledger, alone)
        assert await ledger.token("acme") is None
        fail(alone, "before")
        with pytest.raises(OwnershipLost):
            await ledger.save_token("acme", FIRST)
        alone.log.before = None
        alone.claim()
        await own(other, alone)
        await other.save_token("acme", NEXT)
        alone.claim()
        await own(ledger, alone)
        assert await ledger.token("acme") == NEXT


async def test_what_is_taken_over_gets_its_accounts_and_its_manifest_once_and_no_other_account() -> None:
    async with Delivery({}, Telemetry()) as delivery:
        alone = Claimed(delivery)
        ledger, other = (KafkaLedger(STATE, {}, delivery, Telemetry(), lambda: NOON, name) for name in ("one", "other"))
        await ledger.claim({"acme": AccountId("callcap", "https://acme.example", None)})
        await own(ledger, alone)
        await ledger.prove("acme")
        (taken, proof) = alone.log.written
        account = b'{"type":"callcap","base_url":"https://acme.example","tenant":null}'
        assert taken == {ACCOUNT.key("acme"): account} | manifest.row(1, 0, everywhere=False)
        assert proof == {PROOF.key("acme"): encode(NOON)}
        alone.claim()
        await own(ledger, alone)
        assert len(alone.log.written) == 2, "nothing is new"
        await other.claim({"acme": AccountId("callcap", "https://acme.example", "b")})
        with pytest.raises(ConfigError, match="acme"):
            await own(other, alone)


async def test_what_is_asked_of_the_ledger_is_asked_of_the_partition_of_the_source() -> None:
    state = STATE.model_copy(update={"partitions": 8})
    number = partition_of(state, "acme")
    assert number != partition_of(state, "/")
    async with Delivery({}, Telemetry()) as delivery:
        alone = Claimed(delivery)
        ledger = KafkaLedger(state, {}, delivery, Telemetry(), lambda: NOON, "replica")
        ledger._assignment.held[number] = alone.held
        seen = (await ledger.restore("acme/calls", 60.0)).seen
        await ledger.commit(change("acme/calls", 1))
        await ledger.commit(replace(change("acme/calls", 2), may_wait=True))
        await ledger.flush()
        await ledger.tidy("acme/calls", seen, 0.0)
        assert (await ledger.restore("acme/calls", 60.0)).checkpoint == checkpoint(2)
        other = next(name for name in map(str, range(99)) if partition_of(state, name) != number)
        with pytest.raises(OwnershipLost, match=f"{other}/calls is not ours now"):
            await ledger.restore(f"{other}/calls", None)


async def own(ledger: KafkaLedger, alone: Claimed) -> None:
    """Take over what was claimed, as the ledger does once it has read it."""
    await ledger._own(0, alone.held)
    ledger._assignment.held[0] = alone.held


def fail(alone: Claimed, when: str) -> None:
    """Have the next transaction fail."""
    setattr(alone.log, when, len(alone.log.written) + (when == "after"))
