"""One line of commits: they are made one after the other, and those that wait together share one."""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from poller.state.ledger import Change
from poller.telemetry import Telemetry

_PAUSE = 1.0
"""Seconds after a commit in which changes that may wait do so."""


class CommitQueue:
    """Changes that wait to be committed, of all streams that share a transaction.

    `line` is held during a commit: whoever else must not be in its way takes it, too.
    """

    def __init__(
        self, commit: Callable[[Sequence[Change]], Awaitable[None]], telemetry: Telemetry, most: int | None = None
    ) -> None:
        """`commit` makes several changes true as one; `most` is how many messages they may have, but for a single one
        (None: any number)."""
        self._commit, self._telemetry, self._most = commit, telemetry, most
        self._waiting: list[Change] = []
        self._later: dict[str, Change] = {}
        self._committed = -_PAUSE
        self.line = anyio.Lock()

    async def put(self, change: Change) -> None:
        """Return once the change is true, or waits where it may. Raises what `commit` raises, at this change's turn."""
        if change.may_wait:
            self._later[change.stream] = change
            if anyio.current_time() - self._committed >= _PAUSE:
                await self.flush()
            return
        self._waiting.append(change)
        try:
            async with self.line:
                if change in self._waiting:
                    await self._commit_all(self._ready())
        finally:  # what was given up must not be carried out by another
            self._waiting = [other for other in self._waiting if other is not change]

    async def flush(self) -> None:
        """Commit the changes that may wait. Raises what `commit` raises."""
        if self._later:
            async with self.line:
                if self._later:
                    await self._commit_all([])

    async def _commit_all(self, group: Sequence[Change]) -> None:
        """Commit these, and with them what may wait, but for the streams that have something newer here."""
        now, newer = anyio.current_time(), {change.stream for change in group}
        later = [change for stream, change in self._later.items() if stream not in newer]
        self._committed = now
        await self._commit([*group, *later])
        self._waiting = [other for other in self._waiting if not any(other is done for done in group)]
        for stream in newer:
            self._later.pop(stream, None)
        for change in later:
            if self._later.get(change.stream) is change:
                del self._later[change.stream]
        self._telemetry.commit_done(anyio.current_time() - now)

    def _ready(self) -> Sequence[Change]:
        """Return those at the head of the line who fit into one commit; one at least."""
        group: list[Change] = []
        messages = 0
        for change in self._waiting:
            messages += len(change.batch.messages)
            if group and self._most is not None and messages > self._most:
                break
            group.append(change)
        return group
