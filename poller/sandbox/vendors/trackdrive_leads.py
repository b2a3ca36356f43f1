"""TrackDrive's leads as they come, change and go, after its public documentation (https://trackdrive.com)."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from uuid import UUID

from poller.sandbox.vendors.trackdrive_records import DAY, HOUR, MINUTE, OFFERS, bury, commit_lag, in_utc, milli, show
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind

LEAD_BLANKS = dict.fromkeys((
    "legacy_id", "external_record_id", "lead_import_id", "user_updated_at", "deleted_at", "last_action_at",
    "first_action_at", "schedule_ended_at", "last_call_at", "expires_in", "buyer_id", "sms_number_id", "dial_number_id",
    "attempted_call_id", "connected_call_id", "scheduled_callback_id", "call_buyer_conversion_id",
    "call_offer_conversion_id",
))  # fmt: skip


def _lead(n: int, at: datetime, rng: Random) -> Fields:
    (first, last), (_, state, zip_code) = names.name(rng), rng.choice(names.PLACES)
    offer, schedule, source = rng.choice(OFFERS)
    created = milli(at)
    return LEAD_BLANKS | {
        "id": 90_210_001 + n, "uuid": str(UUID(int=rng.getrandbits(128), version=4)), "type": "Lead",
        "created_at": created, "updated_at": created, "first_queued_at": created, "full_name": f"{first} {last}",
        "next_action_at": created + 5 * MINUTE, "caller_id": f"+1{names.us_number(rng).replace('-', '')}",
        "email": f"lead{n}@example.com", "country": "US", "state_province": state, "zip_postal_code": zip_code,
        "time_zone": "America/Denver", "remote_ip": "192.0.2.7", "contact_field_type": "caller_id",
        "data": {"loan_amount": f"{rng.randint(1, 99)}00"}, "sub_id": f"s-{n % 40}", "offer_id": offer,
        "schedule_id": schedule, "traffic_source_id": source, "dial_tier": 1, "schedule_trigger_type": "lead",
        "status": "scheduled", "opt_out": False, "blocked": False, "is_live": False, "revenue": 0.0, "payout": 0.0,
        "offer_converted": False, "buyer_converted": False, "context_menu_name": "Lead",
        "routes_show_path": f"/leads/{n}", "routes_edit_path": f"/leads/{n}/edit",
    }  # fmt: skip


def _redacted(at: datetime, rng: Random) -> Fields:
    hashed = sha256(rng.randbytes(8)).hexdigest() if rng.random() < 0.5 else None
    person = dict.fromkeys(("full_name", "email", "caller_id"), hashed)
    return {**person, "data": {}, "remote_ip": None, "_redacted": True}


def _resubmitted(at: datetime, rng: Random) -> Fields:
    tokens = {"loan_amount": f"{rng.randint(1, 99)}00", "again": f"{at:%H:%M:%S}"}
    return {"data": tokens, "sub_id": f"s-{rng.randrange(40)}", "status": "scheduled", "next_action_at": at + HOUR}


def _converted(at: datetime, rng: Random) -> Fields:
    revenue = rng.randint(100, 9_000) / 100
    return {"offer_converted": True, "revenue": revenue, "payout": round(revenue * 0.6, 2), "next_action_at": None,
            "status": "completed_converted"}  # fmt: skip


DEEDS: tuple[tuple[float, timedelta, Callable[[datetime, Random], Fields]], ...] = (
    (0.25, 10 * MINUTE, lambda at, rng: {"status": "waiting", "user_updated_at": at}),
    (0.12, 3 * HOUR, _resubmitted),
    (0.12, 2 * HOUR, _converted),
    (0.05, 5 * DAY, lambda at, rng: {"status": "dnc", "opt_out": True, "user_updated_at": at}),
    (0.05, 1 * DAY, _redacted),
    (0.03, 2 * HOUR, lambda at, rng: {"deleted_at": at}),
)
"""Each a probability, a delay on average, and what users, those who submit leads, or the redactor do to a lead then."""


def _lead_life(n: int, at: datetime, rng: Random) -> Iterator[Change]:
    """Yield a lead's life: submitted, or imported and seen minutes later; then called, edited, expired, redacted."""
    lead, fate = _lead(n, at, rng), rng.random()
    seen = at + commit_lag(rng)
    if fate < 0.04:
        seen, lead["lead_import_id"] = at + rng.uniform(2, 30) * MINUTE, 400 + n // 1000
    elif fate < 0.08:
        lead["expires_in"] = rng.choice((5, 15, 60))
    yield Change(seen, lead)
    if lead["expires_in"]:
        yield Change(seen + lead["expires_in"] * MINUTE, None)
    step = milli(seen)
    for left in reversed(range(rng.randint(0, 4))):
        step = milli(step + rng.uniform(1, 10) * MINUTE)
        yield Change(step + commit_lag(rng), _scheduled(step, left, rng))
    for chance, wait, deed in DEEDS:
        if rng.random() < chance:
            done = milli(seen + timedelta(seconds=1) + rng.expovariate(1) * wait)
            yield Change(done + commit_lag(rng), {**deed(done, rng), "updated_at": done})


def _scheduled(at: datetime, left: int, rng: Random) -> Fields:
    """Return one step of the scheduler, with `left` steps to come: most mean nothing but that it is alive."""
    tick = {"last_action_at": at, "updated_at": at, "next_action_at": at + 5 * MINUTE if left else None}
    if left:
        return tick if rng.random() < 0.6 else {**tick, "status": "running", "last_call_at": at}
    return {**tick, "status": rng.choice(("completed_attempted", "completed_connected")), "schedule_ended_at": at}


LEADS = Kind(
    name="trackdrive/leads",
    key="uuid",
    born="created_at",
    stamp="updated_at",
    life=_lead_life,
    blank=_lead,
    touch=lambda at, rng: {"data": {"note": f"{rng.randrange(10**6)}"}, "updated_at": milli(at)},
    show=show,
    bury=bury,
    deleted=lambda lead: lead["deleted_at"] is not None,
    odd=(
        in_utc,
        lambda lead: {"revenue": MONEY, "email": ESCAPED},
        lambda lead: {"caller_id": 17195550100, "data": [], "payout": None},
        lambda lead: {"opt_out": "false", "offer_converted": 1, "buyer_converted": "Converted"},
        lambda lead: {"status": None, "human_status": None, "expires_in": "60", "id": f"{lead['id']}"},
    ),
)
