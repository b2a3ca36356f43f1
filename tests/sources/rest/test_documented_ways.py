"""The ways of paging that docs/rest.md spells out: they are read from the page, and followed."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from poller.plugin import Unexpected
from tests.commands.running import ROOT
from tests.sources.rest.described import stream_of, ticket
from tests.sources.scripted import Said, Scripted, read

PAGE = (ROOT / "docs/rest.md").read_text(encoding="utf-8")
STAMP = "2026-03-14T16:00:00Z"
CURSOR = {"kind": "order", "params": {"since": "{start}", "page": "{cursor}"}, "records": "orders"}


def shown(heading: str, name: str) -> dict[str, Any]:
    """The stream that the page shows below a heading."""
    found = re.search(rf"^### {heading}\n.*?```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    stream: dict[str, Any] = yaml.safe_load(found[1])[name]
    return stream


def hal() -> dict[str, Any]:
    return shown("HAL", "orders")


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


def issues(*numbers: int, cursor: str | None = None, more: bool = False, **beside: Any) -> Said:
    nodes = [{"id": f"I_{number}", "createdAt": STAMP, "updatedAt": STAMP} for number in numbers]
    found = {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": cursor}}
    return Said({"data": {"issues": found}, **beside})


async def test_graphql_is_asked_by_its_variables_and_believed_without_errors() -> None:
    stream = stream_of(shown("GraphQL", "issues"), "issues")
    http = Scripted([issues(1, 2, cursor="c2", more=True), issues(3, cursor="c3", errors=[])])
    done = await read(stream, "live", http)
    assert done.error is None
    assert [record["id"] for record in done.records()] == ["I_1", "I_2", "I_3"]
    first, second = (json.loads(body or b"") for body in http.bodies)
    assert first["query"] == second["query"]
    assert "{ nodes { name } pageInfo { hasNextPage } }" in first["query"]
    assert first["variables"] == {"from": "2026-03-14T15:30:39Z", "to": "2026-03-15T16:30:41Z", "first": 100}
    assert second["variables"] == first["variables"] | {"after": "c2"}
    failed = await read(stream, "live", Scripted([issues(1, errors=[{"message": "it took too long"}])]))
    assert (type(failed.error), failed.records()) == (Unexpected, [])


async def test_a_list_within_its_cap_by_its_total_is_halved_at_its_first_page_though_it_leads_on() -> None:
    assert "over the cap is then seen by its first page" in PAGE
    capped = {"kind": "order", "params": {"since": "{start}", "until": "{end}", "after": "{cursor}"}}
    paging = {"next": "next", "total": "total", "cap": 3}
    over = Said({"orders": [ticket(1)], "next": "c2", "total": 4})
    http = Scripted([over, *(Said({"orders": [ticket(number)], "next": None, "total": 1}) for number in (1, 2))])
    done = await read(stream_of({**capped, "paging": paging}, "orders"), "live", http)
    assert done.error is None
    assert [query.get("after") for query in http.queries()] == [None] * 3


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
