"""When a gap is read again that failed.

Killed: an open-ended list that is read again and again within a minute; one that waits for a minute the first time.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from poller.errors import Unexpected
from poller.plugin.stream import History, Page, Sweep, Window
from poller.polling.progress.passes import Pass
from poller.polling.runtime import Reading
from poller.polling.work import PassWork
from poller.state.checkpoint import Gap
from tests.support.toy import NOON, running

MINUTE = timedelta(minutes=1)


async def pages(*_: object) -> AsyncIterator[Page]:
    raise Unexpected("a total that is off")
    yield Page(())


@pytest.mark.parametrize(
    ("ranges", "waits"), [(None, [5, 20, 60, 160, 400]), (History(pages, MINUTE), [1, 2, 4, 8, 16])]
)
def test_a_list_without_an_end_is_read_again_soon_once_and_then_ever_more_seldom(
    ranges: History | None, waits: list[float]
) -> None:
    run = running(Sweep("live", MINUTE, MINUTE, pages, ranges=ranges)).sweeps[0]
    gap = Gap("live", NOON - MINUTE, NOON, "shifted", NOON)
    reading = Reading(Pass(Window(NOON - MINUTE, NOON), NOON, gap), pages())
    for wait in waits:
        work = PassWork(run, reading, lambda: None)
        assert wait <= work.retry.failed(NOON, work.retry_factor) <= 1.25 * wait
