"""The contents of a partition: the last word of each key, and chunks of seen; and how they are cut to be saved.

Killed: a tombstone of what is not there that ends the reading; a chunk that is forgotten and taken all the same; a
transaction of more than it may have.
"""

import pytest

from poller.events.buckets import ITEM
from poller.state.kafka import contents, manifest
from poller.state.kafka.contents import Contents
from poller.state.rows import encode
from tests.state.ledgers import entry
from tests.support.packing import pack

A, B = "acme/calls", "acme/leads"


def test_contents_are_what_was_said_last_and_a_tombstone_of_nothing_is_nothing() -> None:
    found = Contents()
    found.put({"x|a": None, "x|b": b"1", "x|c": b"2"})
    found.put({"x|b": None})
    rows = found.appended(A, [(7, pack([(1, entry(1))])), (8, pack([(2, entry(2))]))])
    found.put(rows)
    assert [at for at, _ in found.data(A)] == [7, 8]
    found.put({next(iter(rows)): None})
    assert (found.under("x|"), found.streams(), found.chunks(B), list(found.data(B))) == ({"c": b"2"}, [A], [], [])
    assert [(chunk.at, chunk.size) for chunk in found.chunks(A)] == [(8, ITEM)]
    assert list(found.take(A)) == [pack([(2, entry(2))])], "what is forgotten is not taken"
    assert (found.size(A), list(found.data(A)), found.manifest()) == (ITEM, [], None)
    found.put({manifest.KEY: encode(manifest.Manifest(manifest.FORMAT + 1, 1))})
    with pytest.raises(manifest.NewerFormat):
        found.manifest()


def test_rows_and_chunks_are_cut_in_order_into_what_a_transaction_may_have() -> None:
    rows: dict[str, bytes | None] = {f"{number}": None for number in range(7)}
    assert [[*part] for part in contents.parts(rows, 3)] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    large = {f"{number}": b"." * (3 << 20) for number in range(5)} | {"whole": b"." * (9 << 20), "last": b""}
    assert [[*part] for part in contents.parts(large, 100)] == [["0", "1"], ["2", "3"], ["4"], ["whole"], ["last"]]
    exact = {"a": b"." * (4 << 20), "b": b"." * (4 << 20), "c": b"."}
    assert [[*part] for part in contents.parts(exact, 100)] == [["a", "b"], ["c"]]
    assert list(contents.parts({}, 3)) == []
    chunk = bytes(ITEM * 13_000)
    assert [len(piece) // ITEM for piece in contents.pieces(chunk, ITEM)] == [6_000, 6_000, 1_000]
    assert b"".join(contents.pieces(bytes(range(256)) * ITEM, ITEM)) == bytes(range(256)) * ITEM
