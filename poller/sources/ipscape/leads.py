"""ipSCAPE's leads, and the lists they refer to (lead lists, campaigns, users): shapes, changes, and our words for them.

- Examples, from which the types are: https://developer.onipscape.com/platform-api.html. Any field may be null.
- Volatile: a lead's `modified` (a stamp alone says nothing) and `nextAttempt` (the dialler's next tick); a user's
  `isLoggedIn`, `status` and `timeInStatus` (presence).
- A lead's data fields are the tenant's own: they are its attributes, under their own names.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from poller.plugin import (
    as_struct,
    e164,
    kinds,
    lead_status,
    read_bool,
    read_id,
    read_number,
    read_own_fields,
    read_text,
    read_time,
    struct_of,
)
from poller.sources.ipscape.fields import Times, each, read_times

_Uploaded = struct_of("created:time modified:time nextAttempt:time")
_Created = struct_of("created:time")
_Outcomes = struct_of("totalAttempts:whole outcomesByCode")
_Phone = struct_of("phone phoneIndex completed")
_Pay = struct_of("paySettingsId:id merchantAlias:text")
Lead = struct_of(
    "leadId:identity campaignId:id campaignName:text listId:id listName:text timezone:text completed:truth"
    " customerKey:text agentId:id agentFullName:text dataFields lastStatusCode:whole lastStatusDescription:text phones"
    " outcomeType:text",
    outcomesInfo=_Outcomes, timestamps=_Uploaded,
)  # fmt: skip
LeadList = struct_of(
    "id:identity name:text campaignId:id campaignName:text inDialler:truth weight:whole", timestamps=_Created
)
Campaign = struct_of(
    "campaignId:identity campaignTitle:text campaignDescription:text campaignType:text campaignGroupName:text"
    " isRunning:truth allowTransferToAnyPhone:truth",
    ipScapePayDetails=_Pay,
)
User = struct_of(
    "userId:identity userTimezone:text firstName:text lastName:text username:text isLoggedIn:truth userType:text"
    " email:text teams:text assignedCampaigns:text status:text timeInStatus:text accountIsActive:truth"
)


def lead_times(record: Any, *, zone: ZoneInfo | None) -> Times:
    """Return when a lead was created, and modified, and when it is dialled next."""
    times = as_struct(record.timestamps, _Uploaded)
    return read_times(zone, times.created, times.modified, times.nextAttempt)


def lead_contents(record: Any) -> Any:
    """Return the lead for comparison, without what is volatile."""
    times = record.timestamps
    if isinstance(times, _Uploaded):
        times = replace(times, modified=None, nextAttempt=None)
    return replace(record, timestamps=times, phones=each(record.phones, _Phone))


def lead(record: Any, *, times_of: Callable[[Any], Times], region: str | None) -> kinds.Lead:
    """A lead in our words."""
    (created, modified, next_attempt), completed = times_of(record), read_bool(record.completed)
    listed = record.phones if isinstance(record.phones, list) else []
    phones = [one.get("phone") for one in listed if isinstance(one, dict)]
    return kinds.Lead(
        id=read_id(record.leadId) or "",
        status=lead_status(completed=completed),
        vendor_status=read_text(record.lastStatusDescription),
        created_at=created,
        updated_at=modified,
        next_action_at=next_attempt,
        phones=[number for number in (e164(phone, region) for phone in phones) if number],
        completed=completed,
        campaign=kinds.Named(read_id(record.campaignId), read_text(record.campaignName)),
        list=kinds.Named(read_id(record.listId), read_text(record.listName)),
        agent=kinds.Named(read_id(record.agentId), read_text(record.agentFullName)),
        external_id=read_id(record.customerKey),
        attributes=read_own_fields(record.dataFields),
    )


def lead_list_time(record: Any, *, zone: ZoneInfo | None) -> datetime | None:
    """Return when a list was created, where that can be read: no list hangs on it."""
    return read_time(as_struct(record.timestamps, _Created).created, zone)


def lead_list(record: Any, *, zone: ZoneInfo | None) -> kinds.LeadList:
    """A list of leads."""
    return kinds.LeadList(
        id=read_id(record.id) or "",
        name=read_text(record.name),
        campaign_id=read_id(record.campaignId),
        campaign_name=read_text(record.campaignName),
        in_dialler=read_bool(record.inDialler),
        weight=read_number(record.weight),
        created_at=read_time(as_struct(record.timestamps, _Created).created, zone),
    )


def campaign(record: Any) -> kinds.Campaign:
    """A campaign."""
    pay = as_struct(record.ipScapePayDetails, _Pay)
    return kinds.Campaign(
        id=read_id(record.campaignId) or "",
        name=read_text(record.campaignTitle),
        campaign_description=read_text(record.campaignDescription),
        campaign_type=read_text(record.campaignType),
        campaign_group_name=read_text(record.campaignGroupName),
        is_running=read_bool(record.isRunning),
        allow_transfer_to_any_phone=read_bool(record.allowTransferToAnyPhone),
        ip_scape_pay_details={
            "pay_settings_id": read_id(pay.paySettingsId),
            "merchant_alias": read_text(pay.merchantAlias),
        },
    )


def user_contents(record: Any) -> Any:
    """Return the user for comparison, without presence."""
    return replace(record, isLoggedIn=None, status=None, timeInStatus=None)


def user(record: Any) -> kinds.User:
    """A person who works with the vendor's product."""
    first, last = read_text(record.firstName), read_text(record.lastName)
    return kinds.User(
        id=read_id(record.userId) or "",
        name=" ".join(filter(None, (first, last))) or None,
        first_name=first,
        last_name=last,
        username=read_text(record.username),
        email=read_text(record.email),
        user_type=read_text(record.userType),
        user_timezone=read_text(record.userTimezone),
        teams=read_text(record.teams),
        assigned_campaigns=read_text(record.assignedCampaigns),
        account_is_active=read_bool(record.accountIsActive),
        is_logged_in=read_bool(record.isLoggedIn),
        status=read_text(record.status),
        time_in_status=read_text(record.timeInStatus),
    )
