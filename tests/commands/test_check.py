"""`poller check`: one line each, what it says of what is wrong, and that it changes nothing."""

import json
import re
import socket
from functools import partial
from typing import Any

import pytest

from poller.commands.check import _patiently
from poller.errors import SourceError, Throttled, Unavailable
from poller.plugin import Probed
from poller.sandbox.accounts import ACCOUNTS, DESCRIBED, account
from poller.sandbox.vendors.callcap import API_KEY
from tests.chaos.hasty import sources
from tests.commands.running import FILES, STDOUT, House, Poller, callcap, flextell, until, without_colours
from tests.commands.vendors import Vendors


def findings(process: Poller) -> dict[str, tuple[bool, str]]:
    """What its lines say, by name."""
    found = {}
    for line in process.lines:
        name, _, words = line[5:].partition(": ")
        assert line[:5] in {"ok   ", "FAIL "}
        found[name] = (line.startswith("ok"), words)
    return found


def test_all_is_well(house: House, vendors: Vendors) -> None:
    before = vendors.number()
    check = house.run("check")
    assert check.code() == 0
    found = findings(check)
    assert list(found) == ["state", "acme", "crm", "files"]
    assert all(ok for ok, _ in found.values())
    assert found["acme"][1].startswith(f"answers; {len(vendors.holds('callcap'))} calls")
    assert [len(vendors.asked(vendor, before)) for vendor in ("callcap", "flextell")] == [1, 1], "one request each"
    assert [path.name for path in house.folder.iterdir() if path.is_dir()] == [], "nothing was made"
    said = json.loads(house.run("check", "--json").said)
    assert [(one["name"], one["ok"], one["words"]) for one in said] == [
        (name, *finding) for name, finding in found.items()
    ]


