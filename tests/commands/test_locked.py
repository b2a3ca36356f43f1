"""A poller that is started while a command has its state, or its predecessor is just ending, waits for that."""

import signal
import socket

import pytest

from poller.state.sqlite.database import Database
from tests.commands.running import IMPATIENT, House, Poller, until
from tests.commands.vendors import Vendors

pytestmark = pytest.mark.slow


def test_it_waits_for_a_command_and_then_polls(house: House) -> None:
    database = Database.open(house.folder / "state/poller.db", command="backfill")
    with house.start("run") as poller:
        assert "`poller backfill`" in poller.until_log("state.awaited")["holder"]
        database.close()
        poller.until_log("poller.started")
        assert poller.stop() == 0


def test_a_signal_ends_the_wait(house: House) -> None:
    database = Database.open(house.folder / "state/poller.db", command="state export")
    with house.start("run") as poller:
        poller.until_log("state.awaited")
        assert poller.stop() == 0
    database.close()


def check_successor_waits(house: House, vendors: Vendors, first: Poller) -> None:
    """End a poller while a page of its does not come: the next one waits for that, and then polls."""
    vendors.vices({"callcap": {"stall": 1.0}})
    since = vendors.number()
    until(lambda: vendors.asked("callcap", since), "a page that does not come")
    first.process.send_signal(signal.SIGTERM)
    with house.start("run") as successor:
        assert successor.until_log("state.awaited")["ending"]
        successor.until_log("poller.started")
        assert first.code() == 0
        assert successor.stop() == 0


def test_it_waits_for_its_predecessor_that_is_just_ending(house: House, vendors: Vendors) -> None:
    with house.start("run") as first:
        first.until_log("poll.completed", source="acme", sweep="audit")
        check_successor_waits(house, vendors, first)


def test_a_second_one_with_the_same_port_names_who_has_the_state_or_waits_for_its_end(
    house: House, vendors: Vendors
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        house.settings["server"] = {"port": free.getsockname()[1]}
    house.write()
    with house.start("run") as first:
        first.until_log("poll.completed", source="acme", sweep="audit")
        second = house.run("run")
        assert second.process.returncode == 2
        assert f"is in use by another poller (`poller run`, process {first.process.pid} on " in second.logged
        check_successor_waits(house, vendors, first)


@pytest.mark.parametrize("known", [False, True], ids=["its first start", "there is a state"])
def test_it_waits_for_a_port_that_a_killed_predecessor_still_has(house: House, known: bool) -> None:
    if known:
        Database.open(house.folder / "state/poller.db", command="run").close()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        house.write(server={"port": port})
        with house.start("run") as stopped:
            stopped.until_log("port.awaited")
            assert stopped.stop() == 0
        poller = house.start("run")
        poller.until_log("port.awaited")
    with poller:
        assert poller.until_log("poller.started")["page"] == f"http://127.0.0.1:{port}/"
        assert len(poller.logs("port.awaited")) == 1
        assert poller.stop() == 0


def test_a_port_that_somebody_else_has_is_told_once_the_state_is_there(house: House) -> None:
    Database.open(house.folder / "state/poller.db", command="run").close()
    with socket.create_server(("127.0.0.1", 0)) as other:
        house.write(server={"port": other.getsockname()[1]})
        refused = house.run("run", before=IMPATIENT)
    assert refused.process.returncode == 2
    assert "config.yaml: server.port: " in refused.logged
