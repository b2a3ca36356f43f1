"""The topics of events in the same Kafka as the state: their records are written in the ledger's transaction."""

from collections.abc import Collection, Mapping, Sequence

from outputs import Message, StreamRef
from outputs.kafka import KafkaConfig
from outputs.kafka.batching import Compression, compressed_size
from outputs.kafka.producer import TooLarge
from outputs.kafka.records import ProducerRecord
from poller.state.delivery import Delivery


class EventTopics:
    """The Kafka outputs, by name. All use the compression of the first, as one producer writes a transaction."""

    def __init__(self, outputs: Mapping[str, KafkaConfig], delivery: Delivery) -> None:
        self.compression: Compression = next((output.compression for output in outputs.values()), "zstd")
        self.largest: dict[str, int] = {}
        self._preparers = {name: output.preparer(self.largest) for name, output in outputs.items()}
        self._outputs, self._delivery = outputs, delivery

    async def learn(self, places: Collection[StreamRef]) -> Sequence[str]:
        """Prepare the topics of these streams, and return what to warn of. Raises OutputError."""
        preparers = self._preparers.items()
        found = [await preparer.learn(self._outputs[name].topics(places)) for name, preparer in preparers]
        return [warning for warnings in found for warning in warnings]

    async def posts(self, messages: Sequence[Message]) -> list[ProducerRecord]:
        """Make the records of a batch for every output; wait as long as their topics cannot be prepared."""
        found: list[ProducerRecord] = []
        for name, preparer in self._preparers.items() if messages else ():
            found += await self._delivery.written(name, preparer, messages)
        return found

    def failed(self, error: BaseException) -> None:
        """Learn from a transaction that failed: a record may be larger than its topic allows."""
        for preparer in self._preparers.values():
            preparer.forget()
        if isinstance(error, TooLarge):
            for post in (posts[0] for posts in error.batches if len(posts) == 1):
                self.largest[post.topic] = compressed_size(post, self.compression) - 1
