"""Membership of the group that shares the partitions of the state: it says which ones are ours to claim."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import anyio
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError, KafkaError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest

from outputs import OutputError
from outputs.kafka.errors import ErrorCollector, cancelled_by_us_alone
from outputs.kafka.topics import looking_at
from poller.retry import keep_trying
from poller.state.kafka import KafkaState
from poller.state.kafka.assignor import RefusingAssignor

_REBALANCE = 10.0
"""Seconds that all members have to join anew."""
_ASKING = 5.0
"""Seconds for one probe."""
_CLOSING = 1.0
_UNSETTLED = 30.0
"""Seconds after which a membership that does not work is built anew: what is there again is used within a minute."""
_METADATA = 30.0
"""Seconds after which the group's leader learns that the topic was made anew, or has other partitions."""
_NOT_OURS = {22, 25, 27}
"""ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS: https://kafka.apache.org/protocol#protocol_error_codes"""


class Elsewhere(Exception):
    """The group does not confirm, at present, that the partition is ours to claim."""


class Group:
    """A member of the group; a process has one.

    A membership that has not worked for half a minute is closed, and another one is built out of the configuration, as
    at a start: a client of aiokafka never looks at `bootstrap_servers` again, so it does not find brokers that came
    back at another address.
    """

    def __init__(
        self,
        state: KafkaState,
        name: str,
        assigned: Callable[[Collection[int]], None],
        failed: Callable[[OutputError | None, float], None],
    ) -> None:
        """`name` is ours, for others to see. `assigned` is given the partitions at each change.

        `failed` is given an error and the seconds until the next try, and None once all is well again.
        """
        self._state, self._name, self._assigned, self._failed = state, name, assigned, failed
        self._witness = ErrorCollector()
        self._assignor = RefusingAssignor()
        self._consumer: Any = None
        self._worked = self._renewed = False
        self._ours: Collection[int] = ()

    async def run(self) -> None:
        """Be a member until cancelled, whatever fails; then leave."""
        while True:
            await keep_trying(self._membership, on=OutputError, report=self._failed)

    def refuse(self, partition: int) -> None:
        """Ask the group to give a partition to another member, where one takes it."""
        if partition not in self._assignor.refused:
            self._assignor.refused.add(partition)
            if self._consumer:
                self._consumer._coordinator.request_rejoin()

    def take_back(self, partition: int) -> None:
        """Refuse a partition no more."""
        self._assignor.refused.discard(partition)

    def renew(self) -> None:
        """Join anew soon: what the group was about has changed."""
        self._renewed = True

    async def _membership(self) -> None:
        """Be a member until that fails. Raises OutputError if the membership never worked; returns if it did."""
        self._consumer = consumer = self._member()
        self._worked = self._renewed = False
        try:
            with self._witness.listening():
                with anyio.fail_after(self._state.session_timeout.total_seconds() + 2 * _REBALANCE):
                    await consumer.start()
                await self._stay(consumer)
        except (KafkaError, OSError) as error:
            failure = self._witness.judge(self._state.place, error)
            if not self._worked:
                raise failure from error
            self._failed(failure, 0)
        finally:
            self._consumer = None
            await _end(consumer)

    async def _stay(self, consumer: Any) -> None:
        """Return when the membership is to be renewed. Raises KafkaError when it fails, or has not worked for long."""
        well = anyio.current_time()
        while not self._renewed:  # nothing comes but errors: every partition is paused
            await consumer.getmany(timeout_ms=1000)
            if _settled(consumer._coordinator) and (self._ours or await self._others_have_all(well)):
                well, self._worked = anyio.current_time(), True
                self._failed(None, 0)
            elif anyio.current_time() - well > _UNSETTLED:
                raise GroupCoordinatorNotAvailableError(f"group {self._state.group} gives nobody the partitions")

    async def _others_have_all(self, well: float) -> bool:
        """Return True if we have no partition because other members have them."""
        if anyio.current_time() - well < _UNSETTLED / 2:
            return self._worked
        async with looking_at(self._state) as topics:
            return any((await topics.members(self._state.group)).values())

    async def probe(self, partition: int) -> None:
        """Return if the group says that the partition is ours. Raises Elsewhere, and OutputError.

        Without this question a replica that was fenced would fence the rightful owner, and so on in turn.
        """
        member = self._consumer and self._consumer._coordinator
        if not member or member.coordinator_id is None or partition not in self._ours:
            raise Elsewhere
        # The public way, `commit`, asks again for ever, in a task of its own that outlives a cancellation.
        request = OffsetCommitRequest(
            self._state.group,
            member.generation,
            member.member_id,
            OffsetCommitRequest.DEFAULT_RETENTION_TIME,
            [(self._state.topic, [(partition, 0, "")])],
        )
        try:
            with cancelled_by_us_alone(), anyio.fail_after(_ASKING):
                answer = await member._send_req(request)
        except (KafkaError, OSError) as error:
            raise self._witness.judge(self._state.place, error) from error
        code = answer.topics[0][1][0][1]
        if code in _NOT_OURS:
            raise Elsewhere
        if code:
            raise self._witness.judge(self._state.place, for_code(code)())

    def _told(self, partitions: Collection[int]) -> None:
        self._ours = partitions
        if partitions:
            self._failed(None, 0)
        self._assigned(partitions)

    def _member(self) -> Any:
        session = self._state.session_timeout.total_seconds()
        consumer = AIOKafkaConsumer(
            **self._state.connection()
            | {"request_timeout_ms": int(1500 * _REBALANCE)},  # the answer to a join takes that long
            client_id=self._name,
            metadata_max_age_ms=int(_METADATA * 1000),
            group_id=self._state.group,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=int(session * 1000),
            heartbeat_interval_ms=int(min(session / 3, 0.5) * 1000),
            rebalance_timeout_ms=int(_REBALANCE * 1000),
            partition_assignment_strategy=(self._assignor,),
        )
        consumer.subscribe([self._state.topic], listener=_Listener(consumer, self._told))
        return consumer


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """A listener that never waits: no heartbeat is sent during its calls."""

    def __init__(self, consumer: Any, assigned: Callable[[Collection[int]], None]) -> None:
        self._consumer, self._assigned = consumer, assigned

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Do nothing: the next owner of a partition fences us, and most partitions come back at once."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Report the partitions, and pause them: nothing is fetched by the group."""
        self._consumer.pause(*assigned)
        self._assigned({place.partition for place in assigned})


def _settled(member: Any) -> bool:
    """Return True if the coordinator is known, and has us in its present generation."""
    known = member.coordinator_id is not None and member.generation > 0
    return known and not member._rejoin_needed_fut.done()


async def _end(consumer: Any) -> None:
    """Leave the group, also if nobody answers: aiokafka's own `stop` waits. Uses privates of aiokafka 0.14."""
    with anyio.move_on_after(_CLOSING, shield=True) as leaving, suppress(KafkaConnectionError), cancelled_by_us_alone():
        await consumer.stop()
    if not leaving.cancelled_caught:
        return
    with anyio.move_on_after(_CLOSING, shield=True):
        await consumer._client.close()
        if coordinator := consumer._coordinator:
            for task in (coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task):
                while task and not task.done():
                    task.cancel()
                    await anyio.sleep(0.01)
        if consumer._fetcher:
            await consumer._fetcher.close()
        await consumer._client.close()
