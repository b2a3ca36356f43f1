"""ipSCAPE's activities: calls in both directions, their transfers, and messages over other channels.

Where the public documentation (https://developer.onipscape.com/platform-api.html) is silent: a call is listed from its
hang-up on; wrap-up, recording, survey and score are filled in afterwards, and nothing tells that they were.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, View, second

ZONE = ZoneInfo("Australia/Sydney")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CALL_TIMES = ("created", "joinQueue", "answered", "hangUp", "wrapUp")
CAMPAIGNS = ("Service desk", "Renewals", "Überweisung", "Sales", "Win-back")
AGENTS = tuple((1204 + n, f"{names.FIRST[n]} Example") for n in range(8))
WRAPS = ((28, "Contact"), (31, "Resolved"), (33, "Call back"), (35, "Not interested"), (40, "Sale"))
SURVEY = {"started": False, "startTimestamp": None, "workflowId": None, "workflowName": None}
REMOVED = "Removed"
NAME = "ipscape/activities"


def spelled(at: datetime | None, *, colon: bool = True) -> str | None:
    """Return a time as it stands in a record: in Sydney's zone, with `+10:00` or `+1000`."""
    text = f"{at.astimezone(ZONE):%Y-%m-%dT%H:%M:%S%z}" if at else None
    return f"{text[:-2]}:{text[-2:]}" if text and colon else text


def campaign(n: int) -> Fields:
    """Return the campaign that record n belongs to."""
    return {"campaignId": 7 + n % len(CAMPAIGNS), "campaignName": CAMPAIGNS[n % len(CAMPAIGNS)]}


def phone(rng: Random) -> str:
    """Return a landline number in New South Wales."""
    return f"+6125550{rng.randrange(10_000):04}"


def lag(rng: Random) -> timedelta:
    """Draw the time between a row's stamp and the moment when it can be seen."""
    return timedelta(seconds=rng.uniform(0.1, 3))


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())


def _call(number: int, start: datetime, talk: timedelta, rng: Random) -> Fields:
    """Return a call in either direction, as it is at hang-up; the agent has not wrapped it up yet."""
    agent, name = rng.choice(AGENTS)
    return {
        "activityId": number, "parentActivityId": None, "rootActivityId": number, "activityStatusId": 3,
        "activityStatusName": "Answered", "source": phone(rng), "destination": "+61255509000", **campaign(number),
        "agentInteractionId": 2 * number + 1, "agentId": agent, "agentFullName": name, "wrapCode": None,
        "wrapDescription": None, "durations": {"interaction": int(talk.total_seconds())}, "created": start,
        "answered": start, "hangUp": start + talk, "wrapUp": None, "recordingStatus": "enabled",
        "recordingMetadata": None, "voicemailMetadata": [], "_surveyed": None, "_changed": start + talk,
    }  # fmt: skip


def _inbound(number: int, start: datetime, talk: timedelta, rng: Random) -> Fields:
    ivr, queue = rng.randint(2, 9), rng.randint(0, 40)
    joined = start + timedelta(seconds=ivr)
    answered = joined + timedelta(seconds=queue)
    call = _call(number, start, answered - start + talk, rng)
    spent = {"ivr": ivr, "queue": queue, "hold": 0, "wrap": None, "talk": int(talk.total_seconds())}
    durations = {**call["durations"], **spent}
    call |= {"durations": durations, "joinQueue": joined, "answered": answered, "callQualityScore": None}
    if rng.random() < 0.15:
        mail = {"mediaId": 3 * number, "mediaUri": f"/v3.0/media/{3 * number}", "duration": 9}
        nobody = {"agentInteractionId": None, "agentId": None, "agentFullName": None, "recordingStatus": "disabled"}
        call |= {"activityStatusId": 5, "activityStatusName": "Abandoned", "answered": None, **nobody}
        call |= {"voicemailMetadata": [mail] if rng.random() < 0.3 else []}
    return {"type": "call.inbound", **call}


def outbound(number: int, attempt: Fields, times: tuple[datetime, timedelta], rng: Random) -> Fields:
    """Return the call that an answered attempt became; `times` are the time of the answer and the talk's length."""
    rang, talk = times
    call = _call(number, attempt["dialled"], rang - attempt["dialled"] + talk, rng)
    linked = {name: attempt[name] for name in ("attemptId", "phoneIndex", "phoneNumber", "leadId", "campaignId")}
    return {"type": "call.outbound", **call, **linked} | {
        "dialStatusId": 1, "dialStatusName": "Answered", "source": "+61255509000", "destination": linked["phoneNumber"],
        "campaignName": attempt["campaignName"], "answered": rang,
        "durations": {"dial": _seconds(attempt["dialled"], rang), "interaction": int(talk.total_seconds())},
    }  # fmt: skip


def _wrapped(call: Fields, at: datetime, rng: Random) -> Fields:
    code, text = rng.choice(WRAPS)
    durations = call["durations"]
    if "wrap" in durations:
        durations = {**durations, "wrap": _seconds(call["hangUp"], at)}
    return {"wrapUp": at, "wrapCode": code, "wrapDescription": text, "durations": durations, "_changed": at}


def _recorded(call: Fields) -> Fields:
    media, length = 3 * call["activityId"] + 1, call["durations"]["interaction"]
    uri = f"/v3.0/media/{media}"
    return {"recordingMetadata": {"mediaId": media, "mediaUri": uri, "duration": length, "deleted": False}}


