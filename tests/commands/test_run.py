"""`poller run`: what both vendors hold arrives, once, as documented, in files and on standard output."""

import fcntl
import json
import os
import select
from functools import partial
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.commands.running import STDOUT, House, callcap, flextell, until
from tests.commands.vendors import Vendors, serving

SOURCES = {"acme": "callcap", "crm": "flextell"}


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Draft202012Validator:
    printed = House(tmp_path_factory.mktemp("schema"), {}).run("schema", "event")
    schema = json.loads(printed.said)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_both_vendors_events_arrive_in_files_once(house: House, vendors: Vendors, valid: Draft202012Validator) -> None:
    with house.start("run") as poller:
        for source, vendor in SOURCES.items():
            until(partial(house.has, source, vendors.holds(vendor)), source)
        new = {source: vendors.put(vendor) for source, vendor in SOURCES.items()}
        for source, subject in new.items():
            until(partial(house.has, source, {subject}), f"a new record of {source}")
        assert poller.stop() == 0
        assert poller.said == ""
    for source, vendor in SOURCES.items():
        events = house.events(source)
        assert sorted(house.subjects(source)) == sorted(vendors.holds(vendor))
        for event in events:
            valid.validate(event)
            assert event["source"] == f"/{vendor}/{source}"
    assert not list((house.folder / "rejects").glob("*"))


def test_broken_records_arrive_as_rejects_and_validate(tmp_path: Path, valid: Draft202012Validator) -> None:
    with serving(rate=0) as vendors:
        vendors.vices({"*": {"broken_record": 1.0}})
        for vendor in SOURCES.values():
            for _ in range(4):
                vendors.put(vendor)
        house = House(tmp_path, {"acme": callcap(vendors.at), "crm": flextell(vendors.at)})
        assert house.run("run", "--once").code() == 0
    for source in SOURCES:
        rejects = house.events(source, "rejects")
        assert rejects
        for reject in rejects:
            valid.validate(reject)
            assert reject["type"] == "record.rejected"


def test_stdout_has_one_line_an_event_and_nothing_else(tmp_path: Path, vendors: Vendors) -> None:
    house = House(tmp_path, {"acme": callcap(vendors.at), "crm": flextell(vendors.at)}, console=STDOUT)
    with house.start("run") as poller:
        held = {subject for vendor in SOURCES.values() for subject in vendors.holds(vendor)}
        until(lambda: len(poller.lines) >= len(held), "all lines")
        assert poller.stop() == 0
        told = [json.loads(line) for line in poller.lines]
        assert "\n".join(poller.lines) + "\n" == poller.said
    assert sorted(event["subject"] for event in told) == sorted(held)


def test_what_a_closed_pipe_did_not_take_arrives_at_the_next_run(tmp_path: Path, vendors: Vendors) -> None:
    house = House(tmp_path, {"acme": callcap(vendors.at)}, console=STDOUT)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)  # so the first batch can't be in it whole
    with house.start("run", stdout=writing) as poller:
        os.close(writing)
        assert os.read(reading, 100).startswith(b'{"specversion"')
        os.close(reading)
        assert poller.code() == 1
        assert "nobody reads it any more" in poller.logged
    later = house.run("run", "--once")
    assert {json.loads(line)["subject"] for line in later.lines} == vendors.holds("callcap")
