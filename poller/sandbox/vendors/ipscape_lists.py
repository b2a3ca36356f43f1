"""ipSCAPE's reference lists: campaigns, lead lists and users. Few members come, are renamed, and go again."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from poller.sandbox.vendors.ipscape_calls import CAMPAIGNS, HOUR, MINUTE, campaign, spelled
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, second

Life = Callable[[int, datetime, Random], Iterator[Change]]
Make = Callable[[int, datetime, Random], Fields]
Touch = Callable[[datetime, Random], Fields]
STATES = ("Available", "On break", "Logged out")


def _life(name: str, key: str, most: int, make: Make, touch: Touch) -> Life:
    """Return a life of members that are renamed now and then; beyond `most`, the eldest goes when one comes."""

    def life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
        yield Change(at, make(n, at, rng))
        if n >= most:
            yield Change(at, None, (name, str(make(n - most, at, rng)[key])))
        then = at
        for _ in range(rng.randint(0, 3)):
            then += MINUTE + rng.expovariate(1) * 8 * HOUR
            yield Change(then, touch(then, rng))
        if name == "ipscape/users":
            for turn in range(1, 8):
                yield Change(at + turn * rng.random() * HOUR, _presence(rng))

    return life


def _campaign(n: int, at: datetime, rng: Random) -> Fields:
    title = CAMPAIGNS[n] if n < len(CAMPAIGNS) else f"Campaign {n}"
    pay = {"paySettingsId": 1, "merchantAlias": "Example merchant"}
    return {
        "campaignId": 7 + n, "campaignTitle": title, "campaignDescription": f"About {title}",
        "campaignType": rng.choice(("Outbound", "Inbound")), "campaignGroupName": "Group 1",
        "isRunning": rng.random() < 0.7, "allowTransferToAnyPhone": True, "ipScapePayDetails": pay,
        "_changed": second(at),
    }  # fmt: skip


def _retitled(at: datetime, rng: Random) -> Fields:
    return {"campaignTitle": f"Campaign, formerly {rng.randrange(10**6)}", "_changed": second(at)}


def _list(n: int, at: datetime, rng: Random) -> Fields:
    return {
        "id": 300 + n, "name": f"List {n}", **campaign(n), "inDialler": rng.random() < 0.5, "weight": n % 5,
        "created": second(at), "_changed": second(at),
    }  # fmt: skip


def _relabelled(at: datetime, rng: Random) -> Fields:
    return {"name": f"List, formerly {rng.randrange(10**6)}", "_changed": second(at)}


def _user(n: int, at: datetime, rng: Random) -> Fields:
    first, last = names.FIRST[n % len(names.FIRST)], rng.choice(names.LAST)
    return {
        "userId": 1204 + n, "userTimezone": "Australia/Sydney", "firstName": first, "lastName": last,
        "username": f"user{n}", "isLoggedIn": False, "userType": "user" if n % 6 == 5 else "agent",
        "email": f"user{n}@example.com", "teams": "Team 1,Team 2", "assignedCampaigns": "Service desk,Renewals",
        "status": "Logged out", "timeInStatus": "00:00:00", "accountIsActive": rng.random() < 0.9,
        "_changed": second(at),
    }  # fmt: skip


def _married(at: datetime, rng: Random) -> Fields:
    return {"lastName": f"{rng.choice(names.LAST)}-{rng.randrange(10**6)}", "_changed": second(at)}


def _presence(rng: Random) -> Fields:
    status = rng.choice(STATES)
    idle = f"{timedelta(seconds=rng.randrange(36_000))}".zfill(8)
    return {"status": status, "timeInStatus": idle, "isLoggedIn": status != "Logged out"}


def _show(row: Fields) -> Fields:
    record = {name: value for name, value in row.items() if name != "created" and name[0] != "_"}
    return record | ({"timestamps": {"created": spelled(row["created"])}} if "created" in row else {})


CAMPAIGN = Kind(
    name="ipscape/campaigns",
    key="campaignId",
    born="",
    stamp="_changed",
    life=_life("ipscape/campaigns", "campaignId", 12, _campaign, _retitled),
    blank=_campaign,
    touch=_retitled,
    show=lambda row, view: _show(row),
    odd=(
        lambda record: {"campaignDescription": ESCAPED, "ipScapePayDetails": []},
        lambda record: {"isRunning": 1, "campaignGroupName": None},
    ),
    pace=0.004,
)

LEAD_LIST = Kind(
    name="ipscape/lead_lists",
    key="id",
    born="",
    stamp="_changed",
    life=_life("ipscape/lead_lists", "id", 25, _list, _relabelled),
    blank=_list,
    touch=_relabelled,
    show=lambda row, view: _show(row),
    odd=(
        lambda record: {"weight": MONEY, "timestamps": None},
        lambda record: {"inDialler": "yes", "campaignName": ESCAPED},
    ),
    pace=0.006,
)

USER = Kind(
    name="ipscape/users",
    key="userId",
    born="",
    stamp="_changed",
    life=_life("ipscape/users", "userId", 40, _user, _married),
    blank=_user,
    touch=_married,
    show=lambda row, view: _show(row),
    odd=(
        lambda record: {"teams": None, "accountIsActive": "1"},
        lambda record: {"email": ESCAPED, "assignedCampaigns": ["Service desk"]},
    ),
    pace=0.01,
)
