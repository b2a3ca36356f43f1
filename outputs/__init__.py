"""What an output is: the messages it takes, what it promises, and how it fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self, TypeAlias

Marks: TypeAlias = Mapping[str, bytes | None]
"""Where an output stands, by a name of its own choosing (a path): to be saved under that name, None to be forgotten."""

StreamRef: TypeAlias = tuple[str, str, str]
"""Names a stream that events will come from: source, stream, kind."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event or reject, encoded: what an output writes.

    `value` is one CloudEvent in JSON, UTF-8, without a line break. `key` is its partition key. `observed` (aware,
    UTC) is its `observedtime`; with `source`, `stream` and `kind` it fills the templates of paths and topics.
    """

    value: bytes
    key: str
    source: str
    stream: str
    kind: str
    observed: datetime
    reject: bool = False


class OutputError(Exception):
    """The batch is not durable there: to be retried until it is. The text is for people and shows no secret.

    `key` is the key of the output's configuration that the operator has to look at, None where no single one is.
    """

    key: str | None = None


class OutputClosed(OutputError):
    """Nobody reads any more (a closed pipe): no retry can help, the run ends."""


class Unreachable(OutputError):
    """It is away and may come back by itself: waited for, also at the start, where other errors end the run."""


class Undeliverable(OutputError):
    """These messages it can never take, however often they come. Nothing is wrong with the others of the batch.

    The caller writes the batch again, with something that fits (a reject) in the place of each of `messages`.
    """

    def __init__(self, text: str, messages: Sequence[Message]) -> None:
        super().__init__(text)
        self.messages = tuple(messages)


class Output(Protocol):
    """Open, announce, write, close. No retries, no metrics, no logs.

    An output that can be taken back (`exact`) returns marks: they are saved with the checkpoint and handed to the
    next open, which cuts off what came after them. One that cannot returns none, and its batches are doubted.
    """

    @property
    def exact(self) -> bool:
        """Whether what was written can be taken back after a crash."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What the last open, and every announcement since, found and mended, for the operator to know."""
        ...

    async def __aenter__(self) -> Self:
        """Open, and bring what is there back to the marks. Raise OutputError if it can't be written now."""
        ...

    def announce(self, batch: Sequence[Message]) -> Marks:
        """Return what `write` of this batch is about to touch; saved before its first byte leaves. Touches nothing.

        Called again when the write failed: if another thing is to be touched now, the batch is written again at once.
        """
        ...

    async def write(self, batch: Sequence[Message]) -> Marks:
        """Return once every message is durable, or raise OutputError; Undeliverable names those that never will be.

        Called again with the same batch after an error, it first takes back its own torn attempt. What it returns
        replaces the announcement.
        """
        ...

    async def __aexit__(self, *exc: object) -> None: ...
