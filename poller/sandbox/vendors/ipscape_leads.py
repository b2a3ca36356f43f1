"""ipSCAPE's leads and dial attempts: the life of a lead brings about its attempts, and the calls these become.

Where the public documentation (https://developer.onipscape.com/platform-api.html) is silent: an attempt is listed from
its answer or failure on, and its lead changes with it, or when the call that it became is wrapped up.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from poller.sandbox.vendors import ipscape_calls as calls
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, second


def _lead(n: int, at: datetime, rng: Random) -> Fields:
    first, last = names.name(rng)
    phone, created = calls.phone(rng), second(at)
    return {
        "leadId": 55_000 + n, **calls.campaign(n), "listId": 300 + n % 9, "listName": f"List {n % 9}",
        "timezone": "Australia/Sydney", "completed": False, "customerKey": f"K-{n % 4000}", "agentId": None,
        "agentFullName": None, "dataFields": {"first": first, "last": last, "note": ""}, "lastStatusCode": None,
        "lastStatusDescription": None, "phones": [{"phone": phone, "phoneIndex": 1, "completed": False}],
        "outcomeType": "preview", "outcomesInfo": {"totalAttempts": 0, "outcomesByCode": {}}, "created": created,
        "modified": created, "nextAttempt": created + calls.HOUR, "_phone1": phone,
    }  # fmt: skip


def _lead_life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield a lead's life: uploaded (in bulk sometimes late), attempted (with calls), edited by hand, forgotten."""
    late = min(rng.expovariate(1) * 15 * calls.MINUTE, 5 * calls.HOUR) if rng.random() < 0.06 else calls.lag(rng)
    lead, seen = _lead(n, at, rng), at + late
    yield Change(seen, lead)
    if rng.random() < 0.08:
        edited = seen + rng.expovariate(1) * 2 * calls.HOUR
        yield Change(edited, _note(edited, rng))
    named: set[tuple[str, str]] = set()
    then = seen
    for turn in range(1, 1 + rng.choices((0, 1, 2, 3), (15, 45, 25, 15))[0]):
        then += calls.MINUTE + rng.expovariate(1) * (3 * calls.MINUTE if turn == 1 else calls.HOUR)
        changes = list(_attempted(lead, turn, then, rng))
        named.update(change.of for change in changes if change.of)
        yield from changes
        then = changes[-1].at
        if "completed" in (changes[-1].updates or {}):
            break
    if rng.random() < 0.01:
        yield from _removed(named, then + calls.HOUR * (1 + rng.expovariate(1)))


def _removed(named: set[tuple[str, str]], at: datetime) -> Iterator[Change]:
    """Yield the privacy operation: the lead goes, and where it was called its numbers are written over."""
    for of in sorted(named):
        fields = ("phoneNumber", "destination") if of[0] == calls.NAME else ("phoneNumber",)
        yield Change(at, {**dict.fromkeys(fields, calls.REMOVED), "_changed": second(at)}, of)
    yield Change(at, None)


def _attempted(lead: Fields, turn: int, at: datetime, rng: Random) -> Iterator[Change]:
    n = lead["leadId"] - 55_000
    attempt = _attempt(8_000 + 10 * n + turn, lead, second(at), rng)
    of = (ATTEMPTS.name, str(attempt["attemptId"]))
    rang = attempt["dialled"] + timedelta(seconds=rng.randint(3, 30))
    if rng.random() < 0.45:
        yield Change(rang + calls.lag(rng), attempt | {"hangUp": rang, "_changed": rang}, of)
        yield Change(rang + calls.lag(rng), _outcome(turn, rang, 19, "No answer", completed=turn == 3))
        return
    talk = timedelta(seconds=5 + min(int(rng.expovariate(1 / 100)), 480))
    over = rang + talk
    wrap = over + timedelta(seconds=rng.randint(5, 60))
    call = calls.outbound(100_000 + 20 * n + 10 + turn, attempt, (rang, talk), rng)
    ids = {name: call[name] for name in ("activityId", "parentActivityId", "rootActivityId")}
    answered = {"dialStatusId": 1, "dialStatusName": "Answered", "answered": rang, "_changed": rang}
    yield Change(rang + calls.lag(rng), attempt | answered | ids, of)
    yield Change(over + timedelta(seconds=3) + calls.lag(rng), {"hangUp": over, "_changed": over}, of)
    yield from calls.elsewhere(call, wrap, rng)
    code, text = rng.choice(calls.WRAPS)
    yield Change(wrap + calls.lag(rng), _outcome(turn, wrap, code, text, completed=code != 33))


