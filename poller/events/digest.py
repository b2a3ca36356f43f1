"""The values by which two showings of a record are compared: a digest of the content, the stamp as a number."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from poller.events.seen import UNSTAMPED

_comparable = msgspec.json.Encoder(order="deterministic").encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def digest(content: Any) -> int:
    """Return a 64-bit digest of a content, which is the same in whatever order its keys come."""
    return xxh3_64_intdigest(_comparable(content))


def microseconds(stamp: datetime | None) -> int:
    """Return a stamp in microseconds since 1970, or UNSTAMPED where there is none."""
    if stamp is None:
        return UNSTAMPED
    since = stamp - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@cache
def documented_fields(decoder: "msgspec.json.Decoder[Any]") -> frozenset[str]:
    """Return the names of the fields that a decoder's record has."""
    return frozenset(known.encode_name for known in msgspec.structs.fields(decoder.type))
