"""Callcap's calls as they come, change and go, after its public documentation (https://callcap.readme.io/docs/calls)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from poller.sandbox.api import query
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, View, second

SHOWN_BY_ALL = ("accounts", "caller", "callsurance", "sentiment", "webmatch")
BLOCKS = frozenset({"notes", "demographics", "scorecards", "import", "summaries", *SHOWN_BY_ALL})
TIMES = ("start_datetime", "end_datetime", "last_modified")


def _accounts(n: int) -> Fields:
    store = f"{3550 + n}"
    return {
        "corporate": {"id": 1, "name": "Example Corp"},
        "division": {"id": 15, "name": "Midwest", "external_id": "MW", "corporate_label": "3555"},
        "location": {"id": 2222 + n, "name": f"Store {store}", "external_id": f"S{store}", "corporate_label": store},
        "campaign": {
            "id": 1111 + n, "name": f"Website {n}", "callcap_number": f"866-555-01{n:02}",
            "dialed_number": f"866-555-01{n:02}", "destination_number": f"316-555-01{n:02}", "ivr_option": n % 4,
            "medium": "Website", "medium_type": "Collateral", "direction": ("inbound", "inbound", "outbound")[n % 3],
            "line-memo": "", "addtl_line_memo": "", "cost_per_piece_est": 0.01, "cost_per_piece_final": 0.01,
            "default_revenue_value": "",
        },
    }  # fmt: skip


ACCOUNTS = tuple(_accounts(n) for n in range(12))
UNWORKED = {"major": {"label": "Unworked", "id": 0}, "minor": {"label": "", "id": 0}, "csr": {"id": 0, "name": ""}}
WEBMATCH = {"search": "tyres", "referrer": "https://www.google.com/", "call_page": "/", "traffic_type": "organic"}


def _worked(rng: Random) -> Fields:
    major, n = rng.choice((("Positive", 1), ("Negative", 2), ("Neutral", 3), ("Filtered", 4)))
    csr = {"id": 40 + n, "name": rng.choice(names.FIRST)}
    return {"major": {"label": major, "id": n}, "minor": {"label": "Appointment Booked", "id": 5000 + n}, "csr": csr}


def _mood(rng: Random) -> Fields:
    word = rng.choice(("Positive", "Neutral", "Negative"))
    return {"sentiment": word, "view": word, "frustrated": rng.random() < 0.2, "satisfied": rng.random() < 0.6}


def _started(n: int, start: datetime, rng: Random) -> Fields:
    (first, last), (city, state, zip_code) = names.name(rng), rng.choice(names.PLACES)
    return {
        "call_id": f"{100200 + n % 7}_{n % 9}_{start:%m_%d_%Y_%H:%M:%S}_{n}", "recording": "", "action": "In Progress",
        "start_datetime": start, "end_datetime": None, "last_modified": start, "dtmf": "", "duration": 0,
        "rings": rng.randint(1, 8), "revenue": 0, "callsurance": UNWORKED, "webmatch": WEBMATCH, "sentiment": None,
        "caller": {"caller_id": names.us_number(rng), "name": f"{first} {last}", "class": "Residential",
                   "address": "NF", "city": city, "state": state, "zip": zip_code},
        "accounts": ACCOUNTS[n % len(ACCOUNTS)], "notes": "", "demographics": None, "scorecards": [], "import": None,
        "summaries": [], "_text": rng.random() < 0.05,
    }  # fmt: skip


def _ended(call: Fields, end: datetime, action: str) -> Fields:
    url = f"https://app.callcap.com/recording/{call['call_id'].replace(':', '_')}.mp3" if action == "Answer" else ""
    talk = int((end - call["start_datetime"]).total_seconds())
    return {"end_datetime": end, "duration": talk, "action": action, "recording": url, "last_modified": end}


def _blank(n: int, at: datetime, rng: Random) -> Fields:
    call = _started(n, second(at) - timedelta(seconds=rng.randint(5, 600)), rng)
    return call | _ended(call, second(at), "Answer") | {"sentiment": _mood(rng), "_text": False}


def _touch(at: datetime, rng: Random) -> Fields:
    change = {"revenue": rng.randint(1, 90_000) / 100} if rng.random() < 0.5 else {"callsurance": _worked(rng)}
    return {**change, "last_modified": second(at)}


def _life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield a call's life: most show while they last, some when over; some are imported long after. Then come edits."""
    imported = rng.random() < 0.04
    start = second(at - timedelta(seconds=rng.expovariate(1 / 40_000) if imported else 0))
    call = _started(n, start, rng)
    end = start + timedelta(seconds=5 + int(rng.expovariate(1 / 90)))
    over = _ended(call, end, rng.choices(("Answer", "Missed", "Blocked"), (8, 2, 1))[0])
    shown = end + _commit_lag(rng)
    if imported:
        shown = at + _commit_lag(rng)
        over |= {"import": {"reference_id": f"ref-{n}"}, "last_modified": second(at)}
    elif rng.random() < 0.6:
        yield Change(at + _commit_lag(rng), call)
    yield Change(shown, call | over)
    if over["action"] == "Answer" and rng.random() < 0.5:  # found out by a machine, which moves no stamp
        yield Change(shown + timedelta(seconds=rng.uniform(10, 90)), {"sentiment": _mood(rng)})
    for chance, wait in ((0.5, 600), (0.15, 4 * 3600), (0.08, 5 * 86400)):
        if rng.random() < chance:
            edited = shown + timedelta(seconds=1 + rng.expovariate(1 / wait))
            yield Change(edited + _commit_lag(rng), _touch(edited, rng))
    if rng.random() < 0.005:
        yield Change(shown + timedelta(seconds=rng.uniform(3600, 3 * 86400)), None)


def _commit_lag(rng: Random) -> timedelta:
    """Draw the time between a row's stamp and the moment when it can be seen."""
    return timedelta(seconds=rng.uniform(0.1, 4))


def _show(call: Fields, view: View) -> Fields:
    zone, hidden = query.zone(view[0]), BLOCKS.difference(view[1:])
    record = {name: value for name, value in call.items() if name not in hidden and name[0] != "_"}
    times = {name: f"{call[name].astimezone(zone):%Y-%m-%d %H:%M:%S}" if call[name] else "" for name in TIMES}
    return record | times


CALLS = Kind(
    name="callcap/calls",
    key="call_id",
    born="start_datetime",
    stamp="last_modified",
    life=_life,
    blank=_blank,
    touch=_touch,
    show=_show,
    view=("US/Arizona", *SHOWN_BY_ALL),
    aside=lambda call: bool(call["_text"]),
    odd=(
        lambda call: {"caller": "316-555-0100 Pat Example"},
        lambda call: {"duration": f"{call['duration']} s", "rings": None},
        lambda call: {"revenue": MONEY, "dtmf": ESCAPED, "webmatch": []},
        lambda call: {"accounts": None, "sentiment": None, "callsurance": "n/a"},
        lambda call: {"action": None, "recording": False, "end_datetime": "0000-00-00 00:00:00"},
    ),
)
