"""What is remembered of an identity: packed, restored and expired without a change, and small.

Killed: an earlier chunk that wins; expiry by the chunk instead of the entry; `keep` off by one; a packed field too
narrow for its number; a day's chunk that is stamped with its oldest entry, so that it goes too early.
"""

import subprocess
import sys
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from poller.events import seen as module
from poller.events.batch import SeenUpdate
from poller.events.buckets import ITEM
from poller.events.seen import (
    BASELINE,
    DELETED,
    REJECT,
    UNSTAMPED,
    Entry,
    Seen,
    key_of,
    key_of_reject,
    keys_of,
    pack_keys,
    pack_rows,
    unpack_keys,
)
from tests.support.packing import pack

NOW = 1_800_000_000
DAY = 86_400
WORDS = st.integers(0, (1 << 64) - 1)
ENTRIES = st.builds(
    Entry,
    digest=WORDS,
    raw=WORDS,
    modified=st.one_of(st.just(UNSTAMPED), st.integers(-(1 << 63), (1 << 63) - 1)),
    revision=st.integers(0, (1 << 32) - 1),
    delivered=st.integers(0, (1 << 32) - 1),
    flags=st.integers(0, DELETED | BASELINE | REJECT),
    projection=st.integers(0, 255),
    steady=st.just(0),
)
BOOKS = st.dictionaries(WORDS, ENTRIES, max_size=20)


def entry(delivered: int, revision: int = 1) -> Entry:
    return Entry(1, 2, UNSTAMPED, revision, delivered, 0, 1)


def held(seen: Seen, keys: list[int], now: float = NOW) -> dict[int, int]:
    return {key: found.revision for key in keys if (found := seen.get(key, now))}


def forget(seen: Seen) -> None:
    for _ in seen.expire(NOW):
        pass


@settings(deadline=None)
@given(BOOKS)
def test_what_is_packed_comes_back_as_it_was(book: dict[int, Entry]) -> None:
    seen = Seen(None)
    seen.load(pack(book.items()))
    assert {key: seen.get(key, NOW) for key in book} == book
    assert len(seen) == len(book)
    assert seen.packed_size == len(pack(book.items()))


def test_what_is_not_volatile_is_known_until_a_restart() -> None:
    seen, again = Seen(None), Seen(None)
    seen.put({1: replace(entry(NOW), steady=7), 2: entry(NOW)})
    assert [found.steady for key in (1, 2) if (found := seen.get(key, NOW))] == [7, 0]
    for _, chunk in seen.pack_by_day():
        assert len(chunk) == seen.packed_size
        again.load(chunk)
    assert again.get(1, NOW) == entry(NOW)
    seen.load(pack([(2, entry(NOW, 5))]))
    assert held(seen, [1, 2]) == {1: 1, 2: 5}


@settings(deadline=None)
@given(BOOKS)
def test_everything_in_chunks_of_a_day_is_everything(book: dict[int, Entry]) -> None:
    seen, again = Seen(None), Seen(None)
    seen.put(book)
    chunks = list(seen.pack_by_day())
    for _, chunk in chunks:
        again.load(chunk)
    assert {key: again.get(key, NOW) for key in book} == book
    for at, chunk in chunks:
        one = Seen(None)
        one.load(chunk)
        times = [found.delivered for key in book if (found := one.get(key, NOW))]
        assert max(times) == at, "a chunk is dropped by its newest entry"
        assert len({time // DAY for time in times}) == 1


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(1, 3), ENTRIES), max_size=5))
def test_later_chunks_win(books: list[dict[int, Entry]]) -> None:
    seen, expected = Seen(None), dict[int, Entry]()
    for book in books:
        seen.load(pack(book.items()))
        expected |= book
    assert {key: seen.get(key, NOW) for key in expected} == expected


@settings(deadline=None)
@given(st.sets(WORDS))
def test_keys_come_back_as_they_were(keys: set[int]) -> None:
    assert unpack_keys(pack_keys(keys)) == keys


def test_an_entry_is_kept_so_long_after_its_last_delivery_and_no_longer() -> None:
    seen = Seen(keep=100.0)
    seen.put({1: entry(NOW - 100), 2: entry(NOW - 101), 3: entry(NOW)})
    assert held(seen, [1, 2, 3]) == {1: 1, 3: 1}
    assert held(seen, [1, 2, 3], NOW + 1) == {3: 1}
    for_ever = Seen(keep=None)
    for_ever.put({1: entry(0)})
    assert held(for_ever, [1]) == {1: 1}


@settings(deadline=None)
@given(BOOKS, WORDS, st.integers(0, 255), st.sampled_from([None, 100.0]))
def test_bytes_are_known_where_the_entry_has_them(
    book: dict[int, Entry], raw: int, projection: int, keep: float | None
) -> None:
    seen = Seen(keep)
    seen.put(book)
    keys = [*book, 7]
    entries = [seen.get(key, NOW) for key in keys]
    for shown, by in [(raw, projection), *((each.raw, each.projection) for each in book.values())]:
        expected = [found and (found.raw, found.projection) == (shown, by) for found in entries]
        assert seen.compare(keys, [shown] * len(keys), by, NOW) == expected


