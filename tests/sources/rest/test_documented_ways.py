"""The ways of paging that docs/rest.md spells out: they are read from the page, and followed."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.commands.running import ROOT
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import Said, Scripted, read

PAGE = (ROOT / "docs/rest.md").read_text(encoding="utf-8")
CURSOR = {"kind": "order", "params": {"since": "{start}", "page": "{cursor}"}, "records": "orders"}


def hal() -> dict[str, Any]:
    found = re.search(r"^### HAL\n.*?```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    stream: dict[str, Any] = yaml.safe_load(found[1])["orders"]
    return stream


def page(number: int, following: str | None) -> dict[str, Any]:
    links = {"next": {"href": following}} if following else {}
    return {"_embedded": {"orders": [ticket(number)]}, "_links": {"self": {"href": "/x"}, **links}}


async def test_hal_is_followed_by_its_links_and_an_empty_page_has_no_list() -> None:
    http = Scripted([Said(page(1, "https://elsewhere.example/orders?page=1&size=100")), Said(page(2, None))])
    done = await read(stream_of(hal(), "orders"), "live", http)
    assert done.error is None
    assert [record["id"] for record in done.records()] == [1, 2]
    assert http.queries()[0]["size"] == "100"
    assert http.queries()[1] == {"page": "1", "size": "100"}
    done = await read(stream_of(hal(), "orders"), "live", Scripted([Said({"_links": {}})]))
    assert (done.error, done.records()) == (None, [])


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        ("meta.next_page", {"meta": {"next_page": 1}}, {"meta": {"next_page": None}}),
        ("_links.next.href", {"_links": {"next": {"href": "/orders?size=9&page=1"}}}, {"_links": {}}),
    ],
)
async def test_pages_that_begin_at_0_are_followed_by_what_the_answer_names(
    path: str, first: Mapping[str, Any], last: Mapping[str, Any]
) -> None:
    assert path in PAGE
    http = Scripted([Said({"orders": [ticket(1)], **first}), Said({"orders": [ticket(2)], **last})])
    done = await read(stream_of(CURSOR | {"paging": {"next": path}}, "orders"), "live", http)
    assert done.error is None
    assert [query.get("page") for query in http.queries()] == [None, "1"]


async def test_a_list_without_pages_is_asked_for_in_halves_of_its_time() -> None:
    assert "paging: {cap: 100}" in PAGE
    capped = {"kind": "order", "params": {"since": "{start}", "until": "{end}"}, "paging": {"cap": 2}}
    full = Said({"orders": [ticket(1), ticket(2)]})
    http = Scripted([full, Said({"orders": [ticket(1)]}), Said({"orders": [ticket(2)]})])
    done = await read(stream_of(capped, "orders"), "live", http)
    assert done.error is None
    assert len(http.asked) == 3
    assert done.cursors[-1] is not None
