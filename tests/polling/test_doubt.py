"""A list that contradicts itself, always: what it holds is delivered, and the stream goes on."""

from datetime import timedelta
from pathlib import Path

from poller.polling.progress.backfill import Order
from tests.simulation import BIRTH, Simulation, agendize, flextell

DAY = timedelta(days=1)


def test_a_sync_that_begins_anew_brings_no_old_call_as_created(tmp_path: Path) -> None:
    calm = Simulation(tmp_path, {"acme": agendize(start="1m")}, rate=0.0, history=timedelta(hours=3))
    for hours in range(1, 40):
        calm.world.put("agendize/calls", at=calm.now() - timedelta(hours=hours))
    calm.live(60)
    first = len(calm.events("acme"))
    for hours in range(50, 60):  # they come to be known by the whole list alone
        calm.world.put("agendize/calls", at=calm.now() - timedelta(hours=24 * hours))
    calm.world.vices.set({"agendize": {"sync_token_gone": 1.0, "no_token_on_windows": 1.0}})
    calm.live(300)
    assert len(calm.events("acme")) == first


def test_an_order_of_history_goes_on_and_tells_what_may_be_missing(tmp_path: Path) -> None:
    leads = Simulation(tmp_path, {"crm": flextell(start="1m")}, rate=4.0, history=timedelta(hours=3))
    leads.live(60)
    leads.world.vices.set({"flextell": {"silent_page_cap": 1.0}})
    leads.orders = [("leads", Order(("all", ""), BIRTH - DAY, BIRTH))]
    leads.live(900)
    order = leads.pipelines[0].streams[0].checkpoint.backfill
    assert order
    assert order.done
    assert order.unreadable == ((BIRTH - DAY, BIRTH),)
    assert leads.events("crm"), "what came is delivered"
