"""Where the state is lost in the middle of a request, as a token is saved there: no trouble of the vendor's.

Killed: a sweep that calls it a bug and waits, with a source that is to be restored.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest

from poller.plugin.stream import Page, Sweep, Window
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.fetch_work import FetchWork
from poller.polling.progress.passes import Pass
from poller.polling.runtime import Reading, SweepRuntime
from poller.polling.step import Step
from poller.polling.work import PassWork
from poller.state.ledger import OwnershipLost
from poller.telemetry import Telemetry
from tests.support.clocks import still
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
def step() -> Step:
    return Step(nobody, nobody, CircuitBreaker(), Telemetry(), still(NOON))


async def test_a_page_lets_it_through(step: Step, run: SweepRuntime) -> None:
    with pytest.raises(OwnershipLost):
        await step.take(PassWork(run, Reading(Pass(Window(NOON, NOON), NOON), pages()), lambda: None))
    assert not run.retry.failures


async def test_a_single_record_lets_it_through(step: Step, run: SweepRuntime) -> None:
    with pytest.raises(OwnershipLost):
        await step.take(FetchWork(run, "1", nobody))
    assert not run.fetch_retry.failures
