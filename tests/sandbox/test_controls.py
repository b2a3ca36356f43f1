"""What tests and people steer the sandbox with, under /_sandbox."""

from typing import Any

from poller.sandbox.app import sandbox
from poller.sandbox.world.vices import Vices

from .stage import CALLS, LEADS, NOON, Stage


async def test_the_truth_can_be_read_over_http(stage: Stage) -> None:
    call = stage.world.put(CALLS, {"revenue": 1})
    stage.later(seconds=30)
    stage.world.edit(CALLS, call, {"revenue": 2})
    stage.later(seconds=30)
    stage.world.delete(CALLS, call)
    body = (await stage.http.get("/_sandbox/truth?stream=callcap/calls")).json()
    told = body["records"][call]
    assert (body["now"], told["first_visible"], told["vanished"]) == (
        "2026-03-14T19:01:00Z",
        "2026-03-14T19:00:00Z",
        "2026-03-14T19:01:00Z",
    )
    assert [(version["at"], version["record"]["revenue"]) for version in told["versions"]] == [
        ("2026-03-14T19:00:00Z", 1),
        ("2026-03-14T19:00:30Z", 2),
    ]
    assert [version["record"] for version in told["versions"]] == [
        version.record for version in stage.world.truth(CALLS)[call].versions
    ]


async def test_the_truth_is_told_as_a_list_asked_that_way_shows_it(stage: Stage) -> None:
    call = stage.world.put(CALLS)
    told = (await stage.http.get("/_sandbox/truth?stream=callcap/calls&view=UTC,notes")).json()["records"][call]
    asked = (await stage.calls(search_timezone="UTC", detail="notes")).json()["call"][0]
    assert told["versions"][0]["record"] == asked


async def test_there_is_no_truth_of_an_unknown_stream(stage: Stage) -> None:
    assert (await stage.http.get("/_sandbox/truth?stream=callcap/leads")).status_code == 404


async def test_vices_are_switched_at_run_time(stage: Stage) -> None:
    wanted = {"callcap": {"throttle": 1.0}, "*": {"retry_seconds": 7}}
    answer = await stage.http.post("/_sandbox/vices", json=wanted)
    assert answer.json()["set"] == wanted == (await stage.http.get("/_sandbox/vices")).json()["set"]
    assert "throttle" in answer.json()["known"]
    assert ((await stage.calls()).status_code, (await stage.leads()).status_code) == (429, 200)
    await stage.http.post("/_sandbox/vices", json={})
    assert (await stage.calls()).status_code == 200


async def test_what_is_no_vice_is_refused_and_changes_nothing(stage: Stage) -> None:
    stage.vices(throttle=0.5)
    no_vices: list[Any] = [{"callcap": {"gluttony": 1}}, {"nobody": {}}, {"*": {"reset": 2}}, {"*": {"reset": "x"}}]
    for wrong in (*no_vices, [], {"*": 1}):
        assert (await stage.http.post("/_sandbox/vices", json=wrong)).status_code == 422
    assert stage.world.vices.settings() == {"*": {"throttle": 0.5}}


async def test_quiet_ends_changes_and_vices() -> None:
    stage = Stage(rate=60)
    stage.vices(throttle=1.0)
    stage.later(minutes=5)
    assert (await stage.http.post("/_sandbox/quiet")).json() == {"now": "2026-03-14T19:05:00Z"}
    before = stage.world.truth(LEADS)
    stage.later(hours=5)
    assert (await stage.leads()).json()["meta"]["total"] > 100
    assert stage.world.truth(LEADS) == before


async def test_requests_are_logged_without_secrets(stage: Stage) -> None:
    await stage.calls(page=2, token="hidden")
    stage.later(seconds=5)
    stage.vices(forbidden=1.0)
    await stage.leads(trashed=1)
    log = (await stage.http.get("/_sandbox/log")).json()
    assert log["last"] == 2
    assert log["requests"][0] == {
        "n": 1, "time": "2026-03-14T19:00:00Z", "method": "GET", "path": "/callcap/v2/get/calls/",
        "query": "page=2&token=%2A%2A%2A", "status": 400, "vice": None,
    }  # fmt: skip
    later = (await stage.http.get("/_sandbox/log?since=1")).json()["requests"]
    assert [(entry["path"], entry["status"], entry["vice"]) for entry in later[:1]] == [
        ("/flextell/api/v1/leads", 403, "forbidden")
    ]
    assert all("sandbox-callcap-key" not in f"{entry}" for entry in log["requests"])


def test_vices_given_to_the_app_replace_the_worlds(stage: Stage) -> None:
    vices = Vices(1, {"*": {"stall": 0.5}}, vendors=("callcap",))
    sandbox(stage.world, vices)
    assert stage.world.vices is vices
    assert stage.world.now() == NOON
