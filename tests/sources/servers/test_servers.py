"""Over real list servers `poller run` delivers what the table holds: nothing lost, nothing twice, and in order.

Rows are inserted, edited and deleted underneath while it reads. What is deleted in a list that is read by time alone
leaves no trace; a stream that reads the whole list tells it.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.commands.running import FAST, Event, House, until
from tests.sources.servers.serving import served
from tests.sources.servers.table import Table

pytestmark = pytest.mark.exhaustive

Described: TypeAlias = dict[str, Any]
"""A stream's description."""
OFTEN: Described = {"sweeps": {"live": {"every": FAST, "lookback": "10s"}, "audit": {"every": "2s", "lookback": "1h"}}}
WHOLE: Described = {"sweeps": {"snapshot": {"every": "1s"}}}
DJANGO: Described = {"kind": "item", "records": "results", "window_field": "updated_at"}
SINCE = {"updated_since": "{start}"}
DATASETTE: Described = {"kind": "item", "path": "/items/items.json", "records": "rows", "timezone": "UTC"}
ROWS: Described = {"_shape": "objects", "_size": 20, "_next": "{cursor}"}
NEWEST: Described = {**ROWS, "_sort_desc": "updated_at", "updated_at__gte": "{start:%Y-%m-%d %H:%M:%S}"}
COUNTED = {"next": "next", "total": "filtered_table_rows_count"}
STREAMS: Mapping[str, tuple[str, Described]] = {
    "Datasette, newest first": (
        "datasette",
        DATASETTE | {"params": NEWEST, "paging": COUNTED, "window_field": "updated_at"} | OFTEN,
    ),
    "Datasette, between two times": (
        "datasette",
        DATASETTE | {"params": {**NEWEST, "updated_at__lt": "{end:%Y-%m-%d %H:%M:%S}"}, "paging": COUNTED} | OFTEN,
    ),
    "Datasette, whole": ("datasette", DATASETTE | {"params": ROWS, "paging": {"next": "next"}} | WHOLE),
    "pages by their number in the link": (
        "django",
        DJANGO | {"path": "/pages/", "params": {**SINCE, "page": "{page}"}, "paging": {"next": "next"}} | OFTEN,
    ),
    "pages by the total; one too far is a 404": (
        "django",
        DJANGO
        | {"path": "/pages/", "params": {**SINCE, "page": "{page}"}, "paging": {"total": "count"}, "empty": ["404"]}
        | OFTEN,
    ),
    "offsets": (
        "django",
        DJANGO
        | {"path": "/offsets/", "params": {**SINCE, "limit": 20, "offset": "{offset}"}, "paging": {"total": "count"}}
        | OFTEN,
    ),
    "cursors": (
        "django",
        DJANGO | {"path": "/cursors/", "params": {**SINCE, "cursor": "{cursor}"}, "paging": {"next": "next"}} | OFTEN,
    ),
    "links": ("django", DJANGO | {"path": "/cursors/", "params": SINCE, "paging": {"next": "next"}} | OFTEN),
    "whole": (
        "django",
        DJANGO
        | {"path": "/cursors/", "params": {"cursor": "{cursor}"}, "paging": {"next": "next"}, "window_field": None}
        | WHOLE,
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_all_that_the_table_holds_arrives_once_and_in_order(tmp_path: Path, name: str) -> None:
    kind, stream = STREAMS[name]
    table = Table(tmp_path / "items.db", seed=7)
    with served(tmp_path / "items.db", kind) as at:
        source = {"type": "rest", "base_url": at, "start": "all", "requests_per_minute": 60_000, "timeout": "20s"}
        house = House(tmp_path, {"acme": {**source, "streams": {"items": stream}}})
        check = house.run("check")
        assert ": 20 rows at" in check.said, check.said
        with house.start("run") as poller:
            for _ in range(2):
                with table.changing():
                    until(lambda: len(table.ever) > 300, "changes", seconds=120)
                    wanted = len(house.events("acme")) + 200
                    until(partial(came, house, wanted), "events", seconds=120)
            until(lambda: not missing(table, house.events("acme"), deletions="snapshot" in stream["sweeps"]),
                  "the last word of every row", seconds=120)  # fmt: skip
            assert poller.stop() == 0
    require_lawful(table, house.events("acme"))
    assert not house.events("acme", "rejects")


def came(house: House, wanted: int) -> bool:
    return len(house.events("acme")) > wanted


def said(event: Event) -> tuple[str, int]:
    return event["data"]["raw"]["title"], event["data"]["raw"]["version"]


def missing(table: Table, events: list[Event], *, deletions: bool) -> list[str]:
    """Return the rows whose last state was not the last to be told."""
    last = {event["subject"]: event for event in events}
    found = [name for name, row in table.now.items() if name not in last or said(last[name]) != row]
    if deletions:
        found += [name for name in last.keys() - table.now.keys() if last[name]["type"] != "item.deleted"]
    return found


def require_lawful(table: Table, events: list[Event]) -> None:
    """Fail unless each event tells what a row was, once, and never an older state after a newer one."""
    assert len({event["id"] for event in events}) == len(events)
    of: dict[str, list[Event]] = {}
    for event in events:
        of.setdefault(event["subject"], []).append(event)
    for name, told in of.items():
        assert [event["revision"] for event in told] == list(range(1, len(told) + 1)), name
        shown = [said(event) for event in told if event["type"] != "item.deleted"]
        assert set(shown) <= set(table.ever[name]), f"{name}: invented"
        versions = [version for _, version in shown]
        assert versions == sorted(set(versions)), f"{name}: {versions}"
