"""Where the state is lost in the middle of a request, as a token is saved there: no trouble of the vendor's.

Killed: a sweep that calls it a bug and waits, with a source that is to be restored.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from poller.plugin.stream import Page, Sweep
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.rereads import Rereads
from poller.polling.runtime import SweepRuntime
from poller.polling.step import Steps
from poller.state.ledger import OwnershipLost
from poller.telemetry import Telemetry
from tests.support.toy import NOON, running


async def pages(*_: object) -> AsyncIterator[Page]:
    raise OwnershipLost("fenced")
    yield Page(())


async def reread(*_: object) -> Page:
    raise OwnershipLost("fenced")


@pytest.fixture
def run() -> SweepRuntime:
    return running(Sweep("live", timedelta(minutes=1), None, pages, reread=reread)).sweeps[0]


nobody = cast("Any", None)


@pytest.fixture
def steps() -> Steps:
    return Steps(nobody, nobody, Telemetry(), lambda: NOON, CircuitBreaker())


async def test_a_page_lets_it_through(steps: Steps, run: SweepRuntime) -> None:
    with pytest.raises(OwnershipLost):
        await steps.page(run)
    assert not run.failures


async def test_a_single_record_lets_it_through(steps: Steps, run: SweepRuntime) -> None:
    with pytest.raises(OwnershipLost):
        await Rereads(steps, nobody, Telemetry(), lambda: NOON, CircuitBreaker()).read(run, "1")
    assert not run.reread_failures
