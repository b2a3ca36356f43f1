"""How one sees that records are odd, and that answers fail."""

import json
from collections import Counter
from typing import Any

import httpx

from .stage import ALL_CALLS, CALLS, Stage, answers, both, ids


async def odd_record(stage: Stage) -> Any:
    both(stage, 30)
    types: dict[str, set[type]] = {}
    for row in (await stage.calls(**ALL_CALLS)).json()["call"] + (await stage.leads(per_page=100)).json()["data"]:
        for name, value in row.items():
            types.setdefault(name, set()).add(type(value))
    leaves = ("caller", "duration", "accounts", "action", "is_converted", "status")
    odd = [name for name in leaves if len(types[name]) > 1]
    raw = (await stage.calls(**ALL_CALLS)).text + (await stage.leads(per_page=100)).text
    spelled = all(text in raw for text in ('"revenue":1.10', r"\u00e9", r"\ud83d\ude00", r"\/", ".000000Z"))
    return len(odd) == 6 and spelled and truth_agrees(stage, CALLS, (await stage.calls(**ALL_CALLS)).json()["call"])


def truth_agrees(stage: Stage, stream: str, rows: list[Any]) -> Any:
    told = [version.record for history in stage.world.truth(stream).values() for version in history.versions]
    return all(row in told for row in rows)


async def broken_record(stage: Stage) -> Any:
    both(stage, 40)
    rows = (await stage.calls(**ALL_CALLS)).json()["call"]
    objects = [row for row in rows if isinstance(row, dict)]
    return (
        len(objects) < len(rows)
        and any("call_id" not in row for row in objects)
        and any("call_id" in row and row["call_id"] is None for row in objects)
        and {row["start_datetime"] for row in objects} >= {"yesterday noon", "0000-00-00 00:00:00"}
        and any(not isinstance(row, dict) for row in (await stage.leads(per_page=100)).json()["data"])
        and truth_agrees(stage, CALLS, rows)
        and all("broken_record" in call.versions[0].vices for call in stage.world.truth(CALLS).values())
    )


async def new_field(stage: Stage) -> Any:
    both(stage)
    rows = (await stage.calls(**ALL_CALLS)).json()["call"] + (await stage.leads()).json()["data"]
    return all("beta_score" in row for row in rows)


async def null_dates(stage: Stage) -> Any:
    both(stage, 10)
    rows = (await stage.leads()).json()["data"]
    gone = Counter(name for row in rows for name in ("created_at", "last_synced_at") if row[name] is None)
    return gone.total() >= 10 and len(gone) == 2 and rows[0]["created_at"] is None


async def pretty_body(stage: Stage) -> Any:
    both(stage)
    found = await answers(stage, 1)
    return all("\n  " in answer.text and len(ids(answer)) == 4 for answer in found)


async def html_200(stage: Stage) -> Any:
    found = await answers(stage)
    return all(
        answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html") and "<html" in answer.text
        for answer in found
    )


async def error_in_body(stage: Stage) -> Any:
    calls, leads = await stage.calls(), await stage.leads()
    return (
        calls.status_code == leads.status_code == 200
        and calls.json().keys() == {"status", "message"}
        and calls.json()["status"] != "success"
        and leads.json().keys() == {"error", "message"}
    )


async def server_error(stage: Stage) -> Any:
    found = await answers(stage)
    return {answer.status_code for answer in found} == {500, 502, 503} and (
        0 < sum("Retry-After" in answer.headers for answer in found) < len(found)
    )


async def throttle(stage: Stage) -> Any:
    found = await answers(stage)
    waits = {answer.headers["Retry-After"] for answer in found if answer.status_code == 429}
    return waits == {"2", "Sat, 14 Mar 2026 19:00:02 GMT"} and len(found) == 40


async def unauthorized(stage: Stage) -> Any:
    calls, leads = await stage.calls(), await stage.leads()
    return calls.json()["status"] == "unauthorized" and (calls.status_code, leads.status_code) == (401, 401)


async def forbidden(stage: Stage) -> Any:
    return [answer.status_code for answer in await answers(stage, 1)] == [403, 403]


async def cut_off(stage: Stage) -> Any:
    both(stage)
    failed = 0
    for _ in range(20):
        try:
            (await stage.calls(**ALL_CALLS)).json()
        except (httpx.TransportError, json.JSONDecodeError):
            failed += 1
    return failed == 20
