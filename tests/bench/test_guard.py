"""The way of a record costs no more than it did: counts, not times."""

from dataclasses import replace
from typing import Any

from tests.bench.guard import SOURCE, Counts, count, recorded

LIMIT = 1.25
(STREAM,) = SOURCE.built_streams


def worse(found: Counts) -> list[str]:
    """What costs more than it may."""
    before = recorded()
    return [
        f"{name}: {found[name][of]:,} {of} a record, and {before[name][of]:,} before"
        for name in before
        for of in before[name]
        if found[name][of] > before[name][of] * LIMIT
    ]


def test_a_record_costs_no_more_instructions_calls_and_memory_than_it_did() -> None:
    assert not worse(count()), "if it has to be: python -m tests.bench.guard, once for each version in guard.json"


def test_a_stream_that_became_slower_is_told() -> None:
    records, more = STREAM.records, recorded()["new"]["instructions"] // 6  # of which a loop has three each time round

    def slower(record: Any) -> Any:
        for _ in range(more):
            pass
        return records.normalize(record)

    (found,) = worse(count(replace(STREAM, records=replace(records, normalize=slower))))
    assert found.startswith("new: ")
    assert " instructions a record, " in found
