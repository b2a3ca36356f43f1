"""A description's request, filled in: what each placeholder becomes, what is left out, what a sweep changes.

Killed: a body whose placeholders stay as they are, or whose unset ones are sent; an end that is exact and asked for a
granule later; a sweep without a body of its own that loses the list's; a header that no request can hold.
"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pydantic import ValidationError

from poller.sources.rest import Rest
from poller.sources.rest.request import Bounds, Request, merge

START, END = datetime(2026, 3, 14, 9, 15, tzinfo=UTC), datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
BOUNDS = Bounds(START, END)


def query(params: dict[str, Any], bounds: Bounds = BOUNDS, **place: str | int) -> Any:
    return Request("/list", params).filled(bounds, place)[0]


def body(value: Any, **place: str | int) -> Any:
    sent = Request("/list", {}, value).filled(BOUNDS, place)[1]
    return None if sent is None else msgspec.json.decode(sent)


def test_parameters_are_spelt_as_vendors_read_them() -> None:
    params = {"deep": True, "flat": False, "empty": None, "many": ["a", 1, True, None, "{page}"], "limit": 5}
    assert query(params, page=2) == {
        "deep": "true",
        "flat": "false",
        "empty": "",
        "many": ["a", "1", "true", "", "2"],
        "limit": "5",
    }


def test_what_is_not_set_is_left_out_and_within_a_text_it_is_nothing() -> None:
    params = {"cursor": "{cursor}", "many": ["a", "{cursor}"], "text": "after {last}!", "page": "p{page}"}
    assert query(params, page=3) == {"many": ["a"], "text": "after !", "page": "p3"}


def test_a_body_is_filled_in_to_its_depth() -> None:
    value = {
        "since": "{start:epoch_s}",
        "page": "{page}",
        "cursor": "{cursor}",
        "filter": {"days": ["{start:%Y-%m-%d}", "{end:%Y-%m-%d}", "{cursor}"], "text": "from {start:%d.} on, {page}"},
        "limit": 5,
        "deep": True,
    }
    assert body(value, page=2) == {
        "since": int(START.timestamp()) - 1,
        "page": 2,
        "filter": {"days": ["2026-03-13", "2026-03-16"], "text": "from 13. on, 2"},
        "limit": 5,
        "deep": True,
    }
    assert body(None) is None


def test_an_end_that_is_exact_is_asked_for_as_it_is_and_all_times_in_the_lists_zone() -> None:
    params = {"from": "{start:%Y-%m-%d %H:%M}", "to": "{end:%Y-%m-%d %H:%M}"}
    bounds = Bounds(START, END, ZoneInfo("Europe/Berlin"), exact=True)
    assert query(params, bounds) == {"from": "2026-03-14 10:14", "to": "2026-03-14 10:30"}
    assert query({"to": "{end}"}, Bounds(START, END)) == {"to": "2026-03-14T09:30:01Z"}


def test_a_sweep_changes_what_it_names_and_nothing_else() -> None:
    whole = Request("/list", {"limit": 5, "sort": "asc"}, {"filter": {"type": "call", "since": "{start}"}, "limit": 5})
    assert whole.changed(None, None) == whole
    assert whole.changed({"sort": None, "all": True}, None) == Request("/list", {"limit": 5, "all": True}, whole.body)
    changed = whole.changed(None, {"filter": {"since": None, "deleted": True}})
    assert changed.params == whole.params
    assert changed.body == {"filter": {"type": "call", "deleted": True}, "limit": 5}


@pytest.mark.parametrize(
    ("former", "other", "merged"),
    [({"a": 1}, [2], [2]), ([1], {"a": 2}, {"a": 2}), ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}})],
)
def test_what_is_no_mapping_on_both_sides_is_replaced(former: Any, other: Any, merged: Any) -> None:
    assert merge(former, other) == merged


def test_the_parameter_of_a_place_is_found_by_its_placeholder() -> None:
    asked = Request("/list", {"limit": 5, "p": "{page}"})
    assert [asked.parameter_of(place) for place in ("page", "offset")] == ["p", None]


def test_what_only_looks_like_a_placeholder_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"^{page_no} is no placeholder") as caught:
        Request("/list", {"p": "{page_no}"}).uses  # noqa: B018  it is what raises
    assert str(caught.value).endswith("such as {start:%Y-%m-%d}, {page}, {offset}, {cursor} and {last}")


@pytest.mark.parametrize("key", ["headers", "auth"])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("X Version", "2", "the name of a header"),
        ("X-Vérsion", "2", "the name of a header"),
        ("", "2", "the name of a header"),
        ("X-Version:", "2", "the name of a header"),
        ("Content-Length", "5", "about the connection"),
        ("transfer-encoding", "chunked", "about the connection"),
        ("Connection", "keep-alive", "about the connection"),
        ("X-Version", "2\r\nX-Other: 3", "one line of ASCII"),
        ("X-Version", "zwölf", "one line of ASCII"),
    ],
)
def test_a_header_that_no_request_can_hold_is_refused(key: str, name: str, value: str, said: str) -> None:
    headers = {name: value}
    with pytest.raises(ValidationError, match=said):
        Rest.model_validate(
            {"type": "rest", "base_url": "https://api.example.com", "streams": {"items": {"kind": "item"}}}
            | {key: headers if key == "headers" else {"headers": headers}}
        )
