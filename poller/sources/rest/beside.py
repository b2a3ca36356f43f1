"""What an answer says beside its records, in words that are well known: that its list goes on, how long it is."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from poller.plugin import DECODE_ERRORS, Path, parse_path

_THERE_IS_MORE = frozenset(
    {"has_more", "has_next", "has_next_page", "hasmore", "hasnext", "hasnextpage", "more", "more_results"}
)
"""Words that are true while a list goes on."""
GOES_ON = _THERE_IS_MORE | {
    "cursor", "next", "next_cursor", "next_link", "next_page", "next_page_link", "next_page_token", "next_page_uri",
    "next_page_url", "next_token", "next_uri", "next_url", "nextcursor", "nextlink", "nextpage", "nextpagetoken",
    "nexttoken", "nexturl",
}  # fmt: skip
"""Words by which an answer says that its list goes on."""
_AROUND = frozenset({"_links", "links", "meta", "metadata", "page", "page_info", "pageinfo", "pagination", "paging"})


def says_more(body: bytes, records: str) -> str | None:
    """Return the path of what says in so many words that there is more of the list; None where nothing does."""
    return next((path for path, value in said_by(body, _THERE_IS_MORE, records) if value is True), None)


def said_by(body: bytes, words: Collection[str], records: str) -> Iterator[tuple[str, Any]]:
    """Yield the paths, with their values, of what is called by one of these words beside the list at `records`, or
    beside an object that holds it."""
    try:
        whole = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return
    for path, value in _beside(whole, parse_path(records)):
        if path.rpartition(".")[2].lower() in words:
            yield path, value


def _beside(whole: Any, records: Path) -> Iterator[tuple[str, Any]]:
    for name, value in whole.items() if isinstance(whole, dict) else ():
        if records[1:] and name == records[0]:
            yield from ((f"{name}.{inner}", leaf) for inner, leaf in _beside(value, records[1:]))
        elif name.lower() in _AROUND and isinstance(value, dict):
            yield from ((f"{name}.{inner}", leaf) for inner, leaf in value.items())
        else:
            yield name, value
