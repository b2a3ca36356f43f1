"""Callcap's calls: their documented fields, what of them counts as a change, and calls in our words.

- In a zone with summer time, of the two readings of a repeated hour the first counts, unless a call would end, or be
  modified, before it began.
- `rings` counts rings, so `ring_seconds` is null; `csr` is taken as it is, also number 0, the "Administrator".
- Blocks that the documentation leaves open (webmatch, sentiment …) are compared whole, new fields and all.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from poller.plugin import (
    as_struct,
    e164,
    kinds,
    letters_only,
    read_id,
    read_named,
    read_number,
    read_seconds,
    read_text,
    read_time,
    seconds_between,
    struct_of,
)

# What the documentation leaves open, and we assume:
STATUSES: Mapping[str, kinds.CallStatus] = {  # `action`, small letters only; filters spell it differently than records
    "answer": "answered", "answered": "answered", "ans": "answered", "missed": "missed", "noanswer": "missed",
    "unanswered": "missed", "inprogress": "in_progress", "voicemail": "voicemail", "busy": "busy", "failed": "failed",
    "abandoned": "abandoned", "hangup": "abandoned", "blocked": "blocked", "wrongnumber": "wrong_number",
}  # fmt: skip
DIRECTIONS: Mapping[str, kinds.Direction] = {"inbound": "inbound", "outbound": "outbound", "internal": "internal"}

_Thing = struct_of("id:id name:text label:text tag:text opportunity:text external_id:text corporate_label:text", "")
_Campaign = struct_of(
    "id:id name:text callcap_number:text dialed_number:text destination_number:text ivr_option:whole medium:text"
    " medium_type:text direction:text line-memo:text addtl_line_memo:text cost_per_piece_est:number"
    " cost_per_piece_final:number default_revenue_value:number",
    "",
)
_Caller = struct_of("caller_id:text name:text class:text address:text city:text state:text zip:text", "")
_Outcome = struct_of("change_request", "", major=_Thing, minor=_Thing, csr=_Thing)
_Accounts = struct_of("", "", corporate=_Thing, division=_Thing, location=_Thing, campaign=_Campaign)
Record = struct_of(
    "call_id:identity recording:text action:text start_datetime:time end_datetime:time last_modified:time dtmf:text"
    " duration:whole rings:whole revenue:number notes:text webmatch sentiment summaries scorecards demographics"
    " import",
    "",
    caller=_Caller,
    callsurance=_Outcome,
    accounts=_Accounts,
    callsaver=struct_of("date:time user", "", outcome=_Thing, reason=_Thing),
)


class Times(msgspec.Struct, frozen=True, gc=False):
    """The times of a call, each None where it cannot be read."""

    began: datetime | None
    ended: datetime | None
    modified: datetime | None


def times(record: Any, *, zone: ZoneInfo) -> Times:
    """Return when a call began, ended, and was last modified."""
    began = read_time(record.start_datetime, zone)
    ended = read_time(record.end_datetime, zone, after=began)
    return Times(began, ended, read_time(record.last_modified, zone, after=began))


def contents(record: Any) -> Any:
    """Return the call without what is volatile: the stamp alone says nothing, and a URL is signed anew each time."""
    return msgspec.structs.replace(record, last_modified=None, recording=_unsigned(record.recording))


def contents_in_utc(record: Any, *, times_of: Callable[[Any], Times]) -> Any:
    """Return the contents with the times of the call as instants: they are shown in the zone that was asked for."""
    times = times_of(record)
    return msgspec.structs.replace(
        record,
        call_id=None,
        last_modified="",
        recording=_unsigned(record.recording),
        start_datetime=times.began or record.start_datetime,
        end_datetime=times.ended or record.end_datetime,
    )


def _unsigned(recording: Any) -> Any:
    return recording.partition("?")[0] if isinstance(recording, str) else recording


def call(record: Any, *, times_of: Callable[[Any], Times], region: str | None) -> kinds.Call:
    """A call in our words. On an outbound call `caller_id` is taken for the customer, who was called."""
    campaign = as_struct(as_struct(record.accounts, _Accounts).campaign, _Campaign)
    caller, outcome = as_struct(record.caller, _Caller), as_struct(record.callsurance, _Outcome)
    times, total = times_of(record), read_seconds(record.duration)
    action = read_text(record.action)
    direction = DIRECTIONS.get(str(campaign.direction).lower())
    customer, tracking = e164(caller.caller_id, region), e164(campaign.callcap_number, region)
    dialed = e164(campaign.dialed_number, region) or tracking
    outbound = direction == "outbound"
    return kinds.Call(
        id=read_id(record.call_id) or "",
        direction=direction,
        status=STATUSES.get(letters_only(action or ""), "unknown"),
        vendor_status=action,
        started_at=times.began,
        ended_at=times.ended,
        updated_at=times.modified,
        duration_seconds=seconds_between(times.began, times.ended) if total is None else total,
        caller_number=tracking if outbound else customer,
        called_number=customer if outbound else dialed,
        tracking_number=tracking or (None if outbound else dialed),
        destination_number=e164(campaign.destination_number, region),
        caller=kinds.Caller(
            read_text(caller.name), read_text(caller.city), read_text(caller.state), read_text(caller.zip)
        ),
        campaign=read_named(campaign),
        agent=read_named(as_struct(outcome.csr, _Thing)),
        disposition=read_text(as_struct(outcome.minor, _Thing).label)
        or read_text(as_struct(outcome.major, _Thing).label),
        recording_url=read_text(record.recording),
        revenue=read_number(record.revenue),
    )
