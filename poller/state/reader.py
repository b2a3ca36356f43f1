"""A state that is only read: what it holds of a stream, of a source's token, of the accounts it belongs to."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from poller.events.seen import Seen
from poller.plugin.credentials import Token
from poller.plugin.source import Source
from poller.state.account import AccountId
from poller.state.checkpoint import Checkpoint
from poller.state.rows import (
    ACCOUNT,
    CHECKPOINT,
    MARK,
    TOKEN,
    doubts_of,
    identity_mismatch,
    mismatches,
    whole_chunk,
)


@dataclass(frozen=True, slots=True)
class Restored:
    """The knowledge that a state has of one stream: no checkpoint, and nothing else, before the first poll."""

    checkpoint: Checkpoint | None
    seen: Seen
    doubts: frozenset[int]


class StateReader(Protocol):
    """A state that can be read: values by key, and each stream's chunks of seen."""

    def get(self, key: str) -> bytes | None:
        """One value."""
        ...

    def under(self, prefix: str) -> dict[str, bytes]:
        """All values whose key begins so, by the rest of the key."""
        ...

    def chunks(self, stream: str) -> Iterable[bytes]:
        """A stream's chunks, oldest first."""
        ...

    def chunk_bytes(self, stream: str) -> int:
        """The bytes of a stream's chunks."""
        ...


def restore(stored: StateReader | None, stream: str, keep: float | None) -> Restored:
    """Read what a state knows of one stream; nothing, where there is no state yet."""
    seen = Seen(keep)
    if stored is None:
        return Restored(None, seen, frozenset())
    for _ in loading(stored, stream, seen):
        pass
    return restored(stored, stream, seen)


def loading(stored: StateReader, stream: str, seen: Seen) -> Iterator[None]:
    """Take a stream's chunks in, with a few milliseconds of work between two yields."""
    chunks = (whole_chunk(stream, data) for data in stored.chunks(stream))
    return seen.loading(chunks, stored.chunk_bytes(stream))


def restored(stored: StateReader, stream: str, seen: Seen) -> Restored:
    """Read the rest of what a state knows of one stream, once its chunks are in `seen`."""
    return Restored(CHECKPOINT.read(stored, stream), seen, doubts_of(stored, stream))


def facts_of(stored: StateReader | None, stream: str) -> Collection[str]:
    """Read what pages have told of a stream so far (see `Http.knows`)."""
    checkpoint = CHECKPOINT.read(stored, stream) if stored else None
    return checkpoint.facts if checkpoint else ()


def token_of(stored: StateReader | None, source: str) -> Token | None:
    """Read a source's token."""
    return TOKEN.read(stored, source) if stored else None


def marks_of(stored: StateReader | None, output: str) -> Mapping[str, bytes]:
    """Read where an output stood at the last commit."""
    return stored.under(MARK.key(output, "")) if stored else {}


def identity_mismatches(stored: StateReader | None, sources: Mapping[str, Source]) -> list[str]:
    """Return one line for each described stream whose records were named otherwise when they were delivered."""
    found = []
    for name, source in sources.items() if stored else ():
        for stream in source.built_streams:
            declared, key = stream.records.declared, f"{name}/{stream.name}"
            known = CHECKPOINT.read(stored, key) if declared and stored else None
            if declared and known and (problem := identity_mismatch(key, known.identity, declared.identity)):
                found.append(problem)
    return found


def account_mismatches(stored: StateReader | None, owners: Mapping[str, AccountId]) -> list[str]:
    """Return one line for each source whose state belongs to another account than the configured one."""
    return mismatches(stored.under(ACCOUNT.prefix) if stored else {}, owners)


def likely_renames(stored: StateReader | None, owners: Mapping[str, AccountId]) -> list[str]:
    """Return one line for each source that the state does not know, where it knows its account by a former name."""
    saved = stored.under(ACCOUNT.prefix) if stored else {}
    left = {source: ACCOUNT.stored(source, row) for source, row in saved.items() if source not in owners}
    return [
        f"{new} is not known, and {old}, which is not configured, is of the same account: if that is its former name, "
        f"`poller state rename {old} {new}` keeps what is known; else its records come as new ones"
        for new, owner in owners.items()
        if new not in saved
        for old in [old for old, was in left.items() if was == owner][:1]
    ]
