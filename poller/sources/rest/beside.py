"""What an answer says beside its records, in words that are well known: that its list goes on, how long it is,
that something failed.

| words | prove that there is more, if they are | where they are believed |
|---|---|---|
| `THERE_IS_MORE` | true | whatever is described |
| `IS_LAST` | false, and no address among `_LINKS` | whatever is described |
| `LEADS_ON` | not null, empty, false or 0 | behind rows, if nothing is described that says how a list goes on |
| `COUNTS` | more than the rows, or than one page | likewise, if the page looks full: they may count all there is |
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw

from poller.plugin import DECODE_ERRORS, Path, Response, error_in, parse_path

THERE_IS_MORE = frozenset({
    "has_more", "has_more_items", "has_more_pages", "has_more_rows", "has_next", "has_next_page", "hasmore",
    "hasmoreitems", "hasmorepages", "hasnext", "hasnextpage", "more", "more_items", "more_items_in_collection",
    "more_records", "more_results", "morerecords", "moreresults",
})  # fmt: skip
LEADS_ON = frozenset({
    "cursor", "next", "next_cursor", "next_link", "next_marker", "next_offset", "next_page", "next_page_link",
    "next_page_start", "next_page_token", "next_page_uri", "next_page_url", "next_records_url", "next_start",
    "next_token", "next_uri", "next_url", "nextcursor", "nextlink", "nextmarker", "nextoffset", "nextpage",
    "nextpagestart", "nextpagetoken", "nextpageurl", "nextrecordsurl", "nextstart", "nexttoken", "nexturl",
})  # fmt: skip
GOES_ON = THERE_IS_MORE | LEADS_ON
"""Words that are true, or a place, while a list goes on."""
IS_LAST = frozenset({
    "complete", "completed", "done", "end_of_stream", "endofstream", "finished", "is_complete", "is_done",
    "is_finished", "is_last", "is_last_page", "iscomplete", "isdone", "isfinished", "islast", "islastpage", "last",
})  # fmt: skip
COUNTS = frozenset({
    "count", "pages", "total", "total_count", "total_items", "total_pages", "total_records", "total_results",
    "total_size", "totalcount", "totalitems", "totalpages", "totalrecords", "totalresults", "totalsize",
})  # fmt: skip
_AROUND = frozenset({
    "_links", "_meta", "additional_data", "cursors", "info", "links", "list_info", "meta", "metadata", "page",
    "page_info", "pageinfo", "pages", "pagination", "paging", "response_metadata", "result_info",
})  # fmt: skip
"""Objects that hold such words; one may stand in another."""
_LINKS = frozenset({"_links", "links"})
"""Objects in which `last` is the address of a page: false where there is none."""
_WORD = re.compile(r"[^.:@]*\Z")
_BETWEEN = 100
"""Between two rows of a body there are a comma and white space: no more bytes than so many."""


def _one_of(words: Collection[str]) -> bytes:
    """Return a pattern of fields with such a name, as `word_of` finds it."""
    return rb'"(?:[^"]*[.:@])?_*(?:%b)"\s*:\s*' % "|".join(sorted(words)).encode()


_SAID_MORE = re.compile(rb"%btrue|%bfalse" % (_one_of(THERE_IS_MORE), _one_of(IS_LAST)), re.IGNORECASE)
_LED_ON = re.compile(rb'%b(?!null|false|"0?"|0\s*[,}]|\{\s*\}|\[\s*\])' % _one_of(LEADS_ON), re.IGNORECASE)
_COUNTED = re.compile(rb"%b\d" % _one_of(COUNTS), re.IGNORECASE)
_FAILED = re.compile(
    rb'"(?:errors?|error[_-]?message|faults?|exceptions?)"\s*:\s*(?!null|false|""|0\s*[,}]|\{\s*\}|\[\s*\])'
    rb'|"(?:success|ok)"\s*:\s*(?:"?false|"?0\b)'
    rb'|"(?:status|code|status[_-]?code)"\s*:\s*"?\s*(?:[45]\d\d\b|err|fail)',
    re.IGNORECASE,
)


def failed(response: Response, rows: Sequence[Raw], judged: Collection[str]) -> str | None:
    """Return why rows may not be all: the answer says beside them that it failed. None where it does not.

    It is decoded once more only where such a word stands before the first row or behind the last.
    """
    first, last = bytes(rows[0]), bytes(rows[-1])
    before, behind = max(response.sent.find(first), 0), response.sent.rfind(last) + len(last)
    if not (_FAILED.search(response.sent, 0, before) or _FAILED.search(response.sent, behind)):
        return None
    name = error_in(response, judged)
    return f"its {name} says that it failed, beside records: are they all? Then name it in `expect`" if name else None


class Beside:
    """What an answer says beside its rows, which were found at `records`: what they say is about themselves.

    Nothing is decoded unless a well-known word stands there, since every poll has a last page.
    """

    def __init__(self, response: Response, records: str, rows: Sequence[Raw]) -> None:
        self._response, self._records, self._rows = response, records, rows

    def says_more(self, within: str = "") -> tuple[str, bool] | None:
        """Return the path of what says in so many words that there is more of the list, and whether it is true or
        false; None where nothing does. What is not `within` this path is left alone."""
        said = self._said(_SAID_MORE, THERE_IS_MORE | IS_LAST)
        return next(((path, value) for path, value in said if path.startswith(within) and is_more(path, value)), None)

    def leads_on(self) -> str | None:
        """Return the path at which an answer names a page after these rows; None where it names none.

        Where no row came, there is nothing behind them: some vendors go on naming a page.
        """
        said = self._said(_LED_ON, LEADS_ON) if self._rows else ()
        return next((path for path, value in said if is_something(value)), None)

    def counts_more(self) -> tuple[str, int] | None:
        """Return the path of a number beside these rows that says there are more of them, and the number."""
        return more_than(len(self._rows), self._said(_COUNTED, COUNTS)) if self._rows else None

    def _said(self, pattern: re.Pattern[bytes], words: Collection[str]) -> Iterable[tuple[str, Any]]:
        found = any(map(pattern.search, self._pieces))
        return said_by(self._response.body, words, self._records) if found else ()

    @cached_property
    def _pieces(self) -> tuple[bytes, ...]:
        return _without(self._response.sent, self._rows)


def is_something(value: Any) -> bool:
    """Return whether a value is the place where a list goes on, or says that it does; a link may be in an object."""
    if isinstance(value, dict):
        return any(map(is_something, value.values()))
    return value not in (None, "", "0", [], False, 0)


def more_than(rows: int, said: Iterable[tuple[str, Any]]) -> tuple[str, int] | None:
    """Return which of the numbers says that there is more than a page of so many rows."""
    for path, value in said:
        word = word_of(path)
        least = 1 if "pages" in word else rows
        if word in COUNTS and isinstance(value, int) and value > least:
            return path, value
    return None


def is_more(path: str, value: Any) -> bool:
    """Return whether a flag at a path says that there is more of the list."""
    if word_of(path) in IS_LAST:
        return value is False and word_of(path.rpartition(".")[0]) not in _LINKS
    return value is True


def _without(body: bytes, rows: Sequence[Raw]) -> tuple[bytes, ...]:
    """Return what stands before the rows of a body, and behind them; all of it where they are not in one piece."""
    first, second = (*map(bytes, rows[:2]), b"", b"")[:2]
    start = body.find(first)
    behind = start + len(first)
    between = body[behind : body.find(second, behind, behind + len(second) + _BETWEEN)]
    piece = between.join(rows) if between.strip() == b"," else first
    if not rows or not body.startswith(piece, max(start, 0)):
        return (body,)
    return body[:start], body[start + len(piece) :]


def said_by(body: bytes, words: Collection[str], records: str) -> Iterator[tuple[str, Any]]:
    """Yield the paths, with their values, of what is called by one of these words beside the list at `records`, or
    beside an object that holds it."""
    try:
        whole = msgspec.json.decode(body)
    except DECODE_ERRORS:
        return
    for path, value in _beside(whole, parse_path(records)):
        if word_of(path) in words:
            yield path, value


def word_of(path: str) -> str:
    """Return the word at the end of a path, by which such fields are known: `@odata.nextLink` and `d.__next` end in one
    behind the name of its vocabulary, or underscores."""
    return _WORD.search(path)[0].lstrip("_").lower()  # type: ignore[index]


def _beside(whole: Any, records: Path, above: str = "") -> Iterator[tuple[str, Any]]:
    if records and isinstance(records[0], int):
        for one in whole[records[0] :][:1] if isinstance(whole, list) else ():
            yield from _beside(one, records[1:], f"{above[:-1]}[{records[0]}].")
        return
    for name, value in whole.items() if isinstance(whole, dict) else ():
        path = f"{above}{name}"
        if records[1:] and name == records[0]:
            yield from _beside(value, records[1:], f"{path}.")
        elif name.lower() in _AROUND and isinstance(value, dict):
            yield from _beside(value, (), f"{path}.")
        else:
            yield path, value
