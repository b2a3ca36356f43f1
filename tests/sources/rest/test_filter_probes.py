"""`check --deep` at lists that are described wrongly: it finds what is wrong, and names the key to change."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from poller.sandbox.api.list_rows import Record, Rows
from poller.sandbox.api.list_server import Api, ListServer
from poller.testing.simulation import BIRTH
from tests.simulation.deep import Clock, put_to_the_test
from tests.sources.rest.described import rest

SINCE: dict[str, Any] = {"updated_since": "{start}", "per_page": 50, "page": "{page}"}
BOTH: dict[str, Any] = {**SINCE, "until": "{end}"}
SORTED: dict[str, Any] = {"sort": "updated_at", "per_page": 50, "page": "{page}"}
LOCAL = "%Y-%m-%d %H:%M:%S"
KEY = "streams.items.params.updated_since"
FILTER, ORDER = "filter-obeyed", "newest-first"


class Unfiltered(ListServer):
    """A vendor that takes any parameter, and filters by none."""

    def _found(self, _: Any) -> Iterator[Record]:
        yield from self.rows.visible()


class OldestFirst(ListServer):
    def _newest_first(self, record: Record) -> tuple[float, int]:
        return record[self.api.filters].timestamp(), record["id"]


class WholeDays(ListServer):
    """A vendor that reads the days of its bounds, and nothing else of them: `until` is midnight."""

    def _found(self, asked: Any) -> Iterator[Record]:
        first, last = (asked.value(name) or "9999-12-31" for name in (self.api.since, "until"))
        since, until = (datetime.fromisoformat(day[:10]).replace(tzinfo=UTC) for day in (first, last))
        yield from (row for row in self.rows.visible() if since <= row[self.api.filters] <= until)


class DaysOfCreation(ListServer):
    """A vendor that filters by the day of creation, and has two old records that were edited today."""

    def _found(self, asked: Any) -> Iterator[Record]:
        since = datetime.fromisoformat(asked.value(self.api.since)).replace(tzinfo=UTC)
        for number in (1, 2):
            times = {"created_at": BIRTH - timedelta(days=5), "updated_at": BIRTH - timedelta(hours=number)}
            self.rows.put({"id": number, "title": "", "state": "open", **times})
        yield from (row for row in self.rows.visible() if row["created_at"] >= since)


class Seconds(ListServer):
    """A vendor that takes seconds since 1970, however many."""

    def _found(self, asked: Any) -> Iterator[Record]:
        since = int(asked.value(self.api.since))
        yield from (row for row in self.rows.visible() if row[self.api.filters].timestamp() >= since)


class Restless(ListServer):
    """A list of which some records are edited between any two requests."""

    def _found(self, asked: Any) -> Iterator[Record]:
        for row in self.rows.visible()[len(self.asked) % 5 :: 5]:
            self.rows.put({**row, "updated_at": self.rows.now().replace(microsecond=0)})
        return super()._found(asked)


def deep(api: Api, server: type[ListServer], params: Mapping[str, Any], **stream: Any) -> Mapping[str, tuple[str, str]]:
    """The verdict and the words of each assumption."""
    clock = Clock()
    source = rest({"kind": "item", "params": params, **stream}, "items", requests_per_minute=600)
    rows = Rows(clock, BIRTH - timedelta(hours=30), timedelta(minutes=9))
    found = put_to_the_test(source, clock, server(api, rows)).found
    return {one.details["assumption"]: (one.details["verdict"], one.words) for one in found if one.details}


@pytest.mark.parametrize("server", [ListServer, Restless])
@pytest.mark.parametrize(("api", "params"), [(Api(), SINCE), (Api(until="until"), BOTH)], ids=["since", "both"])
def test_a_filter_that_goes_by_the_window_field_is_compared_and_holds(
    api: Api, params: dict[str, Any], server: type[ListServer]
) -> None:
    says, words = deep(api, server, params, window_field="updated_at")[FILTER]
    assert says == "holds", words
    assert server is Restless or "that a wider range shows to lie there" in words


def test_without_a_record_that_was_edited_it_says_that_it_cannot_tell_the_field() -> None:
    def unedited(record: Record) -> Record:
        return {**record, "updated_at": record["created_at"]}

    class Unedited(ListServer):
        def _found(self, asked: Any) -> Iterator[Record]:
            yield from map(unedited, super()._found(asked))

    says, words = deep(Api(filters="created_at"), Unedited, SINCE, window_field="updated_at")[FILTER]
    assert says == "holds"
    assert words.endswith("no record tells whether it goes by created_at instead")


BY_CREATION = Api(filters="created_at")
WRONG: Mapping[str, tuple[Callable[[], Mapping[str, tuple[str, str]]], str, tuple[str, ...]]] = {
    "it goes by creation, and window_field says by update": (
        lambda: deep(BY_CREATION, ListServer, SINCE, window_field="updated_at"),
        FILTER,
        (
            "leaves them out, and goes by created_at",
            f"have {KEY} filter by updated_at",
            "set streams.items.window_field",
        ),
    ),
    "it goes by the day of creation": (
        lambda: deep(
            Api(),
            DaysOfCreation,
            SINCE | {"updated_since": "{start:%Y-%m-%d}", "per_page": 100},
            window_field="updated_at",
        ),
        FILTER,
        ("2 of ", "leaves them out, and goes by created_at", f"have {KEY} filter by updated_at"),
    ),
    "a sweep's own filter goes by creation": (
        lambda: deep(BY_CREATION, ListServer, {}, window_field="updated_at", sweeps={"live": {"params": SINCE}}),
        FILTER,
        ("goes by created_at", "have streams.items.sweeps.live.params.updated_since filter by updated_at"),
    ),
    "it goes by update, and window_field says by creation": (
        lambda: deep(Api(), ListServer, SINCE, window_field="created_at"),
        FILTER,
        ("lie outside of it, up to ", "before it", f"{KEY} filters by created_at (streams.items.window_field)"),
    ),
    "the parameter is misspelt": (
        lambda: deep(Api(since="modified_since"), ListServer, SINCE, window_field="updated_at"),
        FILTER,
        (f"see whether {KEY} is the vendor's own name", "until then a run refuses what comes"),
    ),
    "seconds for milliseconds": (
        lambda: deep(Api(asked="epoch_ms"), ListServer, {"updated_since": "{start:epoch_s}", "page": "{page}"}),
        FILTER,
        ("{start:epoch_s} the form that it takes (others are {start}, {start:epoch_ms}", "reads the whole list"),
    ),
    "milliseconds for seconds": (
        lambda: deep(Api(), Seconds, {"updated_since": "{start:epoch_ms}", "page": "{page}"}),
        FILTER,
        (
            "nothing came for 30 days; since 1970, 18 records of these days came",
            f"see whether {KEY}",
            "{start:epoch_ms} the form",
        ),
    ),
    "the upper bound is misspelt": (
        lambda: deep(Api(until="before"), ListServer, BOTH, window_field="updated_at"),
        FILTER,
        ("after it", "see whether streams.items.params.until is the vendor's own name of the upper bound"),
    ),
    "the vendor ignores it": (
        lambda: deep(Api(), Unfiltered, SINCE),
        FILTER,
        (f"see whether {KEY} is", "until then each poll reads the whole list"),
    ),
    "the vendor takes days only": (
        lambda: deep(Api(), WholeDays, SINCE, window_field="updated_at"),
        FILTER,
        (" h ", "it takes days only ({start:%Y-%m-%d})"),
    ),
    "the vendor reads it in a zone behind": (
        lambda: deep(
            Api(asked="local", zone="America/New_York"),
            ListServer,
            {"updated_since": f"{{start:{LOCAL}}}", "page": "{page}"},
            window_field="updated_at",
        ),
        FILTER,
        ("leaves them out; so", "read in another zone (`timezone`)"),
    ),
    "the vendor reads it in a zone ahead": (
        lambda: deep(
            Api(asked="local", zone="Asia/Tokyo"),
            ListServer,
            {"updated_since": f"{{start:{LOCAL}}}", "page": "{page}"},
            window_field="updated_at",
        ),
        FILTER,
        ("up to 9 h before it", "or reads another zone (`timezone`)"),
    ),
    "the oldest come first": (
        lambda: deep(Api(since=None), OldestFirst, SORTED, window_field="updated_at"),
        ORDER,
        ("have streams.items.params.sort ask for the newest first by updated_at (streams.items.window_field)",),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_described_wrongly_fails_and_the_remedy_names_the_key(name: str) -> None:
    ask, assumption, told = WRONG[name]
    says, words = ask()[assumption]
    assert says == "fails", words
    assert not [text for text in told if text not in words], words


def test_where_nothing_says_what_the_filter_goes_by_it_is_told_and_does_not_fail() -> None:
    says, words = deep(BY_CREATION, ListServer, SINCE)[FILTER]
    assert says == "unknown"
    assert "but 1 of " in words or "but 2 of " in words, words
    assert f"edits of older records are not listed: have {KEY} filter by updated_at" in words


def test_both_bounds_cut_down_to_days_leave_out_what_lies_between_them_also_without_window_field() -> None:
    says, words = deep(Api(), WholeDays, BOTH)[FILTER]
    assert says == "unknown"
    assert f"the filter leaves them out; so: see whether {KEY} filters by updated_at, and takes {{start}}" in words
