"""TrackDrive's leads and calls: their documented columns, what of them counts as a change, and both in our words.

- Custom tokens come flattened into a call, as `token-<name>`; `token_values` holds them all, and is what is compared.
- `buyer_converted` and its like are truths in filters, and the word "Converted" in records.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from poller.plugin import (
    e164,
    kinds,
    lead_status,
    letters_only,
    read_bool,
    read_id,
    read_number,
    read_own_fields,
    read_seconds,
    read_text,
    read_time,
    require_time,
    seconds_between,
    struct_of,
)

Lead = struct_of(
    "id:id uuid:identity legacy_id external_record_id type:text lead_import_id created_at:time updated_at:time"
    " user_updated_at:time deleted_at last_action_at:time first_action_at:time first_queued_at:time"
    " schedule_ended_at:time next_action_at:time last_call_at:time expires_in name:text full_name:text caller_id:text"
    " email:text country:text state_province:text zip_postal_code:text time_zone:text remote_ip:text"
    " contact_field_type:text data sub_id:text offer_id:id schedule_id:id traffic_source_id:id buyer_id:id"
    " sms_number_id:id dial_number_id:id dial_tier schedule_trigger_type:text status:text human_status:text"
    " css_status:text has_next_action:truth opt_out:truth blocked:truth is_live revenue:number payout:number"
    " offer_converted buyer_converted attempted_call_id:id connected_call_id:id scheduled_callback_id:id"
    " call_buyer_conversion_id:id call_offer_conversion_id:id context_menu_name:text routes_show_path:text"
    " routes_edit_path:text"
)
Call = struct_of(
    "id:id uuid:identity legacy_id type:text created_at:time updated_at:time deleted_at user_updated_at:time"
    " ended_at:time external_record_id name:text recording_url:text category:text number_called:text number_id:id"
    " connected_to:text caller_number:text obfuscated_caller_number:text caller_city:text caller_country:text"
    " offer:text user_offer_id:text offer_id:id agent_id quality_assurance_user_id quality_assurance_name:text"
    " quality_assurance_id traffic_source:text user_traffic_source_id:text traffic_source_id:id buyer:text"
    " user_buyer_id:text buyer_id:id token_values total_duration:whole hold_duration:whole ivr_duration:whole"
    " attempted_duration:whole answered_duration:whole agent_duration:whole sub_id:text schedule_id:id"
    " schedule_name:text ring_pool_id:id status:text buyer_converted buyer_repeat_caller buyer_revenue:number"
    " revenue:number traffic_source_converted traffic_source_repeat_caller traffic_source_payout:number"
    " payout:number trackdrive_cost:number provider_cost:number call_sid:text provider:text"
    " outgoing_webhooks_count:whole contact_field_type:text disposition_id:id disposition_key:text"
    " disposition_name:text disposition_notes:text hangup_cause:text routes_show_path:text routes_edit_path:text"
)

# Volatile: no revision, whatever comes in them
_BOTH = (
    "updated_at user_updated_at"  # stamps, which say nothing alone
    " routes_show_path routes_edit_path"  # where the vendor's own pages are
)
_LEAD_ALONE = (
    "human_status css_status context_menu_name"  # how `status` is worded and painted there
    " next_action_at has_next_action last_action_at last_call_at"  # the scheduler's ticks
    " is_live"  # presence
    " expires_in"  # minutes until a lead is deleted: counted down, for all we know
)
_VOLATILE_CALL, _VOLATILE_LEAD = dict.fromkeys(_BOTH.split()), dict.fromkeys(f"{_BOTH} {_LEAD_ALONE}".split())

# What the documentation leaves open, and we assume:
_OUTCOMES: Mapping[kinds.CallStatus, str] = {  # of `opt-out`, `added-to-schedule` nobody says if they were answered
    "in_progress": "initiated calling-leads on-hold established waiting",
    "answered": "finished forwarded",
    "voicemail": "voicemail voicemail-detected left-voicemail",
    "missed": "no-answer no-answer-convert-on-attempt no-buyer no-buyer-all-filtered no-buyer-prevent-dupes not-open"
    " hold-queue-no-buyer hold-queue-waited-too-long ivr-no-keypress",
    "busy": "busy",
    "abandoned": "caller-hung-up caller-hung-up-while-ringing-buyer hold-queue-hung-up ivr-hung-up canceled cancelled",
    "blocked": "blocked rejected rejected-caller-concurrency-exceeded rejected-ivr-hang-up"
    " rejected-no-concurrency-cap-available rejected-traffic-source-capped-hang-up",
    "wrong_number": "invalid-number",
    "failed": "failed no-route-to-destination",
}
STATUSES = {letters_only(word): status for status, words in _OUTCOMES.items() for word in words.split()}
DIRECTIONS: Mapping[str, kinds.Direction] = {"inbound": "inbound", "outbound": "outbound", "internal": "internal"}
OPEN = frozenset({"scheduled", "waiting", "waiting_to_dial", "running", "queue"})
OVER = frozenset({
    "success", "failure", "disabled", "completed", "completed_attempted", "completed_connected", "completed_converted",
    "completed_with_one_call", "completed_with_many_calls", "exceeded_max_calls", "exceeded_short_calls",
})  # fmt: skip
OPTED_OUT = frozenset({"dnc", "opt_out"})


def identity(record: Any) -> str | None:
    """Return what names a lead or a call."""
    return read_id(record.uuid)


def created(record: Any) -> datetime:
    """Return when a lead or a call was created. Raises ValueError where that cannot be read."""
    return require_time(record.created_at, "created_at")


def modified(record: Any) -> datetime | None:
    """Return the vendor's modification stamp."""
    return read_time(record.updated_at)


