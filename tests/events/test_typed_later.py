"""A record type that gets documented types later: what was compared without them is compared so once more.

ipSCAPE's did. What the version before made of any value, in any field, is pinned.

Killed: a former content that is made of a typed record, or encoded in the typed form; former entries that are adopted
without comparison, or never; a reject that is told again.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from xxhash import xxh3_64_hexdigest

from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.digest import Projections
from poller.events.seen import REJECT, UNSTAMPED, Entry, Seen, key_of, key_of_reject
from poller.events.transform import transform
from tests.sources.ipscape_pages import EMAIL, OUTBOUND, RECORDS, streams
from tests.sources.scripted import changed, leaves

STREAMS = streams()
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FORMER = 3 * 32 + 1
"""The number of the projections before there were types."""

VALUES: list[Any] = [
    None, "", [], {}, 0, -0.0, 5, 5.5, "5.0", "5e0", "007", "010.5", " 5", "12e4", "nan", "null", "NF", 10**20,
    f"{10**20}", True, False, "true", "Yes", "x", "2026-03-15T03:00:00+1100", "2026-03-15 03:00:00", "2026-03-15", [1],
    "20260315T030000Z", " 2026-03-15T03:00:00Z ", [None], [{}], {"a": 1}, [{"mediaId": "1", "duration": "5", "new": 1}],
    {"created": "2026-03-15T03:00:00Z", "mediaId": True},
]  # fmt: skip
PINNED = {
    "activities": "30e5ad78a4dfebb0",
    "dialler_calls": "69e26cd59efce026",
    "leads": "112c19ef77d91597",
    "campaigns": "bac171664eb8087e",
    "lead_lists": "6763e739f1ae6101",
    "users": "2a2e64fe563fa6b9",
}


def shown(name: str) -> Iterator[bytes]:
    """A stream's records as they are, and with each value in the place of each field."""
    for record in [RECORDS[name], *([OUTBOUND, EMAIL] if name == "activities" else [])]:
        yield json.dumps(record).encode()
        for path in leaves(record):
            yield from (json.dumps(changed(record, value, *path)).encode() for value in VALUES)


def former_digest(name: str, raw: bytes) -> int:
    records: Any = STREAMS[name].records
    projections = Projections(records.contents, records.decoder.decode_loosely, records.untyped)
    found = projections.former_digest(records.decoder.decode(raw), raw, FORMER)
    assert found is not None
    return found


def read_after_upgrade(name: str, known: bytes, *raw: bytes) -> Batch:
    """Read records where the version before had told of one."""
    stream, seen, digest = STREAMS[name], Seen(None), former_digest(name, known)
    identity = stream.records.identity(stream.records.decoder.decode(known))
    told = Entry(digest, 1, UNSTAMPED, 3, int(NOW.timestamp()), 0, FORMER)
    seen.put({key_of(f"{identity}"): told, key_of_reject(digest): replace(told, flags=REJECT)})
    info = StreamInfo("acme", "ipscape", name, stream.records.kind.KIND)
    return transform(stream, info, raw, seen, PageContext(NOW))


@pytest.mark.parametrize("name", STREAMS)
def test_what_had_no_types_is_compared_as_it_was_whatever_its_values(name: str) -> None:
    digests = [former_digest(name, raw) for raw in shown(name)]
    assert xxh3_64_hexdigest(f"{digests}".encode()) == PINNED[name]


@pytest.mark.parametrize("name", STREAMS)
def test_nothing_is_told_again_after_the_upgrade(name: str) -> None:
    today = Projections(STREAMS[name].records.contents).number
    for raw in [*shown(name)][::9]:
        batch = read_after_upgrade(name, raw, raw)
        assert (batch.messages, batch.counts.duplicates) == ([], 1), raw
        assert {entry.projection for entry in batch.seen.entries.values()} <= {today}, "adopted, for good"


@pytest.mark.parametrize("name", STREAMS)
def test_an_edit_is_told_after_the_upgrade(name: str) -> None:
    record = RECORDS[name]
    edited = json.dumps(record).replace("Example", "Else").replace("March", "April").replace("Renewals", "Sales")
    batch = read_after_upgrade(name, json.dumps(record).encode(), edited.encode())
    assert [json.loads(message.value)["revision"] for message in batch.messages] == [4]
