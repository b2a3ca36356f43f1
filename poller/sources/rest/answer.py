"""The answer to a request: whether it is the described one, its records, and what it says of the rest of the list."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from poller.plugin import (
    DECODE_ERRORS,
    IdentityOf,
    Path,
    Response,
    SentRows,
    Unexpected,
    compile_paths,
    decode_response,
    follow_path,
    parse_path,
    read_bool,
    read_count,
    read_id,
    read_rows,
    require_no_error,
    require_nowhere_else,
)
from poller.sources.rest.beside import failed
from poller.sources.rest.request import NOTHING, Bounds, fill_text

HEADERS = "headers."
MISSING = "missing"
_END = (None, "", False, 0, UNSET)
"""What stands where a list goes on, and says that it does not."""
_EMPTY: tuple[Any, ...] = (None, {}, [], UNSET)
_NAME = re.compile(r"[A-Za-z_$][\w.-]{0,39}", re.ASCII)
_NAMES = 20
"""No more of an answer's fields are named than so many."""
_ANY, _LIST = msgspec.json.Decoder(), msgspec.json.Decoder(list[Raw])
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s=;,<>\"]+(?:\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s;,\"]+))?)*)")
_REL_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"(?:[^\"]*\s)?next(?:\s[^\"]*)?\"|'next'|next\s*(?:;|$))", re.IGNORECASE)


def link_next(header: str) -> str | None:
    """Return the address that a Link header names as the next page (https://www.rfc-editor.org/rfc/rfc8288)."""
    return next((found[1] for found in _LINK.finditer(header) if _REL_NEXT.search(found[2])), None)


