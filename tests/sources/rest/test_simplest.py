"""The simplest source there is, nine lines, and what it means."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from poller.plugin.fields.columns import PageRows, identities
from poller.sources.rest.described import Row
from tests.sources.rest.described import NINE_LINES, rest, stream_of, ticket
from tests.sources.scripted import HOUR, NOW, Said, Scripted, decoded, read


async def test_it_asks_for_page_after_page_until_one_is_empty() -> None:
    http = Scripted([Said({"tickets": [ticket(1), ticket(2)]}), Said({"tickets": [ticket(3)]}), Said({"tickets": []})])
    done = await read(stream_of(NINE_LINES), "live", http)
    assert [record["id"] for record in done.records()] == [1, 2, 3]
    assert done.cursors[-1] is not None
    assert done.cursors[-1].until == NOW - timedelta(seconds=5)
    paths, queries = {path for path, _ in http.asked}, http.queries()
    assert paths == {"/tickets"}
    assert [query["page"] for query in queries] == ["1", "2", "3"]
    assert {query["per_page"] for query in queries} == {"100"}
    a_second_more = HOUR.start - timedelta(seconds=1)
    assert {query["updated_since"] for query in queries} == {f"{a_second_more:%Y-%m-%dT%H:%M:%SZ}"}


async def test_what_names_its_rows_is_decoded_once_a_page() -> None:
    """Paging counts the identities, and what tells news from what is known asks for them again."""
    stream = stream_of(NINE_LINES | {"paging": {"total": "total"}})
    done = await read(
        stream,
        "live",
        Scripted([Said({"tickets": [ticket(1), ticket(2)], "total": 2}), Said({"tickets": [], "total": 2})]),
    )
    rows = done.pages[0].records
    assert isinstance(rows, PageRows)
    assert stream.records.row_identity
    assert identities(stream.records.row_identity, rows) is identities(stream.records.row_identity, rows)
    assert len(rows.decoded) == len(rows.identities) == 1


def test_its_sweeps_are_live_and_audit() -> None:
    sweeps = {sweep.name: (sweep.every, sweep.lookback) for sweep in stream_of(NINE_LINES).sweeps}
    minute, day = timedelta(minutes=1), timedelta(days=1)
    assert sweeps == {"live": (minute, 10 * minute), "audit": (day, 3 * day)}


def test_its_events_are_of_a_kind_of_their_own() -> None:
    records = stream_of(NINE_LINES).records
    row: Row = decoded(stream_of(NINE_LINES), ticket(7, subject="Help"))
    assert records.identity(row) == "7"
    assert records.kind.KIND == "ticket"
    data = records.normalize(row)
    assert {name: getattr(data, name) for name in data.__struct_fields__} == {
        "id": "7",
        "created_at": records.time(row),
        "updated_at": records.modified(row),
        "deleted_at": None,
    }


def test_its_secret_is_never_shown() -> None:
    source = rest(auth={"bearer": "secret-token", "basic": None, "headers": {"X-Key": "secret-key"}})
    assert "secret-" not in f"{source!r} {source} {source.credential()!r} {source.model_dump()!r}"


def test_a_field_of_a_kind_of_its_own_is_a_word() -> None:
    with pytest.raises(ValidationError, match="small letters, digits and _"):
        stream_of(NINE_LINES | {"fields": {"action#": "action", "actor": "actor"}})
