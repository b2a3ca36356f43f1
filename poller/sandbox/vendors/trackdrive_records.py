"""What TrackDrive's leads and calls have in common as they come, change and go (https://trackdrive.com).

Where its documentation is silent: times are shown in the company's zone, a record shows money always as text or always
as a number, ids are shown whatever `columns` says, a soft-deleted row stays in its list, and what machines do to a lead
or call is in no change log. Redaction, which there waits 30 days at least, comes sooner here, so that it can be seen.
"""

from datetime import UTC, datetime, timedelta
from random import Random

from poller.sandbox.api import query
from poller.sandbox.world.records import Fields, View

COMPANY_ZONE = "America/New_York"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TAKEN = ("revenue", "payout")
OFFERS = ((10001234, 55001, 1070), (10001235, 55002, 1071), (10001240, 55001, 1080))


def milli(at: datetime) -> datetime:
    """Return the time in whole milliseconds, as stamps are."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def commit_lag(rng: Random) -> timedelta:
    """Draw the time between a row's stamp and the moment when it can be seen."""
    return timedelta(seconds=rng.uniform(0.1, 4))


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


def in_utc(record: Fields) -> Fields:
    """Return the shown record's times in UTC, for some records come so."""
    times = [name for name in ("created_at", "updated_at", "ended_at", "next_action_at") if record.get(name)]
    utc = {name: datetime.fromisoformat(record[name]).astimezone(UTC) for name in times}
    return {name: time.isoformat(timespec="milliseconds") for name, time in utc.items()}


def bury(at: datetime) -> Fields:
    """Return what marks a record as deleted."""
    return {"deleted_at": at, "updated_at": at}
