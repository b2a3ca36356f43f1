"""The rows of a state: their keys, their values, and the accounts that they belong to.

A row's key is a letter, a bar, and the name of what it is about: a source (`acme`), a stream (`acme/calls`), or an
output and a path. The same keys stand in SQLite, in Kafka and, under words for the letters, in an export. This module
is the only one that knows the letters. They never change: a state that was written once is read for ever.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from msgspec import MsgspecError, json

from poller.errors import ConfigError
from poller.events.buckets import ITEM
from poller.events.seen import KEY, unpack_keys
from poller.plugin.credentials import Token
from poller.state.account import AccountId
from poller.state.checkpoint import Checkpoint

T = TypeVar("T")

encode = json.Encoder().encode


class Values(Protocol):
    """A mapping from keys to stored values, such as a state or its rows in memory."""

    def get(self, key: str) -> bytes | None:
        """One value."""
        ...


@dataclass(frozen=True, slots=True)
class Bytes:
    """A kind of row that holds bytes."""

    letter: str

    @property
    def prefix(self) -> str:
        """Return the beginning of all keys of this kind."""
        return f"{self.letter}|"

    def key(self, *names: str) -> str:
        """Return the key of one row: of a source, of a stream, of an output and a path."""
        return "|".join((self.letter, *names))

    def has(self, key: str) -> bool:
        """Return True if a key is of this kind."""
        return key.startswith(self.prefix)

    def names(self, keys: Iterable[str]) -> list[str]:
        """Return what the rows of this kind among these are about, sorted."""
        return sorted(name_of(key) for key in keys if self.has(key))


@dataclass(frozen=True, slots=True)
class Row(Bytes, Generic[T]):
    """A kind of row that holds a value of one type, as JSON."""

    type: type[T]

    def decode(self, value: bytes) -> T:
        """Read a value. Raises msgspec.MsgspecError where it is none, RecursionError where it is nested too deeply."""
        return json.decode(value, type=self.type)

    def read(self, values: Values, name: str) -> T | None:
        """Read one row; None where there is none. Raises ConfigError where it is not as this version writes it."""
        value = values.get(self.key(name))
        return None if value is None else self.stored(name, value)

    def stored(self, name: str, value: bytes) -> T:
        """Read the value that a state holds under this name. Raises ConfigError as `read` does."""
        try:
            return self.decode(value)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise damaged(self.key(name), str(error)) from None


ACCOUNT = Row("a", AccountId)
"""Of a source: the account that its state belongs to."""
CHECKPOINT = Row("c", Checkpoint)
"""Of a stream."""
TOKEN = Row("t", Token)
"""Of a source; encrypted in Kafka."""
PROOF = Row("p", datetime)
"""Of a source: written before a refresh token is spent, so that a process that lost the source hears of it."""
IN_DOUBT = Bytes("d")
"""Of a stream: keys of identities of which nobody knows whether an output holds their last event."""
MARK = Bytes("o")
"""Of an output and a name of its choosing: where it stood at the last commit."""
CHUNK = Bytes("f")
"""Of a stream, in Kafka: entries of seen that one commit added (SQLite has a table for them)."""
WRITER = Bytes("v")
"""Of the word `written`: the version of this program that wrote the state last."""


def doubts_of(values: Values, stream: str) -> frozenset[int]:
    """Read the keys of a stream's identities in doubt. Raises ConfigError where they end within one."""
    packed = values.get(IN_DOUBT.key(stream)) or b""
    if len(packed) % KEY:
        raise damaged(IN_DOUBT.key(stream), "it is cut short")
    return frozenset(unpack_keys(packed))


def damaged(key: str, why: str) -> ConfigError:
    """Return the error that what a state holds under a key is none of what this version writes."""
    return ConfigError(
        f"state: what it holds under {key!r} is not what this version writes ({why}); restore a copy of it with the "
        "output's files of the same moment, or move it away, and the files with it, to begin anew"
    )


def whole_chunk(stream: str, data: bytes) -> bytes:
    """Return a chunk of a stream's entries of seen. Raises ConfigError where it ends within one."""
    if len(data) % ITEM:
        raise damaged(CHUNK.key(stream), "it is cut short")
    return data


def letter_of(key: str) -> str:
    """Return the letter that says of which kind a row is."""
    return key[:1]


def name_of(key: str) -> str:
    """Return what a row is about: all behind its letter."""
    return key[2:]


def stream_of(key: str) -> str:
    """Return the stream (`acme/calls`) that a row is about, or the source where it is about one as a whole."""
    return name_of(key).partition("|")[0]


def source_of(key: str) -> str:
    """Return the source that a row is about, or one of whose streams it is."""
    return stream_of(key).partition("/")[0]


def renamed(key: str, source: str) -> str:
    """Return the key that a row has when its source is called so."""
    letter, _, name = key.partition("|")
    _, slash, stream = name.partition("/")
    return f"{letter}|{source}{slash}{stream}"


def is_of_source(key: str) -> bool:
    """Return True if a row is about a source or a stream, and not about an output or the state as a whole."""
    return key[1:2] == "|" and not MARK.has(key) and not WRITER.has(key)


def is_of_stream(key: str) -> bool:
    """Return True if a row says something of a stream, or of a source's login: a start alone writes no such row."""
    return not any(kind.has(key) for kind in (ACCOUNT, PROOF, MARK, WRITER))


def mismatches(saved: Mapping[str, bytes], owners: Mapping[str, AccountId]) -> list[str]:
    """Return one line for each source whose state belongs to another account.

    `saved` are the accounts that the state names, by source; `owners` those of the configuration.
    """
    former = {source: ACCOUNT.stored(source, saved[source]) for source in owners if source in saved}
    return [_mismatch(source, was, owners[source]) for source, was in former.items() if was != owners[source]]


def identity_mismatch(name: str, was: str | None, now: str) -> str | None:
    """Return a line where the records of the stream `name` (`source/stream`) are named otherwise than in the state."""
    if was in {None, now}:
        return None
    dotted = name.replace("/", ".")
    return (
        f"sources.{dotted.replace('.', '.streams.', 1)}: its records were named by {was} so far, and now by {now}: all "
        f"would be news; put the former back, or forget what was delivered with `poller state reset {dotted}`"
    )


def _mismatch(source: str, was: AccountId, now: AccountId) -> str:
    tenant = f", tenant {was.tenant}" if was.tenant else ""
    remedy = (
        f"if it is the same account at its new place, `poller state accept {source}` says so; else give this account "
        "another name, or put the old one back"
        if was.type == now.type
        else "give this account another name, or put the old one back; `poller state accept` cannot help, as another "
        "type names its records in another way"
    )
    return (
        f"sources.{source}: the state under this name belongs to another account ({was.type}, {was.base_url}{tenant}): "
        f"{remedy}"
    )
