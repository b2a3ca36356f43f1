"""A TrackDrive lead in our words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from poller.plugin.kinds import Address, Lead, Named
from tests.sources.scripted import decoded
from tests.sources.trackdrive_pages import LEAD, LEADS

CREATED = datetime(2026, 3, 14, 13, 15, 42, 317000, UTC)
NOON, AT_NOON = "2026-03-14T12:00:00.000+00:00", datetime(2026, 3, 14, 12, tzinfo=UTC)


def lead(**changes: Any) -> Any:
    return LEADS.records.normalize(decoded(LEADS, {**LEAD, **changes}))


def test_a_lead() -> None:
    assert lead() == Lead(
        id="0b7d1f5e-6a55-4c0e-9d53-1f3b0e6f0a11",
        status="open",
        vendor_status="scheduled",
        created_at=CREATED,
        updated_at=datetime(2026, 3, 14, 13, 17, 3, 905000, UTC),
        next_action_at=datetime(2026, 3, 14, 13, 20, tzinfo=UTC),
        full_name="Pat Example",
        phones=["+17195550100"],
        email="pat@example.com",
        converted=False,
        completed=False,
        opt_out=False,
        origin=Named("1070"),
        campaign=Named("10001234"),
        revenue=0.0,
        payout=0.0,
        attributes={"loan_amount": "500"},
    )


LEAD_STATUSES: list[tuple[dict[str, Any], str]] = [
    *(({"status": word}, "open") for word in ("scheduled", "waiting", "running", "queue")),
    *(({"status": word}, "completed") for word in ("success", "completed", "completed_attempted", "failure")),
    *(({"status": word}, "completed") for word in ("completed_connected", "completed_with_one_call", "disabled")),
    *(({"status": word}, "completed") for word in ("exceeded_max_calls", "exceeded_short_calls")),
    ({"status": "completed_with_many_calls"}, "completed"),
    ({"status": "completed_converted"}, "converted"),
    ({"status": "dnc"}, "opted_out"),
    ({"status": "opt_out"}, "opted_out"),
    ({"status": "blocked"}, "blocked"),
    ({"status": "teleported"}, "open"),
    ({"opt_out": True}, "opted_out"),
    ({"opt_out": "1", "blocked": True}, "opted_out"),
    ({"blocked": True, "buyer_converted": True}, "blocked"),
    ({"buyer_converted": True}, "converted"),
    ({"buyer_converted": "Converted"}, "converted"),
    ({"offer_converted": 1, "status": "completed"}, "converted"),
    ({"deleted_at": NOON, "opt_out": True}, "deleted"),
    ({"deleted_at": "last week"}, "deleted"),
    ({"deleted_at": ""}, "open"),
    (dict.fromkeys(("status", "opt_out", "blocked", "offer_converted", "buyer_converted")), "unknown"),
]


@pytest.mark.parametrize(("changes", "status"), LEAD_STATUSES)
@pytest.mark.covers("trackdrive", 16)
def test_the_status_of_a_lead_is_the_first_that_holds(changes: dict[str, Any], status: str) -> None:
    assert lead(**changes).status == status
    assert LEADS.records.deleted(decoded(LEADS, {**LEAD, **changes})) is (status == "deleted")


LEAD_FIELDS: list[tuple[str, object, str, object]] = [
    ("caller_id", "(719) 555-0100", "phones", ["+17195550100"]),
    ("caller_id", "+1719xxxx234", "phones", ["+1719xxxx234"]),
    ("caller_id", "", "phones", []),
    ("created_at", "2026-03-14T13:15:42.317+00:00", "created_at", CREATED),
    ("created_at", "2026-03-14T09:15:42.317", "created_at", None),
    ("deleted_at", NOON, "deleted_at", AT_NOON),
    ("full_name", None, "full_name", None),
    ("full_name", " ", "full_name", None),
    ("external_record_id", 7, "external_id", "7"),
    ("traffic_source_id", None, "origin", Named()),
    ("revenue", "10.50", "revenue", 10.5),
    ("revenue", 12, "revenue", 12),
    ("payout", "$5", "payout", None),
    ("opt_out", "perhaps", "opt_out", None),
    ("opt_out", "true", "opt_out", True),
    ("status", "dnc", "opt_out", True),
    ("status", "dnc", "completed", None),
    ("status", "", "vendor_status", None),
    ("status", "completed_converted", "converted", True),
    ("status", "completed_converted", "completed", True),
    ("state_province", "CO", "address", Address(region="CO")),
    ("zip_postal_code", 80202, "address", Address(postal_code="80202")),
    ("country", "US", "address", Address(country="US")),
]


@pytest.mark.parametrize(("name", "sent", "field", "expected"), LEAD_FIELDS)
@pytest.mark.covers("trackdrive", 11)
def test_a_field_of_a_lead(name: str, sent: object, field: str, expected: object) -> None:
    assert getattr(lead(**{name: sent}), field) == expected


def test_a_lead_with_a_name_alone() -> None:
    assert lead(full_name=None, name="Pat").full_name == "Pat"
