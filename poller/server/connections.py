"""The connections of callers: each request, and each answer, comes to its end in time, and they are so many at most.

uvicorn closes connections that are idle, but waits for ever for the rest of a request that has begun, and for somebody
to read an answer.
"""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 128
"""The connections that are open at once: far more than those of a scraper, probes and some people."""
REQUEST_SECONDS = 5.0
"""Seconds in which a request arrives whole."""
ANSWER_SECONDS = 60.0
"""Seconds in which its answer is made, and taken: the metrics of 5,000 sources are megabytes."""


class BoundedConnection(H11Protocol):
    """A connection that ends in time. Where one too many comes, the one that waits longest for a request is closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, for a while.

        asyncio sets TCP_NODELAY only where a socket was made for TCP by its number, which `socket.create_server` does
        not do. Without it the body of an answer waits 40 ms, until the caller has acknowledged its head.
        """
        super().connection_made(transport)
        ours = transport.get_extra_info("socket")
        if ours.family != socket.AF_UNIX:  # a command beside us asks through a file
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._end_within(REQUEST_SECONDS)
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        if self._deadline:
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; one that is whole is to be answered, and one that begins to be whole, in time."""
        was_idle = self._is_idle
        super().data_received(data)
        if self.conn.their_state in {h11.DONE, h11.MUST_CLOSE}:
            self._end_within(ANSWER_SECONDS)
        elif was_idle:
            self._end_within(REQUEST_SECONDS)

    @property
    def _is_idle(self) -> bool:
        return self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    @property
    def is_asking(self) -> bool:
        """True if a request is still to come, or is not whole."""
        return self.conn.their_state not in {h11.DONE, h11.MUST_CLOSE}

    @property
    def ends_at(self) -> float:
        """The time, by the loop's clock, at which it is closed."""
        return self._deadline.when() if self._deadline else 0.0

    def _end_within(self, seconds: float) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        open_now = [other for other in self._all() if not other.transport.is_closing()]
        if len(open_now) > MOST:
            asking = [other for other in open_now if other.is_asking]
            min(asking, key=lambda other: other.ends_at, default=self).transport.abort()

    def _all(self) -> Iterator["BoundedConnection"]:
        return (other for other in self.connections if isinstance(other, BoundedConnection))
