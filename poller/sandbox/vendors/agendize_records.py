"""Agendize's calls: listed once they are over, filled in and edited afterwards, at times inserted with a past start.

Where the public documentation (https://developers.agendize.com/v2/calls/reference/index.jsp) is silent: a call is over
before it is listed, its duration is in seconds (null until it is known), a deleted call is gone without a mark, and a
record without a zone of its own is in the company's.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from poller.sandbox.api import query
from poller.sandbox.world.records import ESCAPED, Change, Fields, Kind, View, second

COMPANY_ZONE = "US/Eastern"
ZONES = (COMPANY_ZONE, COMPANY_ZONE, "America/Montreal", "Europe/Paris", "US/Pacific")
CALLERS = ("García", "Ünal", "Zoë O'Neil", "Jürgen Park", "crm", "crm", "crm")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATER = (
    ("record", None, 1.0, 1.5 * MINUTE),
    ("duration", None, 0.08, 2 * MINUTE),
    ("status", "noAnswered", 0.05, MINUTE),
    ("clientId", "", 0.5, 20 * MINUTE),
)
"""Each a field, its value until it is filled in, the probability that it is late, and its delay on average."""


def ended(call: Fields) -> datetime | None:
    """Return the end of the call, or None while its duration is not known."""
    return None if call["duration"] is None else call["start"] + timedelta(seconds=call["duration"])


def _talk(rng: Random) -> int:
    """Draw the seconds of a call: most take minutes, some go on for hours and are listed long after their start."""
    return 5 + int(rng.uniform(1800, 9000) if rng.random() < 0.03 else rng.expovariate(1 / 150))


def _over(n: int, start: datetime, talk: int, rng: Random) -> Fields:
    """Return a call with all that is ever filled in; fields that are None are left out, but for the duration."""
    words = ("completed", "noAnswered", "message", "wrongNumber", "busy", "abandoned")
    status = rng.choices(words, (16, 3, 3, 1, 1, 2))[0]
    seconds = talk if status == "completed" else rng.randint(8, 60) if status == "message" else 0
    kept = status in {"completed", "message"} and rng.random() < 0.6
    click, tool = rng.random() < 0.3, f"{77_120 + n % 5}"
    return {
        "id": f"{418_000 + n}", "buttonId": tool if click else None, "clientId": f"{50_000 + rng.randrange(900)}",
        "callerNumber": _number(rng) if rng.random() < 0.97 else None, "calledNumber": _number(rng),
        "trackingNumber": None if click else f"+181955501{n % 100:02}", "start": start, "duration": seconds,
        "status": status, "externalId": f"{rng.choice(CALLERS)}-{n}" if rng.random() < 0.7 else None,
        "type": "clickToCall" if click else "callTracking",
        "record": f"https://recordings.example.com/{418_000 + n}.mp3" if kept else None,
        "_zone": rng.choice(ZONES), "_text": rng.random() < 0.15, "_mine": rng.random() < 0.1, "_tool": tool,
        "_changed": start,
    }  # fmt: skip


def _number(rng: Random) -> str:
    return f"+1514555{rng.randrange(100, 200):04}"


def _blank(n: int, at: datetime, rng: Random) -> Fields:
    talk = rng.randint(5, 300)
    return _over(n, second(at) - timedelta(seconds=talk), talk, rng)


def _life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield the life of a call: listed when it is over, or inserted long after; then filled in, edited, deleted.

    All of it takes less than 5 days: nothing on a record tells that it was changed, and nobody rereads a list for ever.
    """
    inserted = rng.random() < 0.04
    start = second(at - _wait(rng, 11 * HOUR, 3 * DAY)) if inserted else second(at)
    call = _over(n, start, _talk(rng), rng)
    shown = max(at, start + timedelta(seconds=call["duration"])) + timedelta(seconds=rng.uniform(0.5, 20))
    late = [row for row in LATER if call[row[0]] not in {row[1], None} and rng.random() < row[2]]
    yield Change(shown, call | {name: before for name, before, _, _ in late} | {"_changed": second(shown)})
    for name, _, _, wait in late:
        then = shown + timedelta(seconds=1) + _wait(rng, wait, DAY)
        yield Change(then, {name: call[name], "_changed": second(then)})
    for chance, wait in ((0.15, 2 * HOUR), (0.06, DAY)):
        if rng.random() < chance:
            then = shown + timedelta(seconds=2) + _wait(rng, wait, 1.5 * DAY)
            yield Change(then, _touch(then, rng))
    if rng.random() < 0.008:
        yield Change(shown + MINUTE + _wait(rng, 5 * HOUR, 1.5 * DAY), None)


def _wait(rng: Random, average: timedelta, most: timedelta) -> timedelta:
    return min(rng.expovariate(1) * average, most)


def _touch(at: datetime, rng: Random) -> Fields:
    return {"externalId": f"{rng.choice(CALLERS)}-{rng.randrange(10**6)}", "_changed": second(at)}


def _show(call: Fields, view: View) -> Fields:
    hidden = {name for name, value in call.items() if name[0] == "_" or (value is None and name != "duration")}
    shown = {name: value for name, value in call.items() if name not in hidden}
    shown["start"] = {"dateTime": _wall(call["start"], call["_zone"]), "timeZone": call["_zone"]}
    if call["_text"] and call["duration"] is not None:
        shown["duration"] = f"{call['duration']}"
    if call["record"]:
        shown["record"] = {"mineType" if call["_mine"] else "mimeType": "audio/mpeg", "url": call["record"]}
    return shown


def _wall(at: datetime, zone: str) -> str:
    return f"{at.astimezone(query.zone(zone)):%Y-%m-%dT%H:%M:%S}"


def _zoneless(record: Fields) -> Fields:
    """Return the record with the same moment in the company's zone, which the record does not name."""
    start = record["start"]
    at = datetime.fromisoformat(start["dateTime"]).replace(tzinfo=ZoneInfo(start["timeZone"]))
    return {"start": {"dateTime": _wall(at, COMPANY_ZONE)}}


def _renumbered(record: Fields) -> Fields:
    name = record["id"]
    return {"id": int(name) if name.isdecimal() else name, "duration": f"{record['duration']} s"}


CALLS = Kind(
    name="agendize/calls",
    key="id",
    born="start",
    stamp="_changed",
    life=_life,
    blank=_blank,
    touch=_touch,
    show=_show,
    places={"start": ("start", "dateTime")},
    odd=(
        _zoneless,
        lambda record: {"start": {**record["start"], "timeZone": "Eastern Standard Time"}},
        _renumbered,
        lambda record: {"status": "inProgress", "type": "conference", "externalId": "Zo&#235; &amp; Co"},
        lambda record: {"calledNumber": [record["calledNumber"]], "externalId": ESCAPED, "record": []},
        lambda record: {"duration": None, "status": None, "clientId": None, "callerNumber": ""},
    ),
)
