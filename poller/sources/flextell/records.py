"""Flextell's leads: their documented fields, what of them counts as a change, and leads in our words."""

from typing import Any

from msgspec import structs

from poller.plugin import (
    as_struct,
    e164,
    kinds,
    lead_status,
    read_bool,
    read_id,
    read_named,
    read_text,
    read_time,
    struct_of,
)

_Status = struct_of("id:id name:text slug:text is_terminal:truth")
"""Not its colour: how a status is painted says nothing about a lead."""
_Thing = struct_of("id:id name:text external_id:text")
Record = struct_of(
    "id:identity first_name:text last_name:text full_name:text phone_number:text email:text description:text"
    " message:text preferred_contact:text source_page_url:text country_id:id is_converted:truth converted_at:time"
    " customer_id:id marketing_attribution external_id:text external_branch_id:text external_created_at:time"
    " last_synced_at:time import_source_id:id created_at:time updated_at:time deleted_at country_name:text",
    None,
    status=_Status,
    reference_source=_Thing,
    assigned_user=_Thing,
)


def deleted(record: Any) -> bool:
    """Return whether the vendor marks the lead as deleted."""
    return record.deleted_at not in (None, "") and read_bool(record.deleted_at) is not False


def contents(record: Any) -> Any:
    """Return the lead without what is volatile: an import that touches it, or a stamp alone, changes nothing."""
    return structs.replace(record, updated_at=None, last_synced_at=None)


def lead(record: Any, *, region: str | None) -> kinds.Lead:
    """A lead in our words. A lead whose status is terminal is completed, one with a time of conversion converted."""
    status, phone = as_struct(record.status, _Status), e164(record.phone_number, region)
    converted_at, completed, said = (
        read_time(record.converted_at),
        read_bool(status.is_terminal),
        read_bool(record.is_converted),
    )
    converted = True if said is None and converted_at else said
    return kinds.Lead(
        id=read_id(record.id) or "",
        status=lead_status(deleted=deleted(record) or None, converted=converted, completed=completed),
        vendor_status=read_text(status.name) or read_text(status.slug),
        created_at=read_time(record.created_at),
        updated_at=read_time(record.updated_at),
        converted_at=converted_at,
        deleted_at=read_time(record.deleted_at),
        full_name=read_text(record.full_name),
        first_name=read_text(record.first_name),
        last_name=read_text(record.last_name),
        phones=[phone] if phone else [],
        email=read_text(record.email),
        address=kinds.Address(country=read_text(record.country_name)),
        converted=converted,
        completed=completed,
        origin=read_named(as_struct(record.reference_source, _Thing)),
        agent=read_named(as_struct(record.assigned_user, _Thing)),
        external_id=read_id(record.external_id),
    )
