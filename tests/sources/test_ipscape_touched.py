"""Which of ipSCAPE's leads are read again, one by one, because they were dialled."""

from datetime import timedelta
from typing import Any

import pytest

from poller.errors import Unexpected
from tests.sources.ipscape_pages import ATTEMPT, LEAD, answer, minutes_ago, streams
from tests.sources.scripted import Said, Scripted, changed, json_bytes, read

STREAMS = streams()


def attempt(lead: object, hung_up: object) -> dict[str, Any]:
    return changed({**ATTEMPT, "leadId": lead}, hung_up, "timestamps", "hangUp")


@pytest.mark.covers("ipscape", 6)
async def test_touched_names_the_leads_that_were_dialled_and_for_how_long_they_have_been_left_alone() -> None:
    rows = [
        attempt(1, minutes_ago(17)),
        attempt("2", minutes_ago(10)),
        attempt(3, None),
        attempt(4, minutes_ago(12)),
        attempt(4, minutes_ago(30)),
        attempt(None, None),
        attempt("../users", None),
        attempt(5, "soon"),
        7,
    ]
    page = (await read(STREAMS["leads"], "touched", Scripted([Said(answer("leads", rows))]))).pages[0]
    assert page.to_fetch == {
        "1": timedelta(minutes=7),
        "2": timedelta(0),
        "3": timedelta(0),
        "4": timedelta(minutes=2),
        "5": timedelta(0),
    }
    assert page.records == ()


async def reread(http: Scripted, name: str = "55001") -> Any:
    touched = STREAMS["leads"].sweeps[-1]
    assert touched.reread is not None
    return await touched.reread(http, name)


@pytest.mark.covers("ipscape", 6, 7)
async def test_a_lead_is_read_by_itself_and_may_be_gone() -> None:
    http = Scripted([Said(LEAD), Said("gone", status=404)])
    assert list((await reread(http)).records) == [json_bytes(LEAD)]
    assert list((await reread(http)).records) == []
    assert http.asked == [("/v3.0/leads/55001", {})] * 2
    nameless = {**LEAD, "leadId": None}
    assert list((await reread(Scripted([Said(nameless)]))).records) == [json_bytes(nameless)], "which makes a reject"
    bare = {"leadId": 55001, "phones": [], "timestamps": None}
    assert list((await reread(Scripted([Said(bare)]))).records) == [json_bytes(bare)], "any field may be null"
    for other in ({"error": "no such lead"}, {**LEAD, "leadId": 1}, {"data": LEAD}, [LEAD], {}, b"<html>", b""):
        with pytest.raises(Unexpected):
            await reread(Scripted([Said(other)]))
    with pytest.raises(Unexpected):
        await reread(Scripted([Said("no", status=401)]))
