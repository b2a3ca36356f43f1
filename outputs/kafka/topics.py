"""The topics that we write to: described before anything is sent, created where missing, never altered."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, TopicAlreadyExistsError, for_code

from outputs import OutputError, Unreachable
from outputs.kafka.acls import lacking, reach
from outputs.kafka.connection import Cluster
from outputs.kafka.errors import FAILURES, ErrorCollector, cancelled_by_us_alone
from outputs.kafka.topic_ids import topic_id

DEADLINE = 7.0
"""Seconds for one look at topics, or for making them."""
_SETTINGS = ("max.message.bytes", "min.insync.replicas", "cleanup.policy")
NONE: Mapping[str, str] = {}
_REFUSED = {29, 31}  # TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED: the error codes of Kafka's protocol
_MISSING = 3  # UNKNOWN_TOPIC_OR_PARTITION
_ELECTING = 5  # LEADER_NOT_AVAILABLE: it was made a moment ago


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic. Its `settings` are empty if we may not read them."""

    name: str
    partitions: int
    replicas: int
    settings: Mapping[str, str]

    @property
    def largest(self) -> int | None:
        """The most bytes that a batch of records may have, compressed; None if we may not know."""
        found = self.settings.get("max.message.bytes")
        return int(found) if found else None

    def warnings(self, brokers: int) -> Iterator[str]:
        """Yield warnings of settings that put what we write at risk."""
        in_sync = int(self.settings.get("min.insync.replicas", 0))
        if self.replicas == 1 and brokers > 1:
            yield f"topic {self.name} has one replica: what one broker holds is lost with it; three are usual"
        if in_sync == 1 and self.replicas > 1:
            yield (
                f"topic {self.name}: min.insync.replicas is 1 of {self.replicas}, so what counts as delivered may be "
                "on one broker alone; 2 would be right"
            )
        if in_sync > self.replicas:
            yield f"topic {self.name}: min.insync.replicas is {in_sync} of {self.replicas}: nothing can be written"
        if "compact" in self.settings.get("cleanup.policy", ""):
            yield f"topic {self.name} is compacted: readers that come late find only the last event of each record"


class Topics:
    """A connection to describe topics and create them. Every method raises OutputError."""

    def __init__(self, cluster: Cluster, client: Any) -> None:
        self._cluster = cluster
        self._client = client

    @property
    def brokers(self) -> int:
        """The number of brokers."""
        return len(self._client._client.cluster.brokers())  # a public way would ask for every topic

    async def names(self) -> Sequence[str]:
        """Return every topic that we may see."""
        return [topic["topic"] for topic in await self._client.describe_topics(None) if not topic["error_code"]]

    async def describe(self, names: Collection[str]) -> dict[str, Topic]:
        """Describe topics; one that is not there is left out."""
        there = {}
        for found in await self._client.describe_topics(sorted(names)) if names else ():  # of none: of all
            if found["error_code"] not in {0, _MISSING, _ELECTING}:
                raise _refusal(self._cluster, f"topic {found['topic']}", found["error_code"])
            if found["partitions"]:
                there[found["topic"]] = found["partitions"]
        settings = await self._settings(ConfigResourceType.TOPIC, list(there), _SETTINGS)
        return {
            name: Topic(name, len(parts), len(parts[0]["replicas"]), settings[name]) for name, parts in there.items()
        }

    async def id_of(self, name: str) -> str | None:
        """Return the id of a topic, which one that is made anew does not share; None where the broker has none."""
        return await topic_id(self._client, name)

    async def lacking(self, names: Collection[str], *needed: str) -> Sequence[str]:
        """Return the rights that we lack on topics; see `outputs.kafka.acls`."""
        return await lacking(self._client, names, needed)

    async def allow(self, names: Collection[str], *needed: str) -> None:
        """Return if we have these rights on topics, or the broker does not tell. Raises OutputError if not."""
        if found := await self.lacking(names, *needed):
            raise OutputError(f"{self._cluster.place} refuses us: we need the right {', and '.join(found)}")

    async def reach(self, group: str, transactional_ids: Collection[str]) -> None:
        """Return if we may come near a group and these ids; see `outputs.kafka.acls`."""
        await reach(self._client, group, transactional_ids)

    async def members(self, group: str) -> dict[str, set[int]]:
        """Return the members of a group by their client ids, and the partitions that each was given."""
        answers = await self._client.describe_consumer_groups([group])
        found = [described for answer in answers for described in answer.groups]
        for code, name, *_ in found:
            if code:
                raise _refusal(self._cluster, f"group {name}", code)
        return {name: _assigned(given) for described in found for _, name, _, _, given in described[5]}

    async def create(
        self, names: Collection[str], partitions: int, replication: int | None, settings: Mapping[str, str] = NONE
    ) -> None:
        """Create topics; one that is there already is left as it is."""
        copies = replication or await self._default_replication()
        wanted = {**({"min.insync.replicas": "2"} if copies > 2 else {}), **settings}
        answer = await self._client.create_topics([NewTopic(name, partitions, copies, None, wanted) for name in names])
        for name, code, words in answer.topic_errors:
            if code and code != TopicAlreadyExistsError.errno:
                raise _refusal(self._cluster, f"topic {name} is not there and cannot be made", code, words)

    async def _default_replication(self) -> int:
        node = str(self._client._client.get_random_node())  # there is no public way
        found = await self._settings(ConfigResourceType.BROKER, [node], ["default.replication.factor"])
        try:
            return int(found[node]["default.replication.factor"])
        except KeyError:
            raise OutputError(
                f"{self._cluster.place} does not say how many replicas are usual: set `replication`"
            ) from None

    async def _settings(self, kind: Any, names: Sequence[str], keys: Sequence[str]) -> dict[str, Mapping[str, str]]:
        resources = [ConfigResource(kind, name, dict.fromkeys(keys)) for name in names]
        answers = await self._client.describe_configs(resources) if resources else []
        return {
            name: {entry[0]: entry[1] for entry in entries}  # none where we may not read them
            for answer in answers
            for _, _, _, name, entries in answer.resources
        }