def test_a_chunk_that_expires_takes_only_what_nothing_newer_was_said_of() -> None:
    seen = Seen(keep=100.0)
    old = {1: entry(NOW - 200), 2: entry(NOW - 200)}
    seen.put(old)
    seen.put({2: entry(NOW - 10, revision=2)})
    forget(seen)
    assert held(seen, [1, 2]) == {2: 2}
    assert len(seen) == 1, "memory is bounded, too"
    forget(seen)


def test_what_is_packed_for_a_commit_cannot_be_changed_any_more() -> None:
    """Memory takes what was packed: an entry put in after that would be told of, and remembered by nobody."""
    update = SeenUpdate({1: entry(NOW)})
    assert list(update.rows()) == pack_rows({1: entry(NOW)})
    with pytest.raises(TypeError):
        update.entries[1] = entry(NOW, revision=2)


def test_an_identity_a_number_and_a_reject_have_different_fingerprints() -> None:
    keys = [
        key_of("1"),
        key_of("01"),
        key_of(""),
        key_of("é"),
        key_of_reject(1),
        key_of_reject(key_of("1")),
        key_of_reject(2),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of("1") == key_of("1")


def test_fingerprints_are_those_of_one_by_one_whatever_else_is_on_the_page() -> None:
    for page in (["1", "é"], ["1", "é", "ä\ud800"], ["1", None, "é"]):
        assert keys_of(page) == [0 if name is None else key_of(name) for name in page]


def test_a_chunk_is_there_only_if_what_it_says_is() -> None:
    seen, first, again = (
        Seen(None),
        pack([(1, entry(NOW)), (2, entry(NOW))]),
        pack([(1, entry(NOW)), (2, entry(NOW, 2))]),
    )
    assert not seen.has_chunk(first)
    seen.load(first)
    assert (seen.has_chunk(first), seen.has_chunk(again)) == (True, False)
    seen.load(again)
    assert (seen.has_chunk(first), seen.has_chunk(again)) == (False, True)


def test_a_table_of_any_size_is_expired_in_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    seen = Seen(keep=100.0)
    seen.put({key_of(f"{number}"): entry(NOW) for number in range(1_000)})
    buckets = len(seen._buckets.rows)
    assert buckets > 10
    assert len(list(seen.expire(NOW))) == -(-buckets // 3)


def test_a_day_is_one_chunk_and_what_is_held_back_for_that_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_HELD", 10)
    seen = Seen(None)
    seen.put({key: entry(NOW + DAY * (key % 3) + key) for key in range(4)})
    assert [len(chunk) // ITEM for _, chunk in seen.pack_by_day()] == [2, 1, 1]
    seen.put({key: entry(NOW + DAY * (key % 3) + key) for key in range(30)})
    assert [len(chunk) // ITEM for _, chunk in seen.pack_by_day()] == [4, 5, 6, 5, 5, 1, 4]
    assert [len(chunk) // ITEM for _, chunk in seen.pack_by_day(most=3)] == [3] * 9 + [1] * 3


def test_numbers_reach_far_enough() -> None:
    far = datetime(2100, 1, 1, tzinfo=UTC)
    micros = int(far.timestamp()) * 1_000_000
    seen = Seen(None)
    seen.put({1: Entry(0, 0, micros, 4_000_000_000, int(far.timestamp()), DELETED | BASELINE | REJECT, 200)})
    found = seen.get(1, NOW)
    assert found
    assert (found.modified, found.delivered) == (micros, int(far.timestamp()))


@pytest.fixture(scope="module")
def weighed() -> dict[str, float]:
    """What a million identities cost, in a process of their own."""
    done = subprocess.run([sys.executable, "-m", "tests.bench.weigh"], capture_output=True, check=True)
    found: dict[str, float] = orjson.loads(done.stdout)
    return found


@pytest.mark.exhaustive
def test_a_million_identities_take_no_more_than_100_megabytes(weighed: dict[str, float]) -> None:
    assert weighed["put_megabytes"] <= 100


@pytest.mark.exhaustive
def test_a_restart_reads_a_million_identities_in_seconds_and_no_more_memory(weighed: dict[str, float]) -> None:
    assert weighed["restore_megabytes"] <= 100
    assert weighed["restore_seconds"] <= 5


def test_fingerprints_stay_what_states_hold() -> None:
    """Other ones would make every record, and every reject, come again after an upgrade."""
    assert (key_of("100200_7"), key_of("ä\ud800"), key_of_reject(42)) == (
        960466502520820206,
        17828781249543727010,
        8774342425930789513,
    )
