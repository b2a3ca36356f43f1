"""A whole state in memory, and what an operator can do to a state while no poller runs."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from poller.state.rows import TOKEN


@dataclass(slots=True)
class StateDump:
    """A state's rows by key, tokens in clear, and its chunks of seen, oldest first.

    A chunk is its stream, its commit's time in seconds since 1970, and its data.
    """

    rows: dict[str, bytes] = field(default_factory=dict)
    chunks: Iterable[tuple[str, int, bytes]] = ()

    @property
    def tokens(self) -> list[str]:
        """The sources that have a token."""
        return TOKEN.names(self.rows)


class OfflineState(Protocol):
    """A state that is held for one command: no poller uses it meanwhile."""

    def all(self) -> StateDump:
        """Read all rows and chunks."""
        ...

    async def forget(self, keys: Collection[str], streams: Collection[str]) -> None:
        """Remove these rows, and these streams' chunks of seen."""
        ...

    async def move(self, added: StateDump, keys: Collection[str], streams: Collection[str]) -> None:
        """Put this into the state, and remove these rows and streams' chunks: as one, or in that order."""
        ...

    async def fill(self, whole: StateDump) -> list[str]:
        """Put all of this into a state that is empty; says what has no meaning there, and was left out."""
        ...
