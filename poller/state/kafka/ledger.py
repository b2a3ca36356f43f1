"""The ledger in Kafka: events and checkpoint in one transaction, and sources shared by the replicas of a group."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Self

from outputs import OutputError, StreamRef, Unreachable
from outputs.kafka import KafkaConfig
from outputs.kafka.producer import Producer
from poller.clock import Now
from poller.errors import ConfigError
from poller.events.seen import Seen
from poller.plugin.credentials import Token
from poller.retry import keep_trying
from poller.state.account import AccountId
from poller.state.delivery import Delivery, OutputAway
from poller.state.kafka import KafkaState, manifest
from poller.state.kafka.assignment import Assignment
from poller.state.kafka.contents import Contents
from poller.state.kafka.encryption import TokenCipher
from poller.state.kafka.event_topics import EventTopics
from poller.state.kafka.owners import partition_of
from poller.state.kafka.partition import Partition
from poller.state.kafka.topic import Prepared, begin, prepare
from poller.state.ledger import Change, OwnershipLost
from poller.state.reader import Restored
from poller.state.rows import ACCOUNT, PROOF, TOKEN, encode, mismatches
from poller.telemetry import Telemetry


class KafkaLedger:
    """Implements `Ledger`. A context: enter it before you ask anything; to leave it takes less than three seconds.

    `outputs` are those in this Kafka, by name; `delivery` has opened all others, which are at least once. `replica` is
    our name. A source belongs to the partition of its name. The topics of `places` are created before anything is
    polled. `patience` is how many seconds a start waits for a Kafka that is away (None: for ever).
    """

    def __init__(
        self,
        state: KafkaState,
        outputs: Mapping[str, KafkaConfig],
        delivery: Delivery,
        telemetry: Telemetry,
        now: Now,
        replica: str,
        places: Collection[StreamRef] = (),
        patience: float | None = None,
    ) -> None:
        self._state, self._outputs, self._delivery = state, outputs, delivery
        self._telemetry, self._now = telemetry, now
        self._event_topics = EventTopics(outputs, delivery)
        self._cipher = TokenCipher(state.token_key)
        self._assignment = Assignment(state, replica, self._event_topics, self._take, telemetry)
        self._places, self._patience = places, patience
        self._owners: Mapping[str, AccountId] = {}
        self._stored: dict[str, bytes | None] = {}
        self._unsaved: dict[str, tuple[bytes | None, bytes]] = {}
        self._away: str | None = None

    async def __aenter__(self) -> Self:
        await self._assignment.__aenter__()
        others = [output.name for output in self._telemetry.output_statuses()]
        self._telemetry.outputs([*others, *self._outputs])
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._assignment.__aexit__(*exc)

    @property
    def trouble(self) -> str | None:
        """The reason why the state cannot be written now; None if it can."""
        return self._away or self._assignment.trouble

    async def claim(self, owners: Mapping[str, AccountId]) -> None:
        """Claim the states of these sources for their accounts, each as soon as its partition is at hand.

        Raises ConfigError if a state belongs to another account; `sources` raises it for those that come later.
        """
        self._owners = owners
        for partition, claimed in self._assignment.held.items():
            await self._own(partition, claimed)

    async def sources(self, configured: Collection[str]) -> AsyncIterator[Collection[str]]:
        """Yield the sources that are ours, once Kafka and the outputs are there, and at each change.

        Raises ConfigError where the operator has to mend something, and OutputAway. See `Assignment.changes`.
        """
        await self._delivery.arrive()
        try:
            prepared = await keep_trying(
                self._prepare, on=Unreachable, report=self._report_away, give_up_after=self._patience
            )
        except Unreachable as error:
            raise OutputAway(f"the state is away: {error}") from error
        self._state, self._away = prepared.state, None
        names = defaultdict[int, list[str]](list)
        for source in configured:
            names[self._partition(source)].append(source)
        async for held in self._assignment.changes(prepared, names):
            yield frozenset(source for partition in held for source in names[partition])

    async def _prepare(self) -> Prepared:
        """Prepare all topics. Raises Unreachable while Kafka is away, ConfigError where the operator has to mend it."""
        try:
            prepared = await prepare(self._state, self._outputs)
            if prepared.fresh:
                await begin(prepared)
            warnings = [*prepared.warnings, *await self._event_topics.learn(self._places)]
        except Unreachable:
            raise
        except OutputError as error:
            raise ConfigError(f"state: {error}") from None
        if largest := prepared.look.topic.largest:
            self._event_topics.largest[self._state.topic] = largest
        for warning in warnings:
            self._telemetry.notice("state.noticed", notice=warning)
        return prepared

    def _report_away(self, error: Unreachable, wait: float) -> None:
        self._away = f"the state cannot be read: {error}"
        self._telemetry.notice("state.failed", error=str(error), retry_in=round(wait, 1))

    async def _take(self, partition: int, contents: Contents, producer: Producer) -> Partition:
        claimed = Partition(
            self._state, partition, contents, producer, self._event_topics, self._delivery, self._telemetry, self._now
        )
        await self._own(partition, claimed)
        return claimed

    async def _own(self, partition: int, claimed: Partition) -> None:
        owners = {source: owner for source, owner in self._owners.items() if self._partition(source) == partition}
        saved = claimed.under(ACCOUNT.prefix)
        if problems := mismatches(saved, owners):
            raise ConfigError(problems)
        rows: dict[str, bytes | None] = {
            ACCOUNT.key(source): encode(owner) for source, owner in owners.items() if source not in saved
        }
        unsaved = [source for source in self._unsaved if self._partition(source) == partition]
        for source in unsaved:
            before, closed = self._unsaved[source]
            if claimed.get(TOKEN.key(source)) == before:  # the one that it replaced, which is spent
                rows[TOKEN.key(source)] = closed
        watch = self._assignment.watch
        current = manifest.row(self._state.partitions, watch.begins(partition), everywhere=watch.everywhere)
        rows |= {key: value for key, value in current.items() if claimed.get(key) != value}
        if rows:
            await claimed.save(rows)
        for source in unsaved:  # not before: who cannot save it now does so the next time
            self._unsaved.pop(source, None)

    def _partition(self, source: str) -> int:
        return partition_of(self._state, source)

    def _claimed(self, stream: str) -> Partition:
        """Return the partition of a stream or a source. Raises OwnershipLost if it is not ours."""
        if claimed := self._assignment.held.get(self._partition(stream.partition("/")[0])):
            return claimed
        raise OwnershipLost(f"{stream} is not ours now")

    async def restore(self, stream: str, keep: float | None) -> Restored:
        """Read what is known of a stream. Raises OwnershipLost."""
        return await self._claimed(stream).restore(stream, keep)

    async def commit(self, change: Change) -> None:
        """Deliver and save in one transaction. Raises OwnershipLost if nobody knows whether it was committed."""
        await self._claimed(change.stream).commit(change)

    async def flush(self) -> None:
        """Save the changes that wait, a transaction for each partition."""
        for claimed in list(self._assignment.held.values()):
            await claimed.flush()

    async def tidy(self, stream: str, seen: Seen, before: float) -> None:
        """Forget what was committed before this time, and rewrite the rest where most of it is superseded."""
        await self._claimed(stream).tidy(stream, seen, before)

    async def token(self, source: str) -> Token | None:
        """Return the stored token of a source. Raises ConfigError if it was encrypted with another key."""
        closed = self._stored[source] = self._claimed(source).get(TOKEN.key(source))
        return None if closed is None else self._cipher.open(source, closed)

    async def prove(self, source: str) -> None:
        """Return if the source is surely ours, so that a refresh token may be spent. Raises OwnershipLost."""
        await self._claimed(source).save({PROOF.key(source): encode(self._now())})

    async def save_token(self, source: str, token: Token) -> None:
        """Return once the token is durable. Raises OwnershipLost: it is saved as soon as the source is ours again."""
        closed = self._cipher.close(source, token)
        self._unsaved[source] = self._stored.get(source), closed
        await self._claimed(source).save({TOKEN.key(source): closed})
        self._stored[source] = closed
        del self._unsaved[source]
