"""The interface of an output: the messages it takes, what it promises, and how it fails.

An output makes batches of messages durable at a destination. For each batch the ledger asks it to announce what it is
about to touch, saves that, has it write, and saves the marks that it returns together with the checkpoint. After a
crash the output is opened with the marks that were saved last.

This module is all that an output of another package imports. Its names keep their meaning as long as `API` stays.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol, Self, TypeAlias

from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from outputs.units import Duration, Size

__all__ = [
    "API",
    "Channel",
    "Duration",
    "Marks",
    "Message",
    "Output",
    "OutputClosed",
    "OutputConfig",
    "OutputError",
    "Size",
    "StreamRef",
    "Undeliverable",
    "Unreachable",
]

API = 1
"""The version of this interface. It rises when a name goes or changes its meaning, and stays when one is added."""

Marks: TypeAlias = Mapping[str, bytes | None]
"""Values that an output wants to get back at its next opening, by names of its own choosing, such as paths.

The state saves each value under its name, and forgets the name where the value is None.
"""

StreamRef: TypeAlias = tuple[str, str, str]
"""The source, stream and kind of events to come."""


class Message(Struct, frozen=True, gc=False):
    """An event or a reject, encoded as an output writes it.

    `value` is one CloudEvent in JSON, UTF-8, without a line break. `key` is its partition key. `observed` (aware,
    UTC) is its `observedtime`; with `source`, `stream` and `kind` it fills the templates of paths and topics. One that
    is `last` speaks of the others: where an output is not one transaction, it comes after all others of its batch.
    """

    value: bytes
    key: str
    source: str
    stream: str
    kind: str
    observed: datetime
    reject: bool = False
    last: bool = False


class OutputError(Exception):
    """The batch is not durable at the destination: it is to be retried until it is.

    The text is for people and shows no secret. `key` is the key of the output's configuration that the operator has to
    look at, None where there is no single one.
    """

    key: str | None = None


class OutputClosed(OutputError):
    """Nobody reads the output any more (a closed pipe): no retry can help, and the run ends."""


class Unreachable(OutputError):
    """The destination is away and may come back by itself.

    It is waited for also at the start, where other errors end the run.
    """


class Undeliverable(OutputError):
    """The output can never take some messages of a batch; nothing is wrong with the others.

    The caller writes the batch again, with a reject that fits in the place of each of `messages`.
    """

    def __init__(self, text: str, messages: Sequence[Message]) -> None:
        super().__init__(text)
        self.messages = tuple(messages)


class Output(Protocol):
    """A destination for messages: opened once, then batches are announced and written one after the other, then closed.

    It does not retry, count or log; whoever calls it does.

    An output whose writes can be taken back (`exact`) returns marks: they are saved with the checkpoint and handed to
    the next opening, which cuts off what came after them. Any other returns none: after a crash its last batch may come
    again.
    """

    @property
    def exact(self) -> bool:
        """True if what was written can be taken back after a crash."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the operator: what the opening, and every announcement since, found and mended."""
        ...

    async def __aenter__(self) -> Self:
        """Open the destination, and bring it back to the marks. Raises OutputError if it can't be written now."""
        ...

    def announce(self, batch: Sequence[Message]) -> Marks:
        """Return what `write` of this batch is about to touch; saved before its first byte leaves. Touches nothing.

        Called again when the write failed: if another thing is to be touched now, the batch is written again at once.
        """
        ...

    async def write(self, batch: Sequence[Message]) -> Marks:
        """Write a batch, and return the new marks once every message of it is durable.

        Raises OutputError; Undeliverable where some messages can never be delivered.

        Called again with the same batch after an error, it first takes back its own torn attempt. The marks that it
        returns replace the announced ones.
        """
        ...

    async def __aexit__(self, *exc: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic, a file or another address, as a consumer finds the messages there (see `poller schema asyncapi`).

    `address` may hold `{fields}` in braces. `hosts` speak `protocol`, `security` is the kind of login there, in the
    words of AsyncAPI. `carries` says where the event's attributes are: a `line` is the event in JSON, and so is a
    `structured` message, with its content type in a header; a `binary` one has them as headers. See
    https://www.asyncapi.com/docs/reference/specification/v3.0.0
    """

    address: str
    protocol: str = ""
    hosts: tuple[str, ...] = ()
    security: Mapping[str, str] | None = None
    carries: Literal["line", "structured", "binary"] = "line"
    settings: Mapping[str, str] = field(default_factory=dict)
    """What AsyncAPI's binding of the protocol says of a channel: https://github.com/asyncapi/bindings"""


class OutputConfig(BaseModel):
    """The configuration of an output: its keys, and what it opens. A field `type: Literal[NAME]` names the output.

    An unknown key is an error, and no error shows what was set. A value that nobody may see is a `SecretStr`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    API: ClassVar[int] = 1
    """The version of the interface that the output was made for: 1 where its class says nothing."""

    type: str

    @abstractmethod
    def open(self, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()) -> Output:
        """Return the output, to be opened at these marks, without any I/O; `places` are the streams to come.

        Raises OutputError where a mark is none of its own.
        """

    @abstractmethod
    def check(self, marks: Mapping[str, bytes] | None = None) -> str:
        """Return a sentence that says that the output can be written to, and stands at these marks (None: unknown).

        Raises OutputError. Changes nothing and creates nothing: a running poller may be writing. It runs in a thread.
        """

    @abstractmethod
    def destinations(self) -> Sequence[str]:
        """Return names of all that this writes to, with * for any text without a slash; two outputs share none."""

    def channel(self, place: StreamRef, *, reject: bool = False) -> Channel:
        """Return where the events, or the rejects, of a stream go, as consumers find them."""
        return Channel(", ".join(self.destinations()))
