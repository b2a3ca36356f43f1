"""`check --deep` names the fields of a described list that change although nobody edits the records."""

from typing import Any

import pytest

from poller.plugin import Asking, Http, Verdict
from tests.sources.rest.described import rest, ticket
from tests.sources.scripted import NOW, Said, Scripted


class Twice(Scripted, Asking):
    """A vendor that is asked once, and once more a while later."""

    def __init__(self, before: object, after: object) -> None:
        super().__init__([Said(before)] * 2)
        self._after = Scripted([Said(after)])

    @property
    def later(self) -> Http:
        return self._after


async def judged(before: list[Any], after: list[Any], **stream: Any) -> Verdict:
    source = rest({"kind": "ticket", "params": {"since": "{start}"}, **stream})
    (steady,) = (one for one in source.assumptions(NOW) if one.name == "records-steady")
    assert steady.probe
    assert steady.consequence.startswith("name what changes in streams.tickets.volatile")
    return await steady.probe(Twice({"tickets": before}, {"tickets": after}))


LATER = "2026-03-14T16:00:20Z"
SEEN = [ticket(n, seen=1, url=f"https://x/{n}?a") for n in (1, 2)]


async def test_fields_that_change_without_a_new_stamp_are_named() -> None:
    found = await judged(SEEN, [ticket(n, seen=2, url=f"https://x/{n}?b") for n in (1, 2)])
    assert (found.says, found.evidence) == ("fails", "in 2 of 2 records changed by itself: seen, url")


async def test_what_is_left_out_of_comparison_is_not_named() -> None:
    moved = [ticket(n, seen=2, url=f"https://x/{n}?b") for n in (1, 2)]
    found = await judged(SEEN, moved, volatile=["seen"], signed_urls=["url"])
    assert (found.says, found.evidence) == ("holds", "2 records came twice, and nothing in them had changed")


async def test_an_edit_that_moves_the_stamp_is_no_change_by_itself() -> None:
    edited = [ticket(1, seen=5, updated_at=LATER), ticket(2, seen=1, url="https://x/2?a")]
    assert (await judged(SEEN, edited)).evidence.startswith("1 record came twice")
    assert (await judged(SEEN[:1], edited[:1])).says == "unknown"


@pytest.mark.parametrize(("changed", "says"), [(1, "unknown"), (2, "fails"), (3, "fails")])
async def test_without_a_stamp_only_what_changes_in_most_records_is_named(changed: int, says: str) -> None:
    before = [ticket(n, seen=1) for n in (1, 2, 3)]
    after = [ticket(n, seen=2 if n <= changed else 1) for n in (1, 2, 3)]
    assert (await judged(before, after, modified=None, volatile=["updated_at"])).says == says


async def test_one_record_without_a_stamp_tells_nothing() -> None:
    found = await judged([ticket(1, seen=1)], [ticket(1, seen=2)], modified=None)
    assert (found.says, found.evidence) == ("unknown", "who changed it cannot be told")


async def test_a_name_that_may_be_data_is_not_said() -> None:
    found = await judged([ticket(1) | {"pat@example.com": 1}], [ticket(1) | {"pat@example.com": 2}])
    assert found.evidence == "in 1 of 1 record changed by itself: (a field of an odd name)"


async def test_no_records_tell_nothing() -> None:
    assert (await judged([], [])).says == "unknown"