def _afterwards(call: Fields, wrap: datetime, rng: Random) -> Iterator[tuple[datetime, Fields]]:
    """Yield what is filled in after a call: wrap-up, recording, survey, score; at last comes the privacy operation."""
    over = call["hangUp"]
    if call["agentId"] is not None:
        yield wrap + lag(rng), _wrapped(call, wrap, rng)
        recorded = over + timedelta(seconds=rng.uniform(20, 150))
        yield recorded, _recorded(call) | {"_changed": second(recorded)}
        if rng.random() < 0.3:
            surveyed = over + timedelta(seconds=4 + int(rng.expovariate(1 / 20)))
            yield surveyed + lag(rng), {"_surveyed": surveyed, "_changed": second(surveyed)}
        if "callQualityScore" in call and rng.random() < 0.3:
            scored = wrap + rng.expovariate(1) * 40 * MINUTE
            yield scored, {"callQualityScore": rng.randint(1, 5), "_changed": second(scored)}
    if "joinQueue" in call and rng.random() < 0.015:
        removed = wrap + MINUTE + rng.expovariate(1) * DAY
        yield removed, {"source": REMOVED, "_changed": second(removed)}


def _talk(rng: Random) -> timedelta:
    """Draw the length of a talk: most take minutes, some go on for hours and are listed long after their start."""
    return timedelta(seconds=5 + int(rng.uniform(1800, 9000) if rng.random() < 0.03 else rng.expovariate(1 / 180)))


def _life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    number = 100_000 + 20 * n
    if rng.random() < 0.1:
        yield from _message_life(number, at, rng)
        return
    call = _inbound(number, second(at), _talk(rng), rng)
    yield Change(call["hangUp"] + lag(rng), call)
    wrap = call["hangUp"] + timedelta(seconds=rng.randint(4, 120))
    for then, updates in _afterwards(call, wrap, rng):
        yield Change(then, updates)
    if call["agentId"] is not None and rng.random() < 0.1:
        leg = _inbound(number + 1, call["hangUp"], _talk(rng), rng)
        leg |= {"source": call["source"], "parentActivityId": number, "rootActivityId": number}
        yield from elsewhere(leg, leg["hangUp"] + timedelta(seconds=rng.randint(4, 120)), rng)


def elsewhere(call: Fields, wrap: datetime, rng: Random) -> Iterator[Change]:
    """Yield the life of another activity than the one whose life is told."""
    of = (NAME, str(call["activityId"]))
    yield Change(call["hangUp"] + lag(rng), call, of)
    for then, updates in _afterwards(call, wrap, rng):
        yield Change(then, updates, of)


def _message_life(number: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield the life of a conversation over another channel: it never ends."""
    agent, name = rng.choice(AGENTS)
    start = second(at)
    yield Change(at + lag(rng), {
        "type": rng.choice(("message.sms", "email.inbound", "chat.inbound")), "activityId": number,
        "parentActivityId": None, "rootActivityId": number, "source": phone(rng), "destination": "+61255509000",
        **campaign(number), "agentId": agent, "agentFullName": name, "messageCount": 1, "created": start,
        "lastMessage": start, "_changed": start,
    })  # fmt: skip
    then = at + timedelta(seconds=4)
    for count in range(2, 2 + rng.randint(0, 4)):
        then += rng.expovariate(1) * rng.choice((5 * MINUTE, 2 * HOUR, 4 * DAY))
        yield Change(then, {"messageCount": count, "lastMessage": second(then), "_changed": second(then)})


def _show(row: Fields, view: View) -> Fields:
    colon, times = row["type"] != "call.inbound", (*CALL_TIMES, "lastMessage")
    data = {name: value for name, value in row.items() if name not in times and name != "type" and name[0] != "_"}
    data["timestamps"] = {name: spelled(row[name], colon=colon) for name in times if name in row}
    if "_surveyed" in row:
        began = spelled(row["_surveyed"], colon=colon)
        asked = {"started": True, "startTimestamp": began, "workflowId": 2, "workflowName": "CSAT"}
        data["survey"] = asked if began else SURVEY
    return {"type": row["type"], "data": data}


def _blank(n: int, at: datetime, rng: Random) -> Fields:
    talk = timedelta(seconds=rng.randint(5, 300))
    call = _inbound(100_000 + 20 * n, second(at) - talk - 2 * MINUTE, talk, rng)
    return call | _wrapped(call, second(at), rng)


def _touch(at: datetime, rng: Random) -> Fields:
    return {"callQualityScore": rng.randint(1, 10**6), "_changed": second(at)}


def _broken_off(record: Fields) -> Fields:
    return {"data": {**record["data"], "durations": None, "campaignName": ESCAPED, "voicemailMetadata": {}}}


def _retyped(record: Fields) -> Fields:
    data = record["data"]
    times = {**data["timestamps"], "hangUp": "0000-00-00T00:00:00+10:00", "wrapUp": ""}
    return {"data": {**data, "campaignId": f"{data['campaignId']}", "timestamps": times}}


ACTIVITIES = Kind(
    name=NAME,
    key="activityId",
    born="created",
    stamp="_changed",
    life=_life,
    blank=_blank,
    touch=_touch,
    show=_show,
    places={"activityId": ("data", "activityId"), "created": ("data", "timestamps", "created")},
    odd=(
        _broken_off,
        _retyped,
        lambda record: {"type": "call.diverted", "data": {**record["data"], "callQualityScore": MONEY}},
    ),
    pace=0.6,
)
