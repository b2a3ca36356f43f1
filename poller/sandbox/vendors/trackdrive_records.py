"""TrackDrive's leads and calls as they come, change and go, after its public documentation (https://trackdrive.com).

Where that is silent: times are shown in the company's zone, a record shows money always as text or always as a number,
ids are shown whatever `columns` says, a soft-deleted row stays in its list, and what machines do to a lead or call is
in no change log. Redaction, which there waits 30 days at least, comes sooner here, so that it can be seen.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from uuid import UUID

from poller.sandbox.api import query
from poller.sandbox.world import names
from poller.sandbox.world.records import ESCAPED, MONEY, Change, Fields, Kind, View

COMPANY_ZONE = "America/New_York"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TAKEN = ("revenue", "payout")
OFFERS = ((10001234, 55001, 1070), (10001235, 55002, 1071), (10001240, 55001, 1080))
LEAD_BLANKS = dict.fromkeys((
    "legacy_id", "external_record_id", "lead_import_id", "user_updated_at", "deleted_at", "last_action_at",
    "first_action_at", "schedule_ended_at", "last_call_at", "expires_in", "buyer_id", "sms_number_id", "dial_number_id",
    "attempted_call_id", "connected_call_id", "scheduled_callback_id", "call_buyer_conversion_id",
    "call_offer_conversion_id",
))  # fmt: skip
CALL_BLANKS = dict.fromkeys((
    "legacy_id", "deleted_at", "user_updated_at", "ended_at", "external_record_id", "name", "recording_url",
    "connected_to", "agent_id", "buyer_id", "buyer", "user_buyer_id", "total_duration", "hold_duration", "ivr_duration",
    "attempted_duration", "answered_duration", "agent_duration", "buyer_converted", "hangup_cause", "disposition_key",
))  # fmt: skip


def milli(at: datetime) -> datetime:
    """Return the time in whole milliseconds, as stamps are."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


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
    seen = at + _commit_lag(rng)
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
        yield Change(step + _commit_lag(rng), _scheduled(step, left, rng))
    for chance, wait, deed in DEEDS:
        if rng.random() < chance:
            done = milli(seen + timedelta(seconds=1) + rng.expovariate(1) * wait)
            yield Change(done + _commit_lag(rng), {**deed(done, rng), "updated_at": done})


def _scheduled(at: datetime, left: int, rng: Random) -> Fields:
    """Return one step of the scheduler, with `left` steps to come: most mean nothing but that it is alive."""
    tick = {"last_action_at": at, "updated_at": at, "next_action_at": at + 5 * MINUTE if left else None}
    if left:
        return tick if rng.random() < 0.6 else {**tick, "status": "running", "last_call_at": at}
    return {**tick, "status": rng.choice(("completed_attempted", "completed_connected")), "schedule_ended_at": at}


def _commit_lag(rng: Random) -> timedelta:
    """Draw the time between a row's stamp and the moment when it can be seen."""
    return timedelta(seconds=rng.uniform(0.1, 4))


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
    seen, start = at + _commit_lag(rng), call["created_at"]
    yield Change(seen, call)
    end = milli(start + timedelta(seconds=8 + rng.expovariate(1 / 120)))
    for share, status in ((0.2, "on-hold"), (0.5, rng.choice(("forwarded", "established")))):
        changed = milli(start + share * (end - start))
        yield Change(max(seen, changed + timedelta(seconds=0.3)), {"status": status, "updated_at": changed})
    if rng.random() < 0.01:
        return
    outcome = rng.choices(("finished", "no-buyer", "rejected", "canceled", "cancelled"), (16, 2, 1, 1, 1))[0]
    over = max(seen, end) + _commit_lag(rng)
    yield Change(over, _ended(start, end, outcome, rng))
    if outcome != "finished":
        return
    recorded = milli(over + timedelta(seconds=rng.uniform(5, 120)))
    yield Change(recorded + _commit_lag(rng), _recorded(recorded, call))
    for chance, wait in ((0.35, 10 * MINUTE), (0.10, 4 * HOUR), (0.07, 3 * DAY)):
        if rng.random() < chance:
            paid = milli(over + timedelta(seconds=1) + rng.expovariate(1) * wait)
            yield Change(paid + _commit_lag(rng), _paid(paid, rng))
    if rng.random() < 0.02:  # retention rules scrub recordings, which moves no stamp
        yield Change(recorded + HOUR + rng.random() * DAY, {"recording_url": None})


def show(fields: Fields, view: View) -> Fields:
    """Return the record with the columns that `view` names, or with all of them."""
    zone, as_text = query.zone(COMPANY_ZONE), fields["id"] % 2
    record = dict(fields)
    if record.get("type") == "Lead":
        words = {"human_status": record["status"].replace("_", " ").capitalize(), "css_status": record["status"]}
        record |= {**words, "name": record["full_name"], "has_next_action": record["next_action_at"] is not None}
    for name, value in record.items():
        if isinstance(value, datetime):
            record[name] = value.astimezone(zone).isoformat(timespec="milliseconds")
        elif as_text and name in TAKEN:
            record[name] = f"{value}"
    wanted = {"id", "uuid", *view} if view else record.keys()
    return {name: value for name, value in record.items() if name in wanted and name[0] != "_"}


def _in_utc(record: Fields) -> Fields:
    times = [name for name in ("created_at", "updated_at", "ended_at", "next_action_at") if record.get(name)]
    utc = {name: datetime.fromisoformat(record[name]).astimezone(UTC) for name in times}
    return {name: time.isoformat(timespec="milliseconds") for name, time in utc.items()}


def _bury(at: datetime) -> Fields:
    return {"deleted_at": at, "updated_at": at}


LEADS = Kind(
    name="trackdrive/leads",
    key="uuid",
    born="created_at",
    stamp="updated_at",
    life=_lead_life,
    blank=_lead,
    touch=lambda at, rng: {"data": {"note": f"{rng.randrange(10**6)}"}, "updated_at": milli(at)},
    show=show,
    bury=_bury,
    deleted=lambda lead: lead["deleted_at"] is not None,
    odd=(
        _in_utc,
        lambda lead: {"revenue": MONEY, "email": ESCAPED},
        lambda lead: {"caller_id": 17195550100, "data": [], "payout": None},
        lambda lead: {"opt_out": "false", "offer_converted": 1, "buyer_converted": "Converted"},
        lambda lead: {"status": None, "human_status": None, "expires_in": "60", "id": f"{lead['id']}"},
    ),
)
CALLS = Kind(
    name="trackdrive/calls",
    key="uuid",
    born="created_at",
    stamp="updated_at",
    life=_call_life,
    blank=_done_call,
    touch=_paid,
    show=show,
    bury=_bury,
    deleted=lambda call: call["deleted_at"] is not None,
    odd=(
        _in_utc,
        lambda call: {"revenue": MONEY, "caller_city": ESCAPED},
        lambda call: {"total_duration": f"{call.get('total_duration')}", "buyer_converted": True},
        lambda call: {"recording_url": "", "status": "warm-transfer", "category": None},
        lambda call: {"caller_number": "anonymous", "connected_to": "", "id": f"{call['id']}"},
    ),
)