def test_everything_that_is_wrong_is_said_and_the_rest_is_looked_at_all_the_same(
    house: House, vendors: Vendors
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    sources = {
        "wrong-key": callcap(vendors.at, api_key="no such key"),
        "nobody": callcap(nobody),
        "page": flextell(vendors.at),
        "fine": callcap(vendors.at),
    }
    (house.folder / "file").touch()
    outputs = {"nowhere": {**FILES, "path": "file/{source}.jsonl"}, "console": dict(STDOUT)}
    house.write(sources=sources, outputs=outputs, state={"path": "file/poller.db"})
    vendors.vices({"flextell": {"html_200": 1.0}})
    check = house.run("check")
    assert check.code() == 1
    found = findings(check)
    assert {name for name, (ok, _) in found.items() if ok} == {"fine", "console"}
    assert "file/poller.db cannot be read" in found["state"][1]
    refused = "HTTP 401: the vendor refuses the credential (api_key): is it still valid, and for this account?"
    said = '{"status":"unauthorized","message":"Your key is invalid"}'
    assert found["wrong-key"][1].endswith(f"{refused}; the vendor says: {said}")
    assert "the connection failed" in found["nobody"][1]
    assert "markup where JSON was asked for" in found["page"][1]
    assert found["nowhere"][1].startswith("outputs.nowhere.path: file is not a folder")
    assert len(check.lines) == 7


def test_a_state_that_cannot_be_read_is_one_finding_among_others(house: House) -> None:
    (house.folder / "state").mkdir()
    (house.folder / "state/poller.db").write_bytes(b"no database, but longer than a header would be" * 100)
    check = house.run("check")
    assert check.code() == 1
    assert {name: ok for name, (ok, _) in findings(check).items()} == {
        "state": False,
        "acme": True,
        "crm": True,
        "files": True,
    }


def test_every_vendor_answers(house: House, vendors: Vendors) -> None:
    house.write(sources={**sources(vendors.at), "flextell": flextell(vendors.at)})
    check = house.run("check")
    assert check.code() == 0
    answers = {name: words for name, (ok, words) in findings(check).items() if ok}
    assert {name for name, words in answers.items() if words.startswith("answers")} == set(ACCOUNTS) - {DESCRIBED}
    described = answers[f"{DESCRIBED}.tickets"]
    assert re.fullmatch(
        r"audit \(live asks the same\): (\d+) rows at tickets, \1 different identities; "
        r"created_at \S+ to \S+; updated_at \S+ to \S+; (does not go on|goes on at page 2); [\d,]+ in all; "
        r"no \{end\}: history is one slice, and nothing can be asked for in halves",
        described,
    )


def test_what_the_vendor_says_of_a_request_that_it_refuses_is_told(house: House, vendors: Vendors) -> None:
    described = account(vendors.at, DESCRIBED)
    tickets = described["streams"]["tickets"]
    wrong = {**tickets, "params": {**tickets["params"], "per_page": 500}}
    house.write(sources={"desk": {**described, "streams": {"tickets": wrong}}})
    check = house.run("check")
    assert check.code() == 1
    assert findings(check)["desk.tickets"][1].endswith(
        '/helpdesk/v1: audit: HTTP 400; the vendor says: {"error":"per_page must be a number from 1 to 100"}'
    )
    with house.start("run") as poller:
        poller.until_log("poll.failed", source="desk")
        assert "per_page must be" not in poller.logged, "a log is no place for what a vendor says"


def test_a_key_of_a_description_that_the_answer_contradicts_is_told_with_its_place(
    house: House, vendors: Vendors
) -> None:
    described = account(vendors.at, DESCRIBED)
    wrong = {**described["streams"]["tickets"], "paging": {"total": "totals"}}
    house.write(sources={"desk": {**described, "streams": {"tickets": wrong}}})
    lines = (house.folder / "config.yaml").read_text().splitlines()
    number = next(at for at, line in enumerate(lines, 1) if "totals" in line)
    words = findings(check := house.run("check"))["desk.tickets"][1]
    assert check.code() == 1
    assert words.startswith(f"config.yaml:{number}: sources.desk.streams.tickets.paging.total: http://")
    assert "it has no totals; the answer has " in words
    (found,) = (one for one in json.loads(house.run("check", "--json").said) if one["name"] == "desk.tickets")
    assert found["keys"] == ["sources", "desk", "streams", "tickets", "paging", "total"]


def test_an_empty_list_that_is_a_404_is_believed_as_a_run_would(house: House, vendors: Vendors) -> None:
    def calls(call_id: str | None) -> dict[str, Any]:
        params = {"search_startdate": "2000-01-01", "search_range": "custom", "search_timezone": "US/Arizona"}
        params |= {"search_enddate": "2100-01-01", "page": "{page}"}
        return {
            "type": "rest", "base_url": f"{vendors.at}/callcap", "auth": {"bearer": API_KEY}, "timezone": "US/Arizona",
            "requests_per_minute": 6000,
            "streams": {"calls": {
                "kind": "call", "path": "/v2/get/calls/", "records": "call", "identity": "call_id", "empty": ["404"],
                "time": "start_datetime", "modified": None, "paging": {"pages": "pagination.last_page"},
                "params": params | ({"call_id": call_id} if call_id else {}),
            }},
        }  # fmt: skip

    house.write(sources={"desk": calls("none such")})
    check = house.run("check")
    assert check.code() == 0
    words = findings(check)["desk.calls"][1]
    assert "snapshot: no answer yet; warning: HTTP 404: nothing there, or a wrong path" in words
    house.write(sources={"desk": calls(None)})
    assert house.run("run", "--once").code() == 0
    house.write(sources={"desk": calls("none such")})
    assert findings(house.run("check"))["desk.calls"] == (True, "snapshot: nothing there (HTTP 404)")


def test_it_warns_where_the_sweeps_ask_more_than_the_pace_allows(house: House, vendors: Vendors) -> None:
    paces = {"enough": 600, "slow": 599}  # three sweeps, each 200 times a minute
    house.write(sources={name: callcap(vendors.at, requests_per_minute=pace) for name, pace in paces.items()})
    check = house.run("check")
    assert check.code() == 0
    assert {name: "warning" in findings(check)[name][1] for name in paces} == {"enough": False, "slow": True}


def test_at_a_terminal_marks_stand_beside_the_words_and_warnings_in_lines_of_their_own(
    house: House, vendors: Vendors
) -> None:
    house.write(sources={"slow": callcap(vendors.at, requests_per_minute=1), "bad": callcap(vendors.at, api_key="no")})
    code, coloured = house.at_terminal("check", columns=80)
    lines = without_colours(coloured).splitlines()
    assert code == 1
    assert "\x1b[" in coloured
    assert [line[:7] for line in lines] == ["✓ ok   ", "✗ FAIL ", "✓ ok   ", "! warni", "✓ ok   "]
    assert "requests_per_minute allows 1" in lines[3]
    plain = house.at_terminal("check", PYTHONIOENCODING="ascii")[1]
    assert "✓" not in plain


def test_a_refresh_token_is_not_spent(house: House, vendors: Vendors) -> None:
    house.write(sources={"crm": flextell(vendors.at, oauth=True)})
    before = vendors.number()
    check = house.run("check")
    assert check.code() == 0
    assert findings(check)["crm"][1].startswith("left out: no valid access token at hand")
    assert vendors.asked("flextell", before) == []


def test_it_says_what_a_start_would_refuse_of_the_server(house: House) -> None:
    house.write(server={"host": "203.0.113.7", "port": 0, "control": "nowhere/poller.sock"})
    check = house.run("check")
    assert check.code() == 1
    ok, words = findings(check)["server"]
    assert not ok
    host, _, control = words.partition("; server.")
    for server, problem in (({"host": "203.0.113.7"}, host), ({"control": "nowhere/poller.sock"}, control)):
        house.write(server={"port": 0} | server)
        start = house.run("run")
        assert start.code() == 2
        assert problem in start.logged


def test_a_taken_port_is_a_warning_unless_its_own_poller_has_it(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        house.write(server={"port": port})
        check = house.run("check")
        assert check.code() == 0
        assert f"; warning: server.port: {port} on 127.0.0.1 is taken" in findings(check)["server"][1]
    with house.start("run") as poller:
        poller.until_log("poller.started")
        assert "server" not in findings(house.run("check"))
        assert poller.stop() == 0
    assert "server" not in findings(house.run("check")), "none has it"


def test_it_changes_nothing_beside_a_running_poller(house: House, vendors: Vendors) -> None:
    with house.start("run") as poller:
        until(partial(house.has, "acme", vendors.holds("callcap")), "what there was")
        assert house.run("check").code() == 0
        with poller.frozen():
            before = house.bytes("state"), house.bytes("events")
            assert house.run("check").code() == 0
            assert (house.bytes("state"), house.bytes("events")) == before
        new = vendors.put("callcap")
        until(partial(house.has, "acme", {new}), "a record that came after the check")
        assert poller.stop() == 0


@pytest.mark.parametrize(
    ("failures", "waits"),
    [
        ([Unavailable("HTTP 500"), Unavailable("HTTP 500")], [0.5, 0.5]),
        ([Throttled("HTTP 429", 6.0), Throttled("HTTP 429")], [6.0, 0.5]),
    ],
)
async def test_a_vendor_is_asked_again_that_was_away_or_wanted_patience(
    failures: list[SourceError], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, left = [], iter(failures)

    async def probe() -> Probed:
        for failure in left:
            raise failure
        return Probed("answers")

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("poller.commands.check.anyio.sleep", sleep)
    assert (await _patiently(probe)).words == "answers"
    assert waited == waits


async def test_one_that_asks_for_much_patience_is_not_waited_for() -> None:
    async def probe() -> Probed:
        raise Throttled("HTTP 429", 600.0)

    with pytest.raises(Throttled, match="HTTP 429: it asks to wait for 10 min"):
        await _patiently(probe)


async def test_one_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def probe() -> Probed:
        asked.append(1)
        raise Unavailable("HTTP 500")

    monkeypatch.setattr("poller.commands.check._PAUSE", 0)
    with pytest.raises(Unavailable):
        await _patiently(probe)
    assert len(asked) == 3
