"""Readers of an answer's numbers and of its list of records, however a vendor's serializer spells them.

A vendor that changes its serializer sends the same in other words: a number in quotes, a list as an object with
numbered keys (PHP), null for an empty list, a single element for a list of one (XML turned into JSON). What then is
neither is not the documented answer.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from msgspec import Raw, UnsetType

from poller.errors import Unexpected
from poller.plugin.fields.columns import IdentityOf, PageRows
from poller.plugin.fields.scalars import read_number
from poller.plugin.pagination.no_records import require_no_error, require_nowhere_else
from poller.plugin.stream import Response

SentRows: TypeAlias = list[Raw] | dict[str, Raw] | UnsetType | None
"""The list of an answer as it may come; give such a field the default `msgspec.UNSET`."""


def read_count(leaf: object) -> int | None:
    """Read a whole number that is not negative, also one in quotes or with a fraction of zero; None for all else."""
    found = read_number(leaf)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def read_rows(
    sent: SentRows, name: str, identity: IdentityOf, *, total: int | None = None, answer: Response | None = None
) -> Sequence[Raw]:
    """Return the records of an answer's list `name`, which are none where it is null or not there.

    An object is a list where its keys are numbers, and a list of one where it has an identity. Raises Unexpected where
    it is neither, or where there is no list although the answer's total says that there are records; and with the
    whole `answer`, where it has no records and an error, or no list and records in another place.
    """
    if isinstance(sent, list):
        rows: Sequence[Raw] = PageRows(sent)
    elif isinstance(sent, dict):
        rows = _rows_of_object(sent, name, identity)
    elif total:
        raise Unexpected(f"not the documented answer: it holds no {name}, and a total of {total}")
    else:
        rows = []
        if answer:
            require_nowhere_else(answer, identity, name)
    if answer and not rows:
        require_no_error(answer)
    return rows


def _rows_of_object(sent: dict[str, Raw], name: str, identity: IdentityOf) -> Sequence[Raw]:
    if all(key.isdecimal() for key in sent):
        return [sent[key] for key in sorted(sent, key=int)]
    row = Raw(msgspec.json.encode(sent))
    if identity(row) is None:
        raise Unexpected(f"not the documented answer: its {name} are an object that is no record")
    return [row]
