"""Chunks of a state, as a commit writes them."""

from collections.abc import Iterable

from poller.events.seen import Entry, pack_rows


def pack(entries: Iterable[tuple[int, Entry]]) -> bytes:
    """Pack one commit's entries as one chunk."""
    return b"".join(pack_rows(dict(entries)))