@dataclass(frozen=True, slots=True)
class Described:
    """The described parts of an answer: paths as text, where `headers.NAME` is a header.

    `time` is the path of a record's own time within it.
    """

    records: str
    expect: Mapping[str, Any]
    empty: frozenset[str]
    next: str | None = None
    more: str | None = None
    done: str | None = None
    total: str | None = None
    pages: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer holds. `next` is None at the end of the list, and where nothing is said of that.

    `more` is None where the answer does not say whether the list goes on. `doubt` says why the rows may not be all.
    """

    rows: Sequence[Raw]
    next: str | None = None
    more: bool | None = None
    total: int | None = None
    pages: int | None = None
    doubt: str | None = None


class Envelope:
    """A reader of answers that are described so."""

    def __init__(self, described: Described, identity: IdentityOf) -> None:
        self._described, self._identity = described, identity
        self._may_be_missing = MISSING in described.empty  # the list, and with it what counts its records
        self._rows = parse_path(described.records)
        self._judged = {
            f"{step}" for path in described.expect if not path.startswith(HEADERS) for step in parse_path(path)[:1]
        }
        named = (described.next, described.more, described.done, described.total, described.pages)
        texts = {text for text in (*named, *described.expect) if text and not text.startswith(HEADERS)}
        paths = {text: parse_path(text) for text in sorted(texts)}
        decoded: list[Path] = [path for path in paths.values() if path]
        leads_into_rows = any(path[: len(self._rows)] == self._rows for path in decoded)
        inline = self._rows and all(isinstance(step, str) for step in self._rows) and not leads_into_rows
        types: dict[Path, Any] = {self._rows: SentRows} if inline else {}
        shape, getters = compile_paths([*decoded, *types], types)
        self._getters = dict(zip(decoded, getters, strict=False))
        self._paths = paths
        self._read_rows = getters[-1] if inline else None
        self._decoder = msgspec.json.Decoder(shape) if decoded or inline else None

    def read(self, response: Response, bounds: Bounds, place: Mapping[str, str | int]) -> Answer:
        """Read an answer to what was asked. Raises Unexpected where it is not the described one."""
        if response.status != 200:
            return Answer((), total=0)
        body = decode_response(self._decoder, response) if self._decoder else None
        for path, wanted in self._described.expect.items():
            self._expect(path, wanted, body, response.headers, bounds, place)
        total, pages = self._count("total", body, response), self._count("pages", body, response)
        rows = self._found_rows(body, response, total)
        if not rows:
            require_no_error(response, self._judged)
        doubt = failed(response, rows, self._judged) if rows else None
        return Answer(rows, self._next(body, response.headers), self._goes_on(body, response), total, pages, doubt)

    def _get(self, text: str, body: Any, headers: Mapping[str, str]) -> Any:
        if text.startswith(HEADERS):
            return headers.get(text.removeprefix(HEADERS).lower())
        return self._getters[self._paths[text]](body)

    def _expect(
        self,
        path: str,
        wanted: Any,
        body: Any,
        headers: Mapping[str, str],
        bounds: Bounds,
        place: Mapping[str, str | int],
    ) -> None:
        due = fill_text(wanted, bounds, place) if isinstance(wanted, str) else wanted
        found = self._get(path, body, headers)
        if due is not NOTHING and not _is_same(found, due):
            raise wrong_key("expect", f"its {path} is not {due!r}")

    def _count(self, name: str, body: Any, response: Response) -> int | None:
        text = getattr(self._described, name)
        if text is None:
            return None
        count = read_count(self._get(text, body, response.headers))
        if count is None:
            nowhere = absent(text, response)
            if nowhere and self._may_be_missing and self._list_in(body, response) in _EMPTY:
                return None
            raise wrong_key(f"paging.{name}", nowhere or f"its {text} is no whole number")
        return count

    def _next(self, body: Any, headers: Mapping[str, str]) -> str | None:
        text = self._described.next
        found = None if text is None else self._get(text, body, headers)
        if found in _END:
            return None
        if text and text.lower() == f"{HEADERS}link":
            return link_next(found)
        word = read_id(found)
        if word is None:
            raise wrong_key("paging.next", f"its {text} is no place where a list goes on")
        return None if word == "0" else word

    def _goes_on(self, body: Any, response: Response) -> bool | None:
        text = self._described.more or self._described.done
        if text is None:
            return None
        said = read_bool(self._get(text, body, response.headers))
        if said is None:
            key = "paging.more" if self._described.more else "paging.done"
            raise wrong_key(key, absent(text, response) or f"its {text} is neither true nor false")
        return said if self._described.more else not said

    def _list_in(self, body: Any, response: Response) -> SentRows:
        return self._read_rows(body) if self._read_rows else _rows_at(self._rows, response.body)

    def _found_rows(self, body: Any, response: Response, total: int | None) -> Sequence[Raw]:
        found = self._list_in(body, response)
        if isinstance(found, list | dict):
            return read_rows(found, self._described.records, self._identity, total=total)
        if self._may_be_missing and found in _EMPTY and not total:
            self._require_nowhere_else(response)
            return ()
        raise wrong_key("records", f"it holds no list at {self._described.records}")

    def _require_nowhere_else(self, response: Response) -> None:
        """Raise Unexpected where records are in another place than described: their list is not missing."""
        try:
            require_nowhere_else(response, self._is_record, f"list at {self._described.records}")
        except Unexpected as error:
            error.key = "records"
            raise

    def _is_record(self, row: Raw) -> bool:
        """Return whether a row has what a record has: a list of something else (facets, users) has no such time."""
        time = self._described.time
        return bool(self._identity(row) and (not time or follow_path(decode_response(_ANY, row), parse_path(time))))


def _rows_at(path: Path, sent: bytes) -> SentRows:
    """Return the list at a path that leads through positions in lists, or that is the body itself."""
    found: Any = Raw(sent)
    for step in path:
        try:
            held: Any = msgspec.json.decode(found, type=dict[str, Raw] if isinstance(step, str) else list[Raw])
            found = held[step]
        except (*DECODE_ERRORS, LookupError):
            return UNSET
    return None if bytes(found) == b"null" else decode_response(_LIST, found)


def wrong_key(key: str, text: str) -> Unexpected:
    """Return the error of an answer that contradicts this key of the description."""
    return Unexpected(f"not the documented answer: {text}", key=key)


def absent(text: str, response: Response) -> str | None:
    """Return in words that a path leads nowhere in an answer, and by name what is there; None where it leads on.

    Names that do not look like those of fields are left out: they may be data.
    """
    if text.startswith(HEADERS):
        return None if text.removeprefix(HEADERS).lower() in response.headers else f"it has no header {text[8:]}"
    above = "the answer"
    try:
        found = msgspec.json.decode(response.body)
    except DECODE_ERRORS:
        return None
    for step in parse_path(text):
        if not (isinstance(found, dict) and step in found) and not (
            isinstance(found, list) and step in range(len(found))
        ):
            there = sorted(filter(_NAME.fullmatch, found))[:_NAMES] if isinstance(found, dict) else []
            return f"it has no {text}; {above} has {', '.join(there) or 'no fields'}"
        found, above = found[step], f"its {step}"  # type: ignore[index]
    return None


def _is_same(found: Any, due: Any) -> bool:
    """Compare as a serializer may spell it: 3 and "3" are one number; null is what is absent, too."""
    if due in (None, [], {}) and not isinstance(due, bool):
        return found in (None, UNSET, due)
    if isinstance(due, bool) or isinstance(found, bool):
        return found is due
    return bool(found == due) or (read_id(found) is not None and read_id(found) == read_id(due))