def deleted(record: Any) -> bool:
    """Return whether the vendor marks the record as deleted."""
    return record.deleted_at not in (None, "") and read_bool(record.deleted_at) is not False


def lead_contents(record: Any) -> Any:
    """Return the lead without what is volatile."""
    return msgspec.structs.replace(record, **_VOLATILE_LEAD)


def call_contents(record: Any) -> Any:
    """Return the call without what is volatile: a signed URL is signed anew each time."""
    recording = record.recording_url
    recording = recording.partition("?")[0] if isinstance(recording, str) else recording
    return msgspec.structs.replace(record, recording_url=recording, **_VOLATILE_CALL)


def lead(record: Any, *, region: str | None) -> kinds.Lead:
    """A lead in our words. It is converted for whoever bought it, or for whoever brought it."""
    phone, word = e164(record.caller_id, region), read_text(record.status)
    converted = _either(word == "completed_converted", record.buyer_converted, record.offer_converted)
    opt_out = True if word in OPTED_OUT else read_bool(record.opt_out)
    blocked = True if word == "blocked" else read_bool(record.blocked)
    completed = True if word in OVER else False if word in OPEN else None
    status = lead_status(
        deleted=deleted(record) or None, opted_out=opt_out, blocked=blocked, converted=converted, completed=completed
    )
    return kinds.Lead(
        id=read_id(record.uuid) or "",
        status=status,
        vendor_status=word,
        created_at=read_time(record.created_at),
        updated_at=read_time(record.updated_at),
        deleted_at=read_time(record.deleted_at),
        next_action_at=read_time(record.next_action_at),
        full_name=read_text(record.full_name) or read_text(record.name),
        phones=[phone] if phone else [],
        email=read_text(record.email),
        address=kinds.Address(
            region=read_text(record.state_province),
            postal_code=read_text(record.zip_postal_code),
            country=read_text(record.country),
        ),
        converted=converted,
        completed=completed,
        opt_out=opt_out,
        origin=kinds.Named(read_id(record.traffic_source_id)),
        campaign=kinds.Named(read_id(record.offer_id)),
        external_id=read_id(record.external_record_id),
        revenue=read_number(record.revenue),
        payout=read_number(record.payout),
        attributes=read_own_fields(record.data),
    )


def call(record: Any, *, region: str | None) -> kinds.Call:
    """A call in our words. It starts when it is created; an inbound one comes in over a tracking number."""
    began, ended = read_time(record.created_at), read_time(record.ended_at)
    total, word = read_seconds(record.total_duration), read_text(record.status)
    direction, called = DIRECTIONS.get(str(record.category).lower()), e164(record.number_called, region)
    return kinds.Call(
        id=read_id(record.uuid) or "",
        direction=direction,
        status=STATUSES.get(letters_only(word or ""), "unknown"),
        vendor_status=word,
        started_at=began,
        ended_at=ended,
        updated_at=read_time(record.updated_at),
        duration_seconds=seconds_between(began, ended) if total is None else total,
        hold_seconds=read_seconds(record.hold_duration),
        talk_seconds=read_seconds(record.answered_duration),
        caller_number=e164(record.caller_number, region),
        called_number=called,
        tracking_number=called if direction == "inbound" else None,
        destination_number=e164(record.connected_to, region),
        caller=kinds.Caller(city=read_text(record.caller_city), country=read_text(record.caller_country)),
        campaign=kinds.Named(read_id(record.offer_id), read_text(record.offer)),
        agent=kinds.Named(read_id(record.agent_id)),
        disposition=read_text(record.disposition_name) or read_text(record.disposition_key),
        recording_url=read_text(record.recording_url),
        revenue=read_number(record.revenue),
    )


def _either(known: bool, *leaves: object) -> bool | None:
    """Return whether it is known, or one of these says so; None where nothing says anything."""
    said = [True if isinstance(leaf, str) and letters_only(leaf) == "converted" else read_bool(leaf) for leaf in leaves]
    return True if known or True in said else False if False in said else None
