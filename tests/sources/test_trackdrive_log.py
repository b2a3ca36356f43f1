"""How TrackDrive's log of changes is followed, and the leads that it names are read."""

import json
from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Cursor, Page
from poller.sources.trackdrive.api import LAG
from tests.sources.scripted import NOW, Said, Scripted, read
from tests.sources.trackdrive_pages import FIXED, LEAD, LEADS, SINCE, ago, leads, log, single


def entry(lead: object = None, age: float = 30, **more: object) -> dict[str, Any]:
    return {"id": 1, "created_at": ago(age), "lead_id": lead, "call_id": None, **more}


@pytest.mark.covers("trackdrive", 1)
async def test_the_log_of_changes_names_leads_and_how_long_ago_they_changed() -> None:
    entries = [entry(90210001, 30), entry(90210001, 60), entry("17", -5), entry(None, call_id=5), entry("")]
    http = Scripted([log(*entries, next_cursor=3), log(entry(18, created_at=None), entry(90210001, 1))])
    done = await read(LEADS, "changes", http)
    query = {**FIXED, "columns": "id,created_at,lead_id", "created_at_from": SINCE}
    assert http.asked == [("/api/v1/change_logs", {**query, "cursor": cursor}) for cursor in ("-1", "3")]
    assert (done.error, done.sizes, done.cursors) == (None, [0, 0], [None, Cursor(NOW - LAG)])
    assert done.pages[0].to_fetch == {"90210001": timedelta(seconds=30), "17": timedelta(0)}
    assert done.pages[1].to_fetch == {"18": timedelta(0), "90210001": timedelta(seconds=2)}  # a second later


async def test_without_the_vendors_clock_a_change_is_of_now() -> None:
    done = await read(LEADS, "changes", Scripted([Said(log(entry(7)).body, dated=False)]))
    assert (done.pages[0].to_fetch, done.cursors) == ({"7": timedelta(0)}, [None])


@pytest.mark.parametrize("odd", [entry([7]), entry(True), entry("../calls/7"), entry("7?x=1"), entry(1.5), 7, "x"])
async def test_an_entry_that_cannot_be_followed_is_no_entry(odd: object) -> None:
    done = await read(LEADS, "changes", Scripted([log(entry(7), odd)]))
    assert isinstance(done.error, Shifted)
    assert done.pages == [Page((), {"7": timedelta(seconds=30)})], "what can be followed is"


async def reread(answer: Said, name: str = "90210001") -> Any:
    http = Scripted([answer])
    (sweep,) = [sweep for sweep in LEADS.sweeps if sweep.name == "changes"]
    assert sweep.reread
    return await sweep.reread(http, name), http


@pytest.mark.covers("trackdrive", 1)
async def test_a_named_lead_is_read_by_its_internal_id_and_known_by_its_uuid() -> None:
    page, http = await reread(single(LEAD))
    ((path, query),) = http.asked
    assert path == "/api/v1/leads/90210001/id"
    assert query.items() >= {"serializer": "lead", "root": "true"}.items()
    (record,) = page.records
    assert LEADS.records.identity(LEADS.records.decoder.decode(record)) == LEAD["uuid"]
    assert page.end is None


@pytest.mark.parametrize("lead", [{**LEAD, "id": None, "uuid": None}, {**LEAD, "id": None}, {"created_at": "x"}])
async def test_a_named_lead_without_an_id_is_read_as_it_came(lead: dict[str, Any]) -> None:
    page, _ = await reread(single(lead))
    assert list(map(json.loads, map(bytes, page.records))) == [lead], "which makes a reject where it has no uuid"


async def test_a_named_lead_that_is_gone_is_no_record() -> None:
    page, _ = await reread(Said(b"<html>not found</html>", status=404))
    assert list(page.records) == []


@pytest.mark.parametrize(
    "answer", [single({**LEAD, "id": 5}), single(None), single([LEAD]), leads(LEAD), Said(b"<html>"), single({})]
)
async def test_another_answer_than_the_named_lead_is_none(answer: Said) -> None:
    with pytest.raises(Unexpected):
        await reread(answer)
