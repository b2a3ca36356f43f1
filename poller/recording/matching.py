"""Which of the recorded answers a request gets.

A request is like a recorded one if method, path, parameters and body are the same, but for times in them: windows move
with the clock. Like requests get their answers in the order of the recording, each one once, so none is skipped. When
all were given, the last good one comes again: it holds nothing that was not given before. A request that is like none
gets nothing.
"""

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from urllib.parse import parse_qsl, unquote

from poller.recording.file import Exchange
from poller.recording.times import TIME


def request_key(method: str, path: str, query: str, sent: str | None, without: Collection[str] = ()) -> str:
    """Return what like requests have in common; parameters named `without` do not count, and neither does order."""
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in without]
    spelt = [f"{name}={_timeless(value)}" for name, value in sorted(pairs)]
    return "\n".join([f"{method} {unquote(path)}", *spelt, "" if sent is None else _timeless(_without_space(sent))])


def _timeless(text: str) -> str:
    return TIME.sub("~", text)


def _without_space(text: str) -> str:
    return re.sub(r"\s+", "", text)


class Tape:
    """A recording as it is replayed."""

    def __init__(self, exchanges: Iterable[Exchange], without: Collection[str] = ()) -> None:
        self._without = without
        self._waiting = defaultdict[str, deque[Exchange]](deque)
        self._last: dict[str, Exchange] = {}
        for exchange in exchanges:
            key = request_key(exchange.method, exchange.path, exchange.query, exchange.sent, without)
            self._waiting[key].append(exchange)

    def answer(self, method: str, path: str, query: str, sent: str | None = None) -> Exchange | None:
        """Return the exchange whose answer this request gets; None where nothing like it was recorded."""
        key = request_key(method, path, query, sent, self._without)
        if not self._waiting.get(key):
            return self._last.get(key)
        exchange = self._waiting[key].popleft()
        if exchange.status == 200 or key not in self._last:
            self._last[key] = exchange
        return exchange

    @property
    def left(self) -> int:
        """The number of answers that were not given yet."""
        return sum(map(len, self._waiting.values()))
