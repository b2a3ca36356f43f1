"""What a loop is told while it runs: to read history, to stop; and what a run that ends by itself waits for.

Killed: an order that is taken for another stream's, or that a page of its stream gets in the way of; one that waits
for ever where its source is not polled any more; a loop that does not stop; a run that ends with a record still due.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from poller.errors import ConfigError
from poller.polling.orders import Orders, Waiting
from poller.polling.progress.backfill import Order
from poller.polling.step import Step
from poller.polling.work import Work
from tests.simulation import BIRTH, Simulation, callcap, trackdrive

DAY = timedelta(days=1)
MONTH = Order(("30d", ""), BIRTH - 30 * DAY, BIRTH)
QUIET: dict[str, Any] = {"history": timedelta(0), "rate": 0.0}


class Ordered(Simulation):
    """A poller whose loop is told something under way."""

    late: tuple[str, Order] | None = None
    refused: ConfigError | None = None
    ended: float | None = None

    async def _work(self, seconds: float) -> None:
        (loop,) = self.pipelines
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                group.start_soon(loop.run)
                await anyio.sleep(seconds / 2)
                loop.stop()
                if self.late:
                    try:
                        await loop.order(*self.late)
                    except ConfigError as error:
                        self.refused = error
            self.ended = (self.now() - BIRTH).total_seconds()


@pytest.fixture
def calls(tmp_path: Path) -> Ordered:
    return Ordered(tmp_path, {"acme": callcap(start="1h")}, **QUIET)


def test_history_is_read_beside_the_sweeps_and_its_stream_is_busy_while_that_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, take, busy = Simulation(tmp_path, {"acme": callcap(start="1h")}, **QUIET), Orders.take, list[bool]()

    async def watched(orders: Orders, order: Waiting) -> None:
        busy.append(order.stream.busy)
        await take(orders, order)

    monkeypatch.setattr(Orders, "take", watched)
    at = BIRTH - 20 * DAY
    call = calls.world.put("callcap/calls", {"last_modified": at}, at=at)
    calls.live(30)
    assert calls.events("acme") == []
    calls.orders = [("calls", MONTH)]
    calls.live(60)
    assert [event["subject"] for event in calls.events("acme")] == [call]
    read = calls.pipelines[0].backfill("calls")
    assert read
    assert (bool(read.done), read.start) == (True, MONTH.start)
    assert (busy, [stream.busy for stream in calls.pipelines[0].streams]) == ([True], [False])


def test_history_of_a_stream_that_is_not_polled_is_refused(calls: Ordered) -> None:
    calls.late = ("leads", MONTH)
    calls.live(60)
    assert str(calls.refused) == "acme.leads is not polled: the configuration in use does not name it"


def test_a_loop_that_is_stopped_ends_and_lets_go_of_who_waits(calls: Ordered) -> None:
    calls.late = ("calls", MONTH)
    calls.live(60)
    assert str(calls.refused) == "acme/calls is not polled here any more; ask again"
    assert calls.ended is not None
    assert 30 <= calls.ended <= 35


def test_streams_are_read_at_once_where_that_is_allowed_and_each_by_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most, take = list[str](), list[int](), Step.take

    async def watched(step: Step, work: Work) -> None:
        assert work.stream.name not in under_way
        under_way.append(work.stream.name)
        most.append(len(under_way))
        try:
            await take(step, work)
        finally:
            under_way.remove(work.stream.name)

    monkeypatch.setattr(Step, "take", watched)
    for allowed in (1, 2):
        most.clear()
        account = trackdrive(start="1m", max_concurrency=allowed, requests_per_minute=600)
        Simulation(tmp_path / f"{allowed}", {"acme": account}, **QUIET).live(4)
        assert max(most) == allowed


def test_a_run_that_ends_by_itself_reads_the_records_that_are_named_and_says_which_it_leaves(tmp_path: Path) -> None:
    sweeps: dict[str, Any] = {name: {} for name in ("live", "settle", "audit", "changes")}
    account = trackdrive(start="1h", streams={"leads": {"sweeps": sweeps}})
    simulation = Simulation(tmp_path, {"acme": account}, **QUIET)
    simulation.live(60, once=True)
    lead = simulation.world.put("trackdrive/leads", at=simulation.now() - 20 * DAY)
    simulation.elapsed += 600
    simulation.live(300, once=True)
    assert [event["subject"] for event in simulation.events("acme")] == [lead]
    assert not simulation.pipelines[0].failed
    simulation.world.edit("trackdrive/leads", lead)
    with capture_logs() as logs:
        simulation.live(300, once=True)
    left = [line for line in logs if line["event"] == "fetches.left"]
    assert [(one["source"], one["stream"], one["sweep"], one["records"]) for one in left] == [
        ("acme", "leads", "changes", 1)
    ]
