"""`poller` that kills itself at the n-th moment around what it writes to Kafka: `python -m tests.kafka.killer N run …`.

With `--unfenced` before N it is a poller that takes no care of its rivals: the control of what finds their faults.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection

from poller.cli import main
from poller.state.kafka import KafkaState
from poller.state.kafka.group import Group
from tests.chaos.death import Death
from tests.chaos.killer import Kill
from tests.kafka.proxy import WRITING


def mortal(death: Death, setattr_: Callable[[Any, str, Any], None]) -> None:
    """Make moments to die of a transaction's begin and end, and of each request that writes, sent and not answered."""
    for name in ("begin_transaction", "commit_transaction"):
        setattr_(AIOKafkaProducer, name, _around(getattr(AIOKafkaProducer, name), death))
    send = AIOKafkaConnection.send

    def mortal_send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        writing = request.API_KEY in WRITING
        if writing:
            death.moment()
        answer = send(self, request, *args, **kwargs)
        if writing:
            death.moment()
        return answer

    setattr_(AIOKafkaConnection, "send", mortal_send)


def _around(step: Callable[..., Awaitable[Any]], death: Death) -> Callable[..., Awaitable[Any]]:
    async def mortal_step(*args: Any, **kwargs: Any) -> Any:
        death.moment()
        result = await step(*args, **kwargs)
        death.moment()
        return result

    return mortal_step


def unfence(setattr_: Callable[[Any, str, Any], None]) -> None:
    """Give each process transactional ids of its own, and let it claim what it believes to be its own."""

    async def unasked(self: Group, partition: int) -> None:
        pass

    setattr_(KafkaState, "transactional_id", lambda self, partition: f"{self.group}-{partition}-{os.getpid()}")
    setattr_(Group, "probe", unasked)


if __name__ == "__main__":
    if sys.argv[1] == "--unfenced":
        unfence(setattr)
        del sys.argv[1]
    mortal(Kill(int(sys.argv[1])), setattr)
    sys.argv = ["poller", *sys.argv[2:]]
    main()
