"""Lists with numbered pages, each of which says its number, its size and the total."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw

from poller.errors import Unexpected
from poller.plugin.fields.decoding import decode_response
from poller.plugin.fields.structs import struct_of
from poller.plugin.pagination.envelope import read_count
from poller.plugin.pagination.pages import ListPage
from poller.plugin.stream import Response


class Numbering(msgspec.Struct, frozen=True):
    """The numbers that a page of a numbered list has: its own, its size, that of the last page, the total of records.

    `rows` is the number of records in it, None where the vendor does not say.
    """

    number: int
    size: int
    last: int
    total: int
    rows: int | None = None


def numbering(**names: str) -> Callable[[Response | bytes | Raw], Numbering]:
    """Return a reader of the Numbering in an answer, or in a part of one; `names` are the vendor's names of its fields.

    The reader raises Unexpected where one of these fields is not a whole number.
    """
    decoder = msgspec.json.Decoder(struct_of(" ".join(names.values())))

    def read(answer: Response | bytes | Raw) -> Numbering:
        found = decode_response(decoder, answer)
        counts = {own: read_count(getattr(found, name)) for own, name in names.items()}
        for own, count in counts.items():
            if count is None:
                raise Unexpected(f"not the documented answer: its {names[own]} is no whole number")
        return msgspec.convert(counts, Numbering)

    return read


def numbered_page(found: Numbering, rows: Sequence[Raw], date: datetime | None, *, number: int, size: int) -> ListPage:
    """Return the page with the number of the next one, and what is doubtful about it.

    `number` and `size` are what was asked for. A vendor that makes its pages of another size, and says so, numbers them
    by that size: the list is read on by it. A full last page has one `beyond` it. Raises Unexpected where it is another
    page: that is the answer to another request, and nobody knows which.
    """
    if found.number != number:
        raise Unexpected(f"page {number} is not what was asked for: it says it is page {found.number}")
    size = found.size or size
    pages = -(-found.total // size)
    goes_on = number < found.last or (len(rows) >= size and number < pages)
    doubt = next(_contradictions(found, len(rows), size, pages), None)
    full = len(rows) >= size and not goes_on
    return ListPage(
        rows,
        found.total,
        number + 1 if goes_on else None,
        date,
        doubt=f"page {number} contradicts itself: {doubt}" if doubt else None,
        size=found.size,
        beyond=number + 1 if full else None,
    )


def _contradictions(found: Numbering, rows: int, size: int, pages: int) -> Iterator[str]:
    expected = max(0, min(size, found.total - (found.number - 1) * size))
    if found.last != pages and (pages, found.last) != (0, 1):
        yield f"{found.total} records are not {found.last} pages"
    if found.rows not in {None, rows}:
        yield f"it holds {rows} records and says {found.rows}"
    if rows != expected:
        yield f"it holds {rows} records where its total of {found.total} makes {expected}"
