"""A Flextell lead in our words."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from poller.plugin.kinds import Address, Lead, Named
from poller.sources.flextell import Flextell
from tests.sources.flextell_pages import LEAD
from tests.sources.scripted import changed, decoded, without

ACCOUNT = {"type": "flextell", "tenant": 42, "access_token": "t"}
(STREAM,) = Flextell.model_validate(ACCOUNT).build_streams()
(TURKISH,) = Flextell.model_validate({**ACCOUNT, "region": "tr"}).build_streams()
CREATED = datetime(2026, 3, 14, 9, 15, 42, tzinfo=UTC)


def normalized(record: object) -> Any:
    return STREAM.records.normalize(decoded(STREAM, record))


def test_a_lead() -> None:
    assert normalized(LEAD) == Lead(
        id="5012",
        status="open",
        vendor_status="New",
        created_at=CREATED,
        updated_at=CREATED,
        full_name="Pat Example",
        first_name="Pat",
        last_name="Example",
        phones=["+905321234567"],
        email="pat@example.com",
        address=Address(country="Example Country"),
        converted=False,
        completed=False,
        origin=Named("2", "Instagram"),
        agent=Named("8", "Dana"),
        external_id="fb-77",
    )


STATUSES: list[tuple[dict[str, Any], str]] = [
    ({}, "open"),
    ({"is_converted": True}, "converted"),
    ({"is_converted": "1"}, "converted"),
    ({"is_converted": 1}, "converted"),
    ({"is_converted": "true"}, "converted"),
    ({"is_converted": "False"}, "open"),
    ({"is_converted": "0", "converted_at": "2026-03-14T10:00:00Z"}, "open"),
    ({"is_converted": None, "converted_at": "2026-03-14T10:00:00Z"}, "converted"),
    ({"status": {"name": "OwnershipLost", "is_terminal": True}}, "completed"),
    ({"status": {"name": "OwnershipLost", "is_terminal": 1}}, "completed"),
    ({"status": {"name": "OwnershipLost", "is_terminal": True}, "is_converted": True}, "converted"),
    ({"status": None, "is_converted": None}, "unknown"),
    ({"status": "New", "is_converted": "perhaps"}, "unknown"),
    ({"status": {"is_terminal": None}, "is_converted": None}, "unknown"),
    ({"status": None}, "open"),
    ({"is_converted": None}, "open"),
    ({"is_converted": True, "deleted_at": "2026-03-14T10:00:00Z"}, "deleted"),
    ({"deleted_at": "last week"}, "deleted"),
    ({"deleted_at": ""}, "open"),
]


@pytest.mark.parametrize(("sent", "status"), STATUSES)
@pytest.mark.covers("flextell", 7, 14)
def test_the_status_is_the_first_that_holds(sent: dict[str, Any], status: str) -> None:
    record = {**LEAD, **sent}
    assert normalized(record).status == status
    assert STREAM.records.deleted(decoded(STREAM, record)) is (status == "deleted")


FIELDS: list[tuple[tuple[str, ...], object, str, object]] = [
    (("id",), "res_001", "id", "res_001"),
    (("is_converted",), "1", "converted", True),
    (("is_converted",), "perhaps", "converted", None),
    (("converted_at",), "2026-03-14T10:00:00.123456Z", "converted_at", datetime(2026, 3, 14, 10, 0, 0, 123456, UTC)),
    (("converted_at",), "2026-03-14T12:00:00+02:00", "converted_at", datetime(2026, 3, 14, 10, tzinfo=UTC)),
    (("converted_at",), "2026-03-14 10:00:00", "converted_at", None),
    (("converted_at",), "2026-03-14", "converted_at", None),
    (("deleted_at",), "2026-03-14T10:00:00.000000Z", "deleted_at", datetime(2026, 3, 14, 10, tzinfo=UTC)),
    (("status", "name"), "", "vendor_status", "new"),
    (("status",), None, "vendor_status", None),
    (("status",), None, "completed", None),
    (("phone_number",), "", "phones", []),
    (("phone_number",), None, "phones", []),
    (("phone_number",), "0532 123 45 67", "phones", ["0532 123 45 67"]),
    (("phone_number",), "+90 (532) 123 45 67", "phones", ["+905321234567"]),
    (("assigned_user",), None, "agent", Named()),
    (("assigned_user",), 8, "agent", Named()),
    (("reference_source", "id"), None, "origin", Named(None, "Instagram")),
    (("external_id",), 77, "external_id", "77"),
    (("country_name",), "", "address", Address()),
    (("full_name",), " ", "full_name", None),
]


@pytest.mark.parametrize(("path", "sent", "field", "expected"), FIELDS)
def test_a_field(path: tuple[str, ...], sent: object, field: str, expected: object) -> None:
    assert getattr(normalized(changed(LEAD, sent, *path)), field) == expected


def test_a_number_without_country_code_is_of_the_sources_region() -> None:
    record = decoded(TURKISH, {**LEAD, "phone_number": "0532 123 45 67"})
    lead: Any = TURKISH.records.normalize(record)
    assert lead.phones == ["+905321234567"]


ODD: list[Any] = [None, "", 7, 1.5, True, [], {}, [{"id": 1}], {"id": {"id": 1}}]


@pytest.mark.parametrize("field", [name for name in LEAD if name != "id"])
def test_no_odd_field_hides_the_lead(field: str) -> None:
    for record in (*({**LEAD, field: odd} for odd in ODD), without(LEAD, field)):
        lead = normalized(record)
        assert lead.id == "5012"
        assert b'""' not in msgspec.json.encode(lead)
        STREAM.records.contents[-1](decoded(STREAM, record))


@pytest.mark.parametrize("sent", [None, "", True, 1.5, [], {}])
def test_without_identity_or_own_time_there_is_no_lead(sent: object) -> None:
    assert STREAM.records.identity(decoded(STREAM, {**LEAD, "id": sent})) is None
    with pytest.raises(ValueError, match="created_at"):
        STREAM.records.time(decoded(STREAM, {**LEAD, "created_at": sent}))


@pytest.mark.covers("flextell", 11, 15)
def test_the_identity_is_the_id_and_nothing_else() -> None:
    again = {**LEAD, "id": 6000}  # deleted for good, and imported anew
    assert STREAM.records.identity(decoded(STREAM, LEAD)) == "5012"
    assert STREAM.records.identity(decoded(STREAM, again)) == "6000"
    assert normalized(again).external_id == normalized(LEAD).external_id


def test_own_time_and_stamp() -> None:
    assert STREAM.records.time(decoded(STREAM, LEAD)) == CREATED
    assert STREAM.records.modified(decoded(STREAM, LEAD)) == CREATED
    assert STREAM.records.modified(decoded(STREAM, {**LEAD, "updated_at": None})) is None


@pytest.mark.covers("flextell", 14)
def test_a_lead_has_no_fields_of_the_accounts_own() -> None:
    lead = normalized({**LEAD, "is_converted": True, "converted_at": "2026-03-14T10:00:00Z", "customer_id": 31})
    assert (lead.status, lead.converted, lead.attributes) == ("converted", True, {})
