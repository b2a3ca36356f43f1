"""Seen is a dict of entries, however it lies in memory: whatever is put, loaded, forgotten, packed and restored.

Killed: a row that is lost or doubled where a bucket splits; a mark that is taken for the key; a spelling that stays
with another row; an earlier chunk that wins in a table that is laid out at once; a count that is not one.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from poller.events import buckets, seen
from poller.events.seen import Entry, Seen, key_of
from tests.support.packing import pack

NOW = 1_800_000_000
KEEP = 5 * 86_400
SPREAD = [key_of(f"{number}") for number in range(60)]
ALIKE = [SPREAD[0] ^ high << 48 for high in range(1, 8)] + [SPREAD[0] ^ 1 << 8, SPREAD[0] ^ 1, 0, (1 << 64) - 1]
KEYS = st.sampled_from(SPREAD + ALIKE)
ENTRIES = st.builds(
    Entry,
    digest=st.integers(0, 2),
    raw=st.integers(0, 2),
    modified=st.integers(-1, 1),
    revision=st.integers(1, 3),
    delivered=st.integers(NOW - 2 * KEEP, NOW),
    flags=st.integers(0, 7),
    projection=st.integers(0, 2),
    steady=st.sampled_from([0, 7, (1 << 64) - 1]),
)
BOOKS = st.dictionaries(KEYS, ENTRIES, max_size=12)


class Model(RuleBasedStateMachine):
    """The same is done to a `Seen` and to a dict."""

    keep: float | None
    seen: Seen
    book: dict[int, Entry]

    @initialize(keep=st.sampled_from([None, float(KEEP)]))
    def begin(self, keep: float | None) -> None:
        self.keep, self.seen, self.book = keep, Seen(keep), {}

    @rule(book=BOOKS)
    def put(self, book: dict[int, Entry]) -> None:
        self.seen.put(book)
        self.book |= book
        if book:
            assert self.seen.has_chunk(pack(book.items()))

    @rule(book=BOOKS)
    def load(self, book: dict[int, Entry]) -> None:
        self.seen.load(pack(book.items()))
        for key, entry in book.items():
            self.book[key] = replace(entry, steady=0)

    @rule()
    def forget(self) -> None:
        for _ in self.seen.expire(NOW):
            pass
        self.book = {key: entry for key, entry in self.book.items() if not self.is_over(entry)}

    @rule(books=st.lists(BOOKS, max_size=4), most=st.integers(1, 9))
    def restart(self, books: list[dict[int, Entry]], most: int) -> None:
        """What was saved is restored: the rest in chunks of one day each, and then what was committed since."""
        chunks = list(self.seen.pack_by_day(most))
        for newest, chunk in chunks:
            times = [int.from_bytes(chunk[at + 36 : at + 40], "little") for at in range(0, len(chunk), buckets.ITEM)]
            assert len(times) <= most
            assert max(times) == newest
            assert len({time // 86_400 for time in times}) == 1
        saved = [chunk for _, chunk in chunks] + [pack(book.items()) for book in books]
        self.seen = Seen(self.keep)
        for _ in self.seen.loading(iter(saved), sum(map(len, saved))):
            pass
        for book in [self.book, *books]:
            self.book = self.book | {key: replace(entry, steady=0) for key, entry in book.items()}

    @rule(keys=st.lists(KEYS), raw=st.integers(0, 2), projection=st.integers(0, 2))
    def ask(self, keys: list[int], raw: int, projection: int) -> None:
        entries = [self.book.get(key) for key in keys]
        known = [None if entry is None or self.is_over(entry) else entry for entry in entries]
        assert [self.seen.get(key, NOW) for key in keys] == known
        same = [entry and (entry.raw, entry.projection) == (raw, projection) for entry in known]
        assert self.seen.compare(keys, [raw] * len(keys), projection, NOW) == same
        steady = [entry.steady if entry and entry.projection == projection else 0 for entry in entries]
        assert self.seen.steady(keys, projection) == steady

    @invariant()
    def is_the_same(self) -> None:
        self.seen.keep, keep = None, self.seen.keep
        assert {key: self.seen.get(key, NOW) for key in self.book} == self.book
        assert not any(self.seen.get(key, NOW) for key in {*SPREAD, *ALIKE} - self.book.keys())
        assert len(self.seen) == len(self.book)
        assert self.seen.packed_size == len(pack(self.book.items()))
        self.seen.keep = keep

    def is_over(self, entry: Entry) -> bool:
        return self.keep is not None and NOW - entry.delivered > self.keep


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that splits, and is laid out at once, with a few rows already."""
    for name, value in {"_FULL": 3, "_PART": 4, "_TOGETHER": 2, "_AT_ONCE": 5}.items():
        monkeypatch.setattr(buckets, name, value)
    monkeypatch.setattr(seen, "_MOST_HELD", 11)


@pytest.mark.usefixtures("small")
def test_rows_keep_what_lies_beside_them_when_their_bucket_splits_and_when_others_are_forgotten() -> None:
    """The model meets that by chance, this one each time."""
    seen, book = Seen(KEEP), dict[int, Entry]()
    for revision, keys in enumerate([SPREAD[:30], ALIKE, SPREAD[20:], SPREAD[50:]], 1):
        some = {
            key: Entry(key, key ^ revision, 0, revision, NOW - (KEEP + 1) * (key % 3 == 0), 0, 1, key * (key % 5 < 2))
            for key in keys
        }
        seen.put(some)
        book |= some
        assert [seen.get(key, NOW - KEEP) for key in book] == list(book.values())
        assert seen.steady(book, 1) == [entry.steady for entry in book.values()]
    for _ in seen.expire(NOW):
        pass
    left = {key: entry for key, entry in book.items() if entry.delivered == NOW}
    assert len(seen) == len(left)
    known = [key in left or None for key in book]
    assert seen.compare(list(book), [entry.raw for entry in book.values()], 1, NOW - KEEP) == known
    assert seen.steady(book, 1) == [entry.steady if key in left else 0 for key, entry in book.items()]
    assert seen.steady(book, 2) == [0] * len(book)


@pytest.mark.usefixtures("small")
def test_seen_is_a_dict_of_entries() -> None:
    run_state_machine_as_test(Model, settings=settings(deadline=None, max_examples=30, stateful_step_count=25))


def test_a_large_one_is_restored_as_it_was_in_steps_of_milliseconds() -> None:
    book = {key_of(f"{number}"): Entry(number, number, 0, 1, NOW, 0, 1) for number in range(50_000)}
    chunk = pack(book.items())
    found = Seen(None)
    steps = sum(1 for _ in found.loading(iter([chunk, chunk[: 30 * buckets.ITEM]]), len(chunk)))
    assert steps > 10, "also where it was saved as one chunk"
    assert len(found) == len(book)
    assert all(found.get(key, NOW) == entry for key, entry in book.items())
