"""What is known, where the state is in Kafka: explained beside a running poller, carried about when none runs."""

import json
from pathlib import Path

import pytest

from poller.sandbox.accounts import DESCRIBED, account
from tests.commands.running import House, callcap, until
from tests.commands.test_replicas import house_of
from tests.commands.vendors import Vendors
from tests.kafka.reading import Place

pytestmark = pytest.mark.slow


def subjects(place: Place) -> list[str]:
    there = f"{place.prefix}call" in place.topics()
    events = [json.loads(value) for value in (place.values("call") if there else ()) if value]
    return sorted(event["subject"] for event in events if event["source"] == "/callcap/acme")


@pytest.mark.long
def test_explained_kept_and_forgotten(tmp_path: Path, vendors: Vendors, kafka: Place) -> None:
    house: House = house_of(tmp_path, vendors, kafka)
    before = house.run("streams")
    assert before.code() == 0
    assert before.logged.startswith("poller: state.topic: ")
    assert before.logged.endswith(" is not there: nothing was saved yet\n")
    with house.start("run") as poller:
        until(lambda: set(subjects(kafka)) >= set(vendors.holds("callcap")), "what there was")
        some = subjects(kafka)[0]
        assert "revision 1" in house.run("explain", "acme.calls", "--id", some).said
        live = json.loads(house.run("explain", "acme.calls", "--json").said)["sweeps"][1]
        assert "complete pass covered" in live["why_there"]
        refused = house.run("state", "reset", "acme", "--yes")
        assert refused.code() == 2
        assert "has 1 members: stop every poller first" in refused.logged
        assert poller.stop() == 0
    there = subjects(kafka)
    exported = house.run("state", "export")
    assert exported.code() == 0
    assert {json.loads(line).get("name") for line in exported.lines} >= {"acme/calls", "west/calls", "acme"}
    forgotten = house.run("state", "reset", "acme.calls", "--yes")
    assert f"forgotten: acme/calls: {len(there)} records, 3 sweeps" in forgotten.said
    assert house.run("run", "--once").code() == 0
    until(lambda: len(subjects(kafka)) == 2 * len(there), "all of them again")


@pytest.mark.long
def test_an_account_that_moved_is_accepted_and_nothing_comes_again(
    tmp_path: Path, vendors: Vendors, kafka: Place
) -> None:
    house = house_of(tmp_path, vendors, kafka)
    assert house.run("run", "--once").code() == 0
    there = subjects(kafka)
    assert there == sorted(vendors.holds("callcap"))
    house.write("before.yaml")
    house.write(sources={"acme": callcap(vendors.at.replace("127.0.0.1", "localhost"))})
    refused = house.run("run", "--once")
    assert (refused.code(), "`poller state accept acme`" in refused.logged) == (2, True)
    with house.start("run", "-c", "before.yaml") as poller:
        poller.until_log("poll.completed", source="acme", sweep="audit")
        running = house.run("state", "accept", "acme")
        assert (running.code(), "stop every poller first" in running.logged) == (2, True)
        assert poller.stop() == 0
    accepted = house.run("state", "accept", "acme")
    assert (accepted.code(), accepted.said.startswith("acme: accepted")) == (0, True)
    new = vendors.put("callcap")
    assert house.run("run", "--once").code() == 0
    until(lambda: subjects(kafka) == sorted([*there, new]), "what is new, and nothing else")
    again = house.run("state", "accept", "acme")
    assert (again.code(), again.said.startswith("acme: nothing to accept")) == (0, True)


@pytest.mark.long
@pytest.mark.parametrize("changed", [{"identity": "subject"}, {"kind": "request"}])
def test_a_described_list_with_another_identity_or_kind_is_refused(
    tmp_path: Path, vendors: Vendors, kafka: Place, changed: dict[str, str]
) -> None:
    house, described = house_of(tmp_path, vendors, kafka), account(vendors.at, DESCRIBED)
    house.write(sources={"acme": described})
    assert house.run("run", "--once").code() == 0
    there = len(kafka.values("ticket"))
    streams = {"tickets": {**described["streams"]["tickets"], **changed}}
    house.write(sources={"acme": {**described, "streams": streams}})
    for command in (("run", "--once"), ("check",)):
        refused = house.run(*command)
        assert "`poller state reset acme.tickets`" in refused.said + refused.logged
        assert refused.code() == (2 if command[0] == "run" else 1)
    assert len(kafka.values("ticket")) == there > 0
