"""ipSCAPE's leads, and the lists they refer to, in our words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from poller.plugin.kinds import Campaign, Lead, LeadList, Named, User
from tests.sources.ipscape_pages import CAMPAIGN, LEAD, LEAD_LIST, USER, streams
from tests.sources.scripted import changed, decoded

STREAMS = streams()


def normalized(stream: str, record: object) -> Any:
    return STREAMS[stream].records.normalize(decoded(STREAMS[stream], record))


def utc(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 14, hour, minute, tzinfo=UTC)


def test_a_lead() -> None:
    assert normalized("leads", LEAD) == Lead(
        id="55001",
        status="open",
        vendor_status="Contact",
        created_at=utc(16, 0),
        updated_at=utc(16, 12),
        next_action_at=utc(18, 0),
        phones=["+61412345679", "+61280000001"],
        completed=False,
        campaign=Named("8", "Renewals"),
        list=Named("3", "March"),
        agent=Named("1204", "Kim Example"),
        external_id="C-77",
        attributes={"policy": "P-1", "premium": 12.5, "note": None},
    )


def test_the_lists_that_leads_and_calls_refer_to() -> None:
    assert normalized("lead_lists", LEAD_LIST) == LeadList(
        id="3",
        name="March",
        campaign_id="8",
        campaign_name="Renewals",
        in_dialler=True,
        weight=50,
        created_at=datetime(2026, 2, 28, 22, tzinfo=UTC),
    )
    assert normalized("campaigns", CAMPAIGN) == Campaign(
        id="8",
        name="Renewals",
        campaign_description="Policy renewals",
        campaign_type="Outbound",
        campaign_group_name="Group 1",
        is_running=False,
        allow_transfer_to_any_phone=True,
        ip_scape_pay_details={"pay_settings_id": "1", "merchant_alias": "Example merchant"},
    )
    assert normalized("users", USER) == User(
        id="1204",
        name="Kim Example",
        first_name="Kim",
        last_name="Example",
        username="kim",
        email="kim@example.com",
        user_type="agent",
        user_timezone="Australia/Sydney",
        teams="Sales, Service",
        assigned_campaigns="Renewals",
        account_is_active=True,
        is_logged_in=True,
        status="On call",
        time_in_status="00:01:10",
    )


FIELDS: list[tuple[str, Any, tuple[str, ...], object, str, object]] = [
    ("leads", LEAD, ("completed",), True, "status", "completed"),
    ("leads", LEAD, ("completed",), None, "status", "unknown"),
    ("leads", LEAD, ("completed",), "0", "completed", False),
    ("leads", LEAD, ("phones",), None, "phones", []),
    ("leads", LEAD, ("phones",), [{"phone": ""}, 7, None, {"phone": 280000000}], "phones", ["+61280000000"]),
    ("leads", LEAD, ("dataFields",), [], "attributes", {}),
    ("leads", LEAD, ("customerKey",), 77, "external_id", "77"),
    ("users", USER, ("firstName",), None, "name", "Example"),
    ("users", USER, ("lastName",), "", "name", "Kim"),
    ("campaigns", CAMPAIGN, ("campaignTitle",), None, "name", None),
]


@pytest.mark.parametrize(("stream", "record", "path", "sent", "field", "expected"), FIELDS)
def test_a_field(stream: str, record: Any, path: tuple[str, ...], sent: object, field: str, expected: object) -> None:
    assert getattr(normalized(stream, changed(record, sent, *path)), field) == expected


def test_nobodys_name_is_null() -> None:
    assert normalized("users", {"userId": 1}) == User(id="1")
