"""Sloppy kinds that change a list around its records: counts, page numbers, the list itself, rows, fields, pages."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from poller.sandbox.sloppy.reply import Reply
from poller.sandbox.sloppy.values import raw

EXTRA = "beta_score"
"""A field that no vendor documents."""
NESTED = "[" * 200 + "]" * 200
MOST_EMPTY = 5
FAR = 9_000_000_000
"""A number beyond all ids, from which cursors can be made."""

Change = Callable[[Reply], None]


def _totals(by: int) -> Change:
    return lambda reply: reply.change_numbers(reply.envelope.totals, lambda total: max(0, total + by))


def _quoted(*names: str) -> Change:
    def change(reply: Reply) -> None:
        for name in names:
            reply.change_numbers(getattr(reply.envelope, name), str)

    return change


def _with_fraction(*names: str) -> Change:
    def change(reply: Reply) -> None:
        for name in names:
            reply.change_numbers(getattr(reply.envelope, name), lambda number: raw(f"{number}.0"))

    return change


EVERYWHERE = ("totals", "pages", "sizes", "claims", "cursors", "statuses")


def _by_number(reply: Reply) -> None:
    if reply.rows:
        reply.replace_rows({f"{n}": row for n, row in enumerate(reply.rows)})


def _null(reply: Reply) -> None:
    if reply.rows == []:
        reply.replace_rows(None)


def _absent(reply: Reply) -> None:
    if reply.rows == [] and (key := reply.key):
        del reply.document[key]


def _alone(reply: Reply) -> None:
    if reply.rows and len(reply.rows) == 1:
        reply.replace_rows(reply.rows[0])


def _twice(reply: Reply) -> None:
    if reply.rows:
        reply.rows.append(reply.rows[0])
        reply.change_numbers(reply.envelope.totals + reply.envelope.claims, lambda number: number + 1)


def _with_extra(value: Callable[[], Any]) -> Change:
    def add(record: Any) -> Any:
        return {**record, EXTRA: value()} if isinstance(record, dict) else record

    return lambda reply: reply.change_records(add)


def _invalid_byte(reply: Reply) -> None:
    """Put an invalid byte into the first record alone."""
    if reply.rows and isinstance(reply.rows[0], dict):
        reply.rows[0] = {**reply.rows[0], EXTRA: orjson.Fragment(b'"caf\xe9"')}


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(inner) for inner in value] if isinstance(value, list) else value


def _repeated(record: Any) -> Any:
    if not isinstance(record, dict) or not record:
        return record
    names = list(record)
    again = orjson.dumps({name: record[name] for name in (names[0], names[-1])})
    return orjson.Fragment(orjson.dumps(record)[:-1] + b"," + again[1:])


def _emptied(reply: Reply) -> None:
    """Send five pages without rows before the first one, each with a cursor of its own."""
    if reply.rows is None or not isinstance(reply.document, dict):
        return
    for turn in (_trackdrive, _ipscape, _agendize):
        turn(reply)


def _trackdrive(reply: Reply) -> None:
    metadata, cursor = reply.document.get("metadata"), reply.query.get("cursor", "-1")
    if not isinstance(metadata, dict) or "next_cursor" not in metadata:
        return
    left = int(cursor) - FAR if int(cursor) >= FAR else MOST_EMPTY if int(cursor) < 0 else 0
    if left > 0:
        reply.replace_rows([])
        metadata["next_cursor"] = FAR + left - 1


def _ipscape(reply: Reply) -> None:
    metadata, cursor = reply.document.get("metadata"), reply.query.get("cursor", "")
    if not isinstance(metadata, dict) or "nextUri" not in metadata:
        return
    opened = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))) if cursor else {"left": MOST_EMPTY}
    if left := opened.get("left", 0):
        following = urlsafe_b64encode(orjson.dumps({"id": 0, "left": left - 1})).decode().rstrip("=")
        reply.replace_rows([])
        metadata["nextUri"] = f"/v3.0{reply.path.partition('/v3.0')[2]}?cursor={following}"


def _agendize(reply: Reply) -> None:
    """Send a token with one zero less each time; it stands for the same place as the answer's own token."""
    tokens = [reply.document.get(name) for name in ("nextPageToken", "nextSyncToken")]
    page, sync = (re.fullmatch(form, token or "") for form, token in zip((r"P\d+_(\d+)", r"CA(\w+)_\w+"), tokens))  # noqa: B905  both are two
    asked = re.fullmatch(r"P(0+)_\d+", reply.query.get("pageToken", "P000000_0"))
    left = len(asked[1]) - 1 if asked else 0
    if left and (page or sync):
        place = page[1] if page else f"{int(sync[1], 16)}" if sync else ""
        reply.document.pop("nextSyncToken", None)
        reply.document |= {"items": [], "nextPageToken": f"P{'0' * left}_{place}"}


LISTS: Mapping[str, tuple[str, Change]] = {
    "extra_field": ("records have a field that nobody documented", _with_extra(lambda: {"value": 7, "model": "b7"})),
    "deep_field": ("records have an undocumented field, 200 lists deep", _with_extra(lambda: raw(NESTED))),
    "invalid_byte": ("one byte of the body, in an undocumented field, is no UTF-8", _invalid_byte),
    "other_key_order": ("records have their keys in another order", lambda reply: reply.change_records(_turned)),
    "repeated_keys": ("records have a key twice, with the same value", lambda reply: reply.change_records(_repeated)),
    "row_twice": ("a record comes twice on its page, and is counted twice", _twice),
    "empty_pages": ("five empty pages, each with a new cursor, come first (trackdrive, ipscape, agendize)", _emptied),
    "rows_by_number": ("a list is an object with numbered keys", _by_number),
    "rows_null": ("an empty list is null", _null),
    "rows_absent": ("an empty list is left out", _absent),
    "row_alone": ("a list of one is its element", _alone),
    "total_one_more": ("the total is one too many, always", _totals(1)),
    "total_one_less": ("the total is one too few, always", _totals(-1)),
    "total_as_text": ("totals are in quotes", _quoted("totals")),
    "total_with_fraction": ("totals end in .0", _with_fraction("totals")),
    "page_as_text": ("page numbers are in quotes", _quoted("pages")),
    "page_with_fraction": ("page numbers end in .0", _with_fraction("pages")),
    "size_as_text": ("page sizes and counts of rows are in quotes", _quoted("sizes", "claims")),
    "envelope_as_text": ("all numbers beside the rows are in quotes", _quoted(*EVERYWHERE)),
    "envelope_with_fraction": ("all numbers beside the rows end in .0", _with_fraction(*EVERYWHERE)),
}  # fmt: skip
"""Of each kind: its line, and the change it makes."""
