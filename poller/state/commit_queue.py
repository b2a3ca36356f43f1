"""One line of commits: they are made one after the other, and those that wait together share one."""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from poller.state.ledger import Change
from poller.telemetry import Telemetry


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
        self.line = anyio.Lock()

    async def put(self, change: Change) -> None:
        """Return once the change is true. Raises what `commit` raises, where it was this change's turn."""
        self._waiting.append(change)
        try:
            async with self.line:
                if change in self._waiting:
                    began = anyio.current_time()
                    group = self._ready()
                    await self._commit(group)
                    self._waiting = [other for other in self._waiting if not any(other is done for done in group)]
                    self._telemetry.commit_done(anyio.current_time() - began)
        finally:  # what was given up must not be carried out by another
            self._waiting = [other for other in self._waiting if other is not change]

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