@asynccontextmanager
async def looking_at(cluster: Cluster) -> AsyncIterator[Topics]:
    """Connect. What goes wrong in the context, or takes too long, is raised as OutputError."""
    witness = ErrorCollector()
    client = AIOKafkaAdminClient(**cluster.connection())
    try:
        with witness.listening(), anyio.fail_after(DEADLINE):
            await client.start()
            topics = Topics(cluster, client)
            if not topics.brokers and cluster.sasl_token:  # one that is not taken shows in nothing else
                raise SaslAuthenticationFailed("it does not show us its brokers")
            if not topics.brokers:  # for a moment, the only one that is there, back from a freeze or a crash
                raise Unreachable(f"{cluster.place} is away: it shows us no brokers yet")
            yield topics
    except FAILURES as error:
        raise witness.judge(cluster.place, error) from error
    finally:
        with anyio.move_on_after(1, shield=True), suppress(KafkaError), cancelled_by_us_alone():
            await client.close()


async def ensure(
    cluster: Cluster, names: Collection[str], partitions: int, replication: int | None
) -> tuple[dict[str, Topic], Sequence[str]]:
    """Create the topics that are missing; return all of them, and what to warn of. Raises OutputError."""
    async with looking_at(cluster) as topics:
        found = await topics.describe(names)
        if missing := set(names) - found.keys():
            await topics.create(sorted(missing), partitions, replication)
        while missing := set(names) - found.keys():  # other brokers than the one that made it know a little later
            await anyio.sleep(0.05)
            found |= await topics.describe(missing)
        await topics.allow(found, "Write")
        warnings = [words for _, topic in sorted(found.items()) for words in topic.warnings(topics.brokers)]
        return found, warnings


def _assigned(given: bytes) -> set[int]:
    """Return the partitions of a member's assignment; none while the group is about to share them out."""
    topics = ConsumerProtocolMemberAssignment.decode(given).assignment if given else []
    return {partition for _, partitions in topics for partition in partitions}


def _refusal(cluster: Cluster, what: str, code: int, words: str | None = None) -> OutputError:
    error = for_code(code)
    text = f"{cluster.place}: {what}: {(words or error.description or error.__name__).rstrip('.')}"
    if code in _REFUSED:
        return OutputError(
            f"{text}: create it, or allow us to (Describe, Write and Create; Read, if it holds the state)"
        )
    return Unreachable(text) if error.retriable else OutputError(text)
