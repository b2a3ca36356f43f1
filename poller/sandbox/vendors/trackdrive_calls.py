"""TrackDrive's calls as they come, change and go, after its public documentation (https://trackdrive.com)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from poller.sandbox.vendors.trackdrive_records import DAY, HOUR, MINUTE, OFFERS, bury, commit_lag, in_utc, milli, show
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind

CALL_BLANKS = dict.fromkeys((
    "legacy_id", "deleted_at", "user_updated_at", "ended_at", "external_record_id", "name", "recording_url",
    "connected_to", "agent_id", "buyer_id", "buyer", "user_buyer_id", "total_duration", "hold_duration", "ivr_duration",
    "attempted_duration", "answered_duration", "agent_duration", "buyer_converted", "hangup_cause", "disposition_key",
))  # fmt: skip


def _call(n: int, at: datetime, rng: Random) -> Fields:
    offer, _, source = rng.choice(OFFERS)
    caller, created = f"+1{names.us_number(rng).replace('-', '')}", milli(at)
    return CALL_BLANKS | {
        "id": 123_895_001 + n, "uuid": str(UUID(int=rng.getrandbits(128), version=4)), "type": "Call",
        "created_at": created, "updated_at": created, "status": "initiated",
        "category": rng.choice(("inbound", "inbound", "outbound")), "caller_number": caller,
        "obfuscated_caller_number": f"{caller[:5]}xxxx{caller[9:]}", "caller_city": "Wichita", "caller_country": "US",
        "number_called": f"+1800555010{n % 10}", "number_id": 500 + n % 10, "offer": "Loans", "offer_id": offer,
        "user_offer_id": f"{offer % 10000}", "traffic_source": "Example Media", "traffic_source_id": source,
        "user_traffic_source_id": f"FE{source % 1000}", "sub_id": f"s-{n % 40}", "revenue": 0.0, "payout": 0.0,
        "token_values": "interest:auto", "token-interest": "auto", "token-email": f"caller{n}@example.com",
        "provider": "twilio", "call_sid": f"CA{rng.getrandbits(64):016x}", "outgoing_webhooks_count": 0,
        "routes_show_path": f"/calls/{n}", "routes_edit_path": f"/calls/{n}/edit",
    }  # fmt: skip


def _ended(started: datetime, end: datetime, outcome: str, rng: Random) -> Fields:
    total = int((end - started).total_seconds())
    talked = int(total * 0.8) if outcome == "finished" else 0
    return {
        "status": outcome, "ended_at": end, "updated_at": end, "total_duration": total, "answered_duration": talked,
        "agent_duration": talked, "attempted_duration": total, "hold_duration": rng.randint(0, 12), "ivr_duration": 5,
        "connected_to": "+18005550102" if talked else None, "hangup_cause": "normal",
    }  # fmt: skip


def _recorded(at: datetime, call: Fields) -> Fields:
    return {"recording_url": f"https://example.trackdrive.com/recordings/{call['uuid']}", "updated_at": at}


def _paid(at: datetime, rng: Random) -> Fields:
    revenue = rng.randint(100, 9_000) / 100
    return {"revenue": revenue, "payout": round(revenue * 0.6, 2), "buyer_converted": "Converted", "updated_at": at}


def _done_call(n: int, at: datetime, rng: Random) -> Fields:
    end = milli(at)
    call = _call(n, end - timedelta(seconds=rng.randint(5, 600)), rng)
    return call | _recorded(end, call) | _ended(call["created_at"], end, "finished", rng)


def _call_life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield a call's life: listed while live, its status the line's state; few never end. Recording, revenue follow."""
    call = _call(n, at, rng)
    seen, start = at + commit_lag(rng), call["created_at"]
    yield Change(seen, call)
    end = milli(start + timedelta(seconds=8 + rng.expovariate(1 / 120)))
    for share, status in ((0.2, "on-hold"), (0.5, rng.choice(("forwarded", "established")))):
        changed = milli(start + share * (end - start))
        yield Change(max(seen, changed + timedelta(seconds=0.3)), {"status": status, "updated_at": changed})
    if rng.random() < 0.01:
        return
    outcome = rng.choices(("finished", "no-buyer", "rejected", "canceled", "cancelled"), (16, 2, 1, 1, 1))[0]
    over = max(seen, end) + commit_lag(rng)
    yield Change(over, _ended(start, end, outcome, rng))
    if outcome != "finished":
        return
    recorded = milli(over + timedelta(seconds=rng.uniform(5, 120)))
    yield Change(recorded + commit_lag(rng), _recorded(recorded, call))
    for chance, wait in ((0.35, 10 * MINUTE), (0.10, 4 * HOUR), (0.07, 3 * DAY)):
        if rng.random() < chance:
            paid = milli(over + timedelta(seconds=1) + rng.expovariate(1) * wait)
            yield Change(paid + commit_lag(rng), _paid(paid, rng))
    if rng.random() < 0.02:  # retention rules scrub recordings, which moves no stamp
        yield Change(recorded + HOUR + rng.random() * DAY, {"recording_url": None})


CALLS = Kind(
    name="trackdrive/calls",
    key="uuid",
    born="created_at",
    stamp="updated_at",
    life=_call_life,
    blank=_done_call,
    touch=_paid,
    show=show,
    bury=bury,
    deleted=lambda call: call["deleted_at"] is not None,
    odd=(
        in_utc,
        lambda call: {"revenue": MONEY, "caller_city": ESCAPED},
        lambda call: {"total_duration": f"{call.get('total_duration')}", "buyer_converted": True},
        lambda call: {"recording_url": "", "status": "warm-transfer", "category": None},
        lambda call: {"caller_number": "anonymous", "connected_to": "", "id": f"{call['id']}"},
    ),
)
