"""What is compared is what is meant: another serializer makes no news, at no vendor, and neither does an upgrade.

Killed: numbers compared as texts; texts taken for numbers that are none; a truth that is only itself; an empty list
that is not null; times compared as written; an offset that is lost; a digest of the meaning compared with one of the
spelling; former entries that are adopted only where their bytes have changed, or asked although their bytes are the
same; a reject that comes again after an upgrade.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.digest import Projections, digest_of_meaning, digest_of_spelling
from poller.events.meaning import meaning_of
from poller.events.seen import REJECT, UNSTAMPED, Entry, Seen, key_of, key_of_reject
from poller.events.transform import transform
from poller.plugin.stream import Stream
from poller.state.reader import restore
from poller.state.sqlite.database import Database
from tests.sources import agendize_pages, ipscape_pages, trackdrive_pages
from tests.sources.settings import CALLCAP, FLEXTELL, READ
from tests.state.states import STATES, old_state
from tests.support.packing import pack
from tests.support.toy import Reader, record

SAME: list[tuple[Any, ...]] = [
    (10.5, "10.5", "10.50", 10.50, "1.05e1", "1.05E+1"),
    (5, 5.0, "5", "5.0", "5.00", "5e0"),
    (0, 0.0, -0.0, "0", "0.0", "-0", "-0.0", False, "false", "False"),
    (True, 1, 1.0, "1", "1.0", "true", "True", "TRUE"),
    (-3, "-3", "-3.0"),
    (1e18, "1e18", 10**18, "1" + "0" * 18),
    (17195550100, "17195550100"),
    (None, "", [], {}, {"a": None}, {"a": {"b": ""}}),
    ([1, None], ["1", ""], [True, {}]),
    ({"a": 1, "b": "x"}, {"b": "x", "a": "1", "c": None}),
    (
        "2026-03-14T16:15:42Z",
        "2026-03-14T16:15:42.000000Z",
        "2026-03-14T16:15:42.0Z",
        "2026-03-14 16:15:42 UTC",
        "2026-03-14T16:15:42+00:00",
        "2026-03-14T12:15:42-04:00",
        "2026-03-14T12:15:42-0400",
        "2026-03-15T02:15:42.0000000+10:00",
    ),
    ("2026-03-14T16:15:42.5Z", "2026-03-14T16:15:42.500Z", "2026-03-14T18:15:42.500+02:00"),
    ("2026-03-14 09:15:42", "2026-03-14T09:15:42", "2026-03-14 09:15:42.000"),
    ("2026-03-14 09:15:00", "2026-03-14T09:15", "2026-03-14 09:14:60"),
    ("2026-03-14T09:15:00Z", "2026-03-14T11:15+02", "2026-03-14 11:15+02:00", "2026-03-14T09:14:60Z"),
]
OTHER: list[tuple[Any, Any]] = [
    ("00501", "501"), ("+17195550100", "17195550100"), ("010.5", 10.5), ("0x10", 16), ("1,000", 1000), ("1_000", 1000),
    (".5", 0.5), ("5.", 5), (" 5", 5), ("5 ", 5), ("٣", 3), ("1e999", None), ("1e999", "1e998"), ("nan", None),
    ("x", "y"), ("Yes", True), ("a", None), (" ", None), (0, None), (False, None), ("0", ""), ("NF", None),
    (12345678901234567890, 12345678901234567891), ("12345678901234567890", "12345678901234567891"), (0.1, "0.10001"),
    ([1, 2], [2, 1]), ([None], None), ([None], [None, None]), ({"a": 1}, {"b": 1}), ({"a": 1}, [1]), ([1], 1),
    ("2026-03-14T16:15:42Z", "2026-03-14T16:15:43Z"), ("2026-03-14T16:15:42Z", "2026-03-14 16:15:42"),
    ("2026-03-14T16:15:42Z", "2026-03-14T16:15:42.000001Z"), ("2026-03-14T16:15:42+01:00", "2026-03-14T16:15:42+02:00"),
    ("2026-03-14", "2026-03-14T00:00:00Z"), ("2026-99-14 16:15:42", "2026-03-14 16:15:42"),
]  # fmt: skip


@pytest.mark.parametrize("digits", [4300, 4301])
def test_more_digits_than_python_reads_are_a_text(digits: int) -> None:
    (event,) = Reader().read(record(text="9" * digits, extra=["9" * digits]))
    assert event["type"] == "lead.created"


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: repr(spellings[0]))
def test_spelling_makes_no_revision(spellings: tuple[Any, ...]) -> None:
    for first in spellings:
        reader = Reader()
        reader.read(record(text=first, extra=[first]))
        assert [shown for shown in spellings if reader.read(record(text=shown, extra=[shown]))] == []


@pytest.mark.parametrize(("before", "after"), OTHER, ids=repr)
def test_what_means_another_thing_is_a_revision(before: Any, after: Any) -> None:
    for first, then in ((before, after), (after, before)):
        reader = Reader()
        reader.read(record(text=first))
        assert [event["revision"] for event in reader.read(record(text=then))] == [2]


def test_an_identity_is_one_however_it_is_spelt() -> None:
    reader = Reader()
    reader.read(record(5, text="a"))
    assert [event["type"] for event in reader.read(*(record(spelt, text="a") for spelt in (5.0, "5", "5.0")))] == []
    assert [event["type"] for event in reader.read(record("005", text="a"))] == ["lead.created"]


@given(st.text() | st.from_regex(r"[-+0-9.eETZ: ]{1,30}"))
def test_a_text_is_itself_or_a_number_or_a_time_that_says_the_same(text: str) -> None:
    meant = meaning_of(text)
    assert meaning_of(msgspec.to_builtins(meant)) == meant
    if isinstance(meant, int | float):
        exactly = int if isinstance(meant, int) and text.lstrip("-").isdecimal() else float  # beyond 2**53, too
        assert meant == (text.lower() == "true" if text.isalpha() else exactly(text))


def test_what_a_value_means_is_pinned() -> None:
    """Whoever changes this changes what older entries are compared with: see `_AS_MEANT`."""
    content = [value for spellings in SAME for value in spellings] + [value for pair in OTHER for value in pair]
    assert digest_of_meaning(content) == PINNED


PINNED = 7842303716769415137

OLD: dict[str, list[dict[str, Any]]] = json.loads((STATES / "spelt.json").read_text())
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
STREAMS: dict[str, tuple[StreamInfo, Stream]] = {
    f"{settings['type']}/{stream.name}": (
        StreamInfo("acme", settings["type"], stream.name, stream.records.kind.KIND),
        stream,
    )
    for settings in (CALLCAP, FLEXTELL, agendize_pages.SETTINGS, ipscape_pages.SETTINGS, trackdrive_pages.SETTINGS)
    for stream in READ.validate_python(settings).build_streams()
}


def read(name: str, seen: Seen, records: list[Any]) -> Batch:
    """What a page with these records comes to, after which it is committed."""
    shape, stream = STREAMS[name]
    batch = transform(stream, shape, [json.dumps(each).encode() for each in records], seen, PageContext(NOW))
    seen.put(batch.seen.touched)
    seen.put(batch.seen.entries)
    return batch


def respelt(value: Any) -> Any:
    """As another serializer would print it: nothing of it means another thing."""
    if isinstance(value, dict):
        return {name: respelt(leaf) for name, leaf in reversed(value.items())} or None
    if isinstance(value, list):
        return [respelt(leaf) for leaf in value] or {}
    if isinstance(value, str) and value[10:11] == "T":
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f0 UTC") if found.tzinfo else value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return f"{value:.2f}" if isinstance(value, float) else f"{value}.0"
    return value or []


def leaves(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(inner)


@pytest.mark.parametrize("name", STREAMS)
def test_another_serializer_makes_no_news_at_any_vendor(name: str) -> None:
    records = [json.loads(row["record"]) for row in OLD[name]]
    seen = Seen(None)
    assert len(read(name, seen, records).messages) == len(records)
    assert all(respelt(each) != each for each in records)
    assert read(name, seen, [respelt(each) for each in records]).messages == []
    again = Seen(None)
    again.load(b"".join(seen_chunk for _, seen_chunk in seen.pack_by_day()))
    assert read(name, again, records).messages == [], "and after a restart, that knows no spelling"


LOCAL: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    (
        "callcap/calls",
        [
            {"start_datetime": shown, "end_datetime": f"2026-03-14T16:20:00{zone}"}
            for shown, zone in (
                ("2026-03-14 09:15:42", "Z"),
                ("2026-03-14T16:15:42+00:00", "+00:00"),
                ("2026-03-14T21:45:42+05:30", " UTC"),
            )
        ],
        {"start_datetime": "2026-03-14 16:15:42", "end_datetime": "2026-03-14T16:20:00Z"},
    ),
    (
        "agendize/calls",
        [
            {"start": {"dateTime": "2026-03-14T12:15:30", "timeZone": "US/Eastern"}},
            {"start": {"dateTime": "2026-03-14 12:15:30.000", "timeZone": "America/New_York"}},
            {"start": {"dateTime": "2026-03-14T12:15:30", "timeZone": "Eastern Standard Time"}},
            {"start": {"dateTime": "2026-03-14T16:15:30+00:00", "timeZone": "US/Eastern"}},
        ],
        {"start": {"dateTime": "2026-03-14T12:15:30", "timeZone": "US/Pacific"}},
    ),
]


@pytest.mark.parametrize(("name", "spellings", "other"), LOCAL)
def test_a_time_in_a_zone_that_is_known_is_an_instant(
    name: str, spellings: list[dict[str, Any]], other: dict[str, Any]
) -> None:
    record, seen = json.loads(OLD[name][0]["record"]), Seen(None)
    read(name, seen, [record | spellings[0]])
    assert [shown for shown in spellings if read(name, seen, [record | shown]).messages] == []
    assert len(read(name, seen, [record | other]).messages) == 1


@pytest.mark.parametrize("name", STREAMS)
def test_an_upgrade_tells_nothing_again_and_from_then_on_spelling_is_nothing(name: str, tmp_path: Path) -> None:
    database = Database.read(old_state(tmp_path))
    assert database
    seen = restore(database, "acme/calls", None).seen
    rows = OLD[name]
    seen.load(pack((row["key"], Entry(*row["entry"])) for row in rows))
    records = [json.loads(row["record"]) for row in rows]
    same, other = [row["record"] for row in rows], [{**each, "undocumented": 1} for each in records]
    shape, stream = STREAMS[name]
    for page in ([text.encode() for text in same], [json.dumps(each).encode() for each in other]):
        upgraded = Seen(None)
        upgraded.load(b"".join(chunk for _, chunk in seen.pack_by_day()))
        batch = transform(stream, shape, page, upgraded, PageContext(NOW))
        assert (batch.messages, batch.counts.duplicates) == ([], len(rows))
        assert {entry.projection for entry in batch.seen.entries.values()} == {
            Projections(stream.records.contents).number
        }
        assert len(batch.seen.entries) == len(rows), "adopted, for good"
        upgraded.load(pack(batch.seen.entries.items()))
        assert read(name, upgraded, [respelt(each) for each in records]).messages == []
    database.close()


def test_equal_bytes_are_equal_content_whatever_a_former_projection_says() -> None:
    reader, sent = Reader(), record(text="a")
    reader.seen.put({key_of("1"): Entry(7, xxh3_64_intdigest(sent), UNSTAMPED, 3, int(NOW.timestamp()), 0, 1)})
    assert reader.read(sent) == []
    assert [event["revision"] for event in reader.read(record(text="b"))] == [4]


def test_a_reject_that_was_told_as_it_was_spelt_is_not_told_again() -> None:
    reader, sent = Reader(), record(text="cannot", extra="5.0")
    records = reader.stream.records
    former = digest_of_spelling(records.contents[-1](records.decoder.decode(sent)))
    reader.seen.put({key_of_reject(former): Entry(former, 0, UNSTAMPED, 0, int(NOW.timestamp()), REJECT, 2)})
    assert reader.read(sent) == []
    assert [event["type"] for event in reader.read(record(text="cannot", extra="6.0"))] == ["record.rejected"]
    assert reader.read(record(text="cannot", extra=6)) == []


@pytest.mark.parametrize("name", STREAMS)
def test_an_upgrade_hides_no_edit(name: str) -> None:
    seen = Seen(None)
    seen.load(pack((row["key"], Entry(*row["entry"])) for row in OLD[name]))
    records = [json.loads(row["record"].replace("Pat", "Robin").replace('"name":"', '"name":"x')) for row in OLD[name]]
    changed = [each for each, row in zip(records, OLD[name], strict=True) if each != json.loads(row["record"])]
    assert len(read(name, seen, changed).messages) == len(changed)
