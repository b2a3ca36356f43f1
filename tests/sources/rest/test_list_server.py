"""Described lists of every sort, polled on simulated time: all that was ever shown is told, each revision once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from poller.sandbox.api.list_rows import Rows
from poller.sandbox.api.list_server import Api, ListServer
from poller.sources.rest import Rest
from poller.testing import SourceContract
from poller.testing.faults import FaultyDouble
from poller.testing.simulation import BIRTH, Simulation

HOUR = timedelta(hours=1)
BOTH: dict[str, Any] = {"since": "since", "until": "until"}
SEARCH, LINKS = "cursors in a search by POST, milliseconds", "links in a header, the body is the list"
WINDOW = {"since": "{start}", "until": "{end}"}


@dataclass(frozen=True)
class Case:
    """An API, and its description in a configuration."""

    api: Api
    stream: Mapping[str, Any]
    source: Mapping[str, Any] = field(default_factory=dict)


CASES: Mapping[str, Case] = {
    "pages until an empty one": Case(
        Api(), {"params": {"updated_since": "{start}", "per_page": 100, "page": "{page}"}}
    ),
    "pages with totals": Case(
        Api(total="meta.total", pages="meta.last"),
        {
            "params": {"updated_since": "{start}", "per_page": 10, "page": "{page}"},
            "paging": {"total": "meta.total", "pages": "meta.last"},
        },
    ),
    "offsets with more": Case(
        Api(paging="offset", place="offset", size="limit", more="more", total="total", **BOTH),
        {
            "params": {**WINDOW, "limit": 25, "offset": "{offset}"},
            "paging": {"more": "more", "total": "total"},
            "window_field": "updated_at",
        },
    ),
    SEARCH: Case(
        Api(
            paging="cursor",
            body=True,
            place="page.after",
            size="page.limit",
            next="page.next",
            asked="epoch_ms",
            spelt="epoch_ms",
            since="filters.0.value",
            until="filters.1.value",
        ),
        {
            "body": {
                "filters": [{"op": "GTE", "value": "{start:epoch_ms}"}, {"op": "LT", "value": "{end:epoch_ms}"}],
                "page": {"limit": 20, "after": "{cursor}"},
            },
            "paging": {"next": "page.next"},
        },
    ),
    "keyset, seconds, exclusive bounds": Case(
        Api(
            paging="keyset",
            place="after",
            records="data",
            more="has_more",
            asked="epoch_s",
            spelt="epoch_s",
            inclusive=False,
            **BOTH,
        ),
        {
            "params": {"since": "{start:epoch_s}", "until": "{end:epoch_s}", "per_page": 20, "after": "{last}"},
            "records": "data",
            "paging": {"more": "has_more"},
        },
    ),
    LINKS: Case(
        Api(paging="link", place="cursor", records=""),
        {
            "params": {"updated_since": "{start}", "per_page": 20},
            "records": "@",
            "paging": {"next": "headers.link"},
            "window_field": "updated_at",
        },
    ),
    "links in the body, days in a zone, RFC 2822": Case(
        Api(paging="url", place="cursor", next="links.next", asked="day", spelt="mail", zone="Asia/Tokyo", **BOTH),
        {
            "params": {"since": "{start:%Y-%m-%d}", "until": "{end:%Y-%m-%d}", "per_page": 20},
            "paging": {"next": "links.next"},
            "timezone": "Asia/Tokyo",
        },
    ),
    "a cap below what an hour holds": Case(
        Api(paging="cursor", place="cursor", next="next", total="total", cap=30, **BOTH),
        {
            "params": {**WINDOW, "per_page": 10, "cursor": "{cursor}"},
            "paging": {"next": "next", "total": "total", "cap": 30},
        },
    ),
    "newest first, without a filter, local times": Case(
        Api(since=None, spelt="local", zone="Europe/Berlin", total="total"),
        {
            "params": {"per_page": 20, "page": "{page}"},
            "paging": {"total": "total"},
            "window_field": "updated_at",
        },
        {"timezone": "Europe/Berlin"},
    ),
    "minutes on a wall clock": Case(
        Api(paging="cursor", place="cursor", next="next", asked="minute", zone="America/New_York", **BOTH),
        {
            "params": {"since": "{start:%Y-%m-%d %H:%M}", "until": "{end:%Y-%m-%d %H:%M}", "cursor": "{cursor}"},
            "paging": {"next": "next"},
            "timezone": "America/New_York",
        },
    ),
    "one answer, cut off in silence": Case(
        Api(paging="none", cap=50, **BOTH), {"params": WINDOW, "paging": {"next": "next"}}
    ),
    "pages that follow a number": Case(
        Api(paging="page", next="meta.next_page", **BOTH),
        {"params": {**WINDOW, "per_page": 20, "page": "{page}"}, "paging": {"next": "meta.next_page"}},
    ),
    "whole lists": Case(
        Api(since=None, paging="offset", place="start", size="limit", total="total"),
        {"params": {"limit": 50, "start": "{offset}"}, "paging": {"total": "total"}},
    ),
}


def settings_of(case: Case) -> dict[str, Any]:
    described = {"kind": "item", "deleted": {"path": "state", "values": ["deleted"]}, **case.stream}
    fixed = {"type": "rest", "base_url": "http://list.example.com/v1", "requests_per_minute": 600, "start": "all"}
    return {**fixed, **case.source, "streams": {"items": described}}


def refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)


def lived(folder: Path, case: Case, seconds: float) -> tuple[Simulation, Rows]:
    simulation = Simulation(folder, {"acme": Rest.model_validate(settings_of(case))})
    rows = Rows(simulation.now, BIRTH - HOUR)
    simulation.app = FaultyDouble(ListServer(case.api, rows), simulation.now, refusal)
    simulation.poll(seconds)
    return simulation, rows


@pytest.mark.parametrize("name", CASES)
def test_all_that_was_shown_is_told_and_each_revision_once(tmp_path: Path, name: str) -> None:
    simulation, rows = lived(tmp_path, CASES[name], 4000)
    (stream,) = simulation.pipelines[0].streams
    assert [state.last_error for state in stream.checkpoint.sweeps.values()] == [None] * len(stream.checkpoint.sweeps)
    assert stream.checkpoint.gaps == []
    events = simulation.events("acme")
    assert len({event["id"] for event in events}) == len(events)
    last = {event["subject"]: event for event in events}
    shown = [record for record in rows.visible() if record["updated_at"] < simulation.now() - 2 * timedelta(minutes=1)]
    if "snapshot" in stream.checkpoint.sweeps:
        shown = [record for record in shown if record["updated_at"] < simulation.now() - HOUR]
    assert len(shown) > 60
    for record in shown:
        event = last[str(record["id"])]
        if "snapshot" not in stream.checkpoint.sweeps:
            assert event["data"]["raw"]["title"] == record["title"]
            assert (event["type"] == "item.deleted") == (record["state"] == "deleted")
        assert event["data"]["created_at"] == f"{record['created_at']:%Y-%m-%dT%H:%M:%SZ}"


class DescribedContract(SourceContract):
    """A described source over the list server. One that pages by number is in tests/sources/test_vendor_contract.py."""

    source = Rest
    fewest_events: ClassVar = 51
    api: ClassVar[Api]

    def double(self, now: Callable[[], datetime]) -> ASGIApp:
        return ListServer(self.api, Rows(now, BIRTH - HOUR))


class TestSearch(DescribedContract):
    api, settings = CASES[SEARCH].api, settings_of(CASES[SEARCH])


class TestLinks(DescribedContract):
    api, settings = CASES[LINKS].api, settings_of(CASES[LINKS])