def _attempt(number: int, lead: Fields, dialled: datetime, rng: Random) -> Fields:
    status, name = rng.choice(((2, "Busy"), (4, "No answer"), (6, "Invalid number")))
    return {
        "attemptId": number, "dialStatusId": status, "dialStatusName": name, "phoneIndex": 1,
        "phoneNumber": lead["_phone1"], "leadId": lead["leadId"], "dialled": dialled, "answered": None,
        "hangUp": None, "type": "call.outbound", "campaignId": lead["campaignId"],
        "campaignName": lead["campaignName"], "activityId": None, "parentActivityId": None, "rootActivityId": None,
        "_changed": dialled,
    }  # fmt: skip


def _outcome(turn: int, at: datetime, code: int, text: str, *, completed: bool) -> Fields:
    agent, name = calls.AGENTS[code % len(calls.AGENTS)]
    tally = {"totalAttempts": turn, "outcomesByCode": {"code": code, "count": 1}}
    again = {} if completed else {"nextAttempt": at + calls.HOUR}
    done = {"completed": True, "nextAttempt": None} if completed else again
    return {"lastStatusCode": code, "lastStatusDescription": text, "agentId": agent, "agentFullName": name,
            "outcomesInfo": tally, "modified": at, **done}  # fmt: skip


def _note(at: datetime, rng: Random) -> Fields:
    return {"dataFields": {"note": f"Note {rng.randrange(10**6)}"}, "modified": second(at)}


def _show(row: Fields, times: tuple[str, ...]) -> Fields:
    record = {name: value for name, value in row.items() if name not in times and name[0] != "_"}
    return record | {"timestamps": {name: calls.spelled(row[name]) for name in times}}


def _blank_attempt(n: int, at: datetime, rng: Random) -> Fields:
    lead, dialled = _lead(n, at, rng), second(at) - calls.MINUTE
    return _attempt(8_009 + 10 * n, lead, dialled, rng) | {"hangUp": second(at)}


def _redialled(at: datetime, rng: Random) -> Fields:
    return {"phoneIndex": rng.randint(1, 10**6), "_changed": second(at)}


ATTEMPTS = Kind(
    name="ipscape/dialler_calls",
    key="attemptId",
    born="dialled",
    stamp="_changed",
    life=lambda n, at, rng: iter(()),  # they come out of the lives of leads
    blank=_blank_attempt,
    touch=_redialled,
    show=lambda row, view: _show(row, ("dialled", "answered", "hangUp")),
    places={"dialled": ("timestamps", "dialled")},
    odd=(
        lambda record: {"phoneNumber": None, "dialStatusName": ESCAPED},
        lambda record: {"leadId": f"{record['leadId']}", "campaignName": None},
        lambda record: {"phoneIndex": MONEY, "timestamps": {**record["timestamps"], "hangUp": "never"}},
    ),
    pace=0,
)

LEADS = Kind(
    name="ipscape/leads",
    key="leadId",
    born="created",
    stamp="modified",
    life=_lead_life,
    blank=_lead,
    touch=_note,
    show=lambda row, view: _show(row, ("created", "modified", "nextAttempt")),
    places={"created": ("timestamps", "created")},
    odd=(
        lambda record: {"phones": None, "dataFields": []},
        lambda record: {"outcomesInfo": {"totalAttempts": "3", "outcomesByCode": [{"code": 28, "count": 3}]}},
        lambda record: {"campaignName": ESCAPED, "lastStatusCode": MONEY, "completed": int(record["completed"])},
    ),
    pace=0.3,
)
