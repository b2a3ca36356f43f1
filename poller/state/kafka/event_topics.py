"""The outputs in the same Kafka as the state: what a batch becomes in their topics, in the ledger's transaction."""

from collections.abc import Collection, Mapping, Sequence

from outputs import Message, StreamRef
from outputs.kafka import KafkaConfig
from outputs.kafka.batching import Compression, compressed_size
from outputs.kafka.producer import TooLarge
from outputs.kafka.records import ProducerRecord
from poller.state.delivery import Delivery


class EventTopics:
    """Kafka outputs by name. All have the compression of the first: one transaction is one producer's."""

    def __init__(self, outputs: Mapping[str, KafkaConfig], delivery: Delivery) -> None:
        self.compression: Compression = next((output.compression for output in outputs.values()), "zstd")
        self.largest: dict[str, int] = {}
        self._addressings = {name: output.addressing(self.largest) for name, output in outputs.items()}
        self._outputs, self._delivery = outputs, delivery

    async def learn(self, places: Collection[StreamRef]) -> Sequence[str]:
        """See to the topics of what comes from there, and give what is to be warned of. Raises OutputError."""
        addressings = self._addressings.items()
        found = [await of.learn(self._outputs[name].topics(places)) for name, of in addressings]
        return [warning for of in found for warning in of]

    async def posts(self, messages: Sequence[Message]) -> list[ProducerRecord]:
        """Make the posts for every output, however long it takes until their topics are there."""
        found: list[ProducerRecord] = []
        for name, addressing in self._addressings.items() if messages else ():
            found += await self._delivery.written(name, addressing, messages)
        return found

    def failed(self, error: BaseException) -> None:
        """Learn what can be learned of a transaction that failed: a post may be larger than its topic lets us know."""
        for addressing in self._addressings.values():
            addressing.forget()
        if isinstance(error, TooLarge):
            for post in (posts[0] for posts in error.batches if len(posts) == 1):
                self.largest[post.topic] = compressed_size(post, self.compression) - 1
