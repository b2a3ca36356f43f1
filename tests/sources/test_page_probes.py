"""Probes of pages, at a list that does not give the second one."""

from typing import Any, cast

import pytest
from msgspec import Raw

from poller.errors import Unexpected
from poller.plugin import ListPage, PageRef, identity_of, probes
from tests.support.toy import NOON


@pytest.mark.parametrize("what", ["page 2 is not what was asked for: it says it is page 1", "HTTP 422"])
async def test_a_second_page_that_is_refused_or_another_one_breaks_the_assumption(what: str) -> None:
    async def ask(_: object, __: object, place: PageRef) -> ListPage:
        if place != 1:
            raise Unexpected(what)
        return ListPage([Raw(b'{"id": 1}')], 2, 2, NOON)

    leads = probes.ProbedList(now=NOON, ask=ask, identity=identity_of("id"), time_of=lambda _: NOON, size=1)
    probe = probes.pages_differ("leads", leads).probe
    assert probe
    verdict = await probe(cast("Any", None))
    assert (verdict.says, what in verdict.evidence) == ("fails", True)
