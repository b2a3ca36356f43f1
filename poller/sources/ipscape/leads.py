"""ipSCAPE's leads, and the lists they refer to (lead lists, campaigns, users): shapes, changes, and our words for them.

- Examples: https://developer.onipscape.com/platform-api.html. No types are documented, so any field may be null.
- Volatile: a lead's `modified` (a stamp alone says nothing) and `nextAttempt` (the dialler's next tick); a user's
  `isLoggedIn`, `status` and `timeInStatus` (presence).
- A lead's data fields are the tenant's own: they are its attributes, under their own names.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from poller.plugin import kinds
from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import flag, ident, lead_status, money, text
from poller.plugin.fields.structs import shape, shaped
from poller.plugin.fields.times import moment, required
from poller.sources.ipscape.fields import each, instants, times_of

_Uploaded = shape("created modified nextAttempt")
_Created = shape("created")
_Outcomes = shape("totalAttempts outcomesByCode")
_Phone = shape("phone phoneIndex completed")
_Pay = shape("paySettingsId merchantAlias")
Lead = shape(
    "leadId campaignId campaignName listId listName timezone completed customerKey agentId agentFullName dataFields"
    " lastStatusCode lastStatusDescription phones outcomeType",
    outcomesInfo=_Outcomes, timestamps=_Uploaded,
)  # fmt: skip
LeadList = shape("id name campaignId campaignName inDialler weight", timestamps=_Created)
Campaign = shape(
    "campaignId campaignTitle campaignDescription campaignType campaignGroupName isRunning allowTransferToAnyPhone",
    ipScapePayDetails=_Pay,
)
User = shape(
    "userId userTimezone firstName lastName username isLoggedIn userType email teams assignedCampaigns status"
    " timeInStatus accountIsActive"
)


def lead_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """When it was created. Raises ValueError where that cannot be read."""
    return required(shaped(record.timestamps, _Uploaded).created, "timestamps.created", zone)


def lead_modified(record: Any, *, zone: ZoneInfo | None) -> datetime | None:
    """The vendor's stamp."""
    return times_of(record, _Uploaded, zone)["modified"]


def lead_contents(record: Any) -> Any:
    """The lead for comparison, without what is volatile."""
    times = record.timestamps
    if isinstance(times, _Uploaded):
        times = replace(times, modified=None, nextAttempt=None)
    return replace(record, timestamps=instants(times), phones=each(record.phones, _Phone))


def lead(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.Lead:
    """A lead in our words."""
    times, completed = times_of(record, _Uploaded, zone), flag(record.completed)
    listed = record.phones if isinstance(record.phones, list) else []
    phones = [one.get("phone") for one in listed if isinstance(one, dict)]
    fields = record.dataFields if isinstance(record.dataFields, dict) else {}
    return kinds.Lead(
        id=ident(record.leadId) or "",
        status=lead_status(completed=completed),
        vendor_status=text(record.lastStatusDescription),
        created_at=times["created"],
        updated_at=times["modified"],
        next_action_at=times["nextAttempt"],
        phones=[number for number in (e164(phone, region) for phone in phones) if number],
        completed=completed,
        campaign=kinds.Named(ident(record.campaignId), text(record.campaignName)),
        list=kinds.Named(ident(record.listId), text(record.listName)),
        agent=kinds.Named(ident(record.agentId), text(record.agentFullName)),
        external_id=ident(record.customerKey),
        attributes={name: text(leaf) if isinstance(leaf, str) else leaf for name, leaf in fields.items()},
    )


def lead_list_time(record: Any, *, zone: ZoneInfo | None) -> datetime | None:
    """When it was created, where that can be read: no list hangs on it."""
    return moment(shaped(record.timestamps, _Created).created, zone)


def lead_list_contents(record: Any) -> Any:
    """The list for comparison: all of it."""
    return replace(record, timestamps=instants(record.timestamps))


def lead_list(record: Any, *, zone: ZoneInfo | None) -> kinds.LeadList:
    """A list of leads."""
    return kinds.LeadList(
        id=ident(record.id) or "",
        name=text(record.name),
        campaign_id=ident(record.campaignId),
        campaign_name=text(record.campaignName),
        in_dialler=flag(record.inDialler),
        weight=money(record.weight),
        created_at=moment(shaped(record.timestamps, _Created).created, zone),
    )


def campaign(record: Any) -> kinds.Campaign:
    """A campaign."""
    pay = shaped(record.ipScapePayDetails, _Pay)
    return kinds.Campaign(
        id=ident(record.campaignId) or "",
        name=text(record.campaignTitle),
        campaign_description=text(record.campaignDescription),
        campaign_type=text(record.campaignType),
        campaign_group_name=text(record.campaignGroupName),
        is_running=flag(record.isRunning),
        allow_transfer_to_any_phone=flag(record.allowTransferToAnyPhone),
        ip_scape_pay_details={
            "pay_settings_id": ident(pay.paySettingsId),
            "merchant_alias": text(pay.merchantAlias),
        },
    )


def user_contents(record: Any) -> Any:
    """The user for comparison, without presence."""
    return replace(record, isLoggedIn=None, status=None, timeInStatus=None)


def user(record: Any) -> kinds.User:
    """Somebody who works with the vendor's product."""
    first, last = text(record.firstName), text(record.lastName)
    return kinds.User(
        id=ident(record.userId) or "",
        name=" ".join(filter(None, (first, last))) or None,
        first_name=first,
        last_name=last,
        username=text(record.username),
        email=text(record.email),
        user_type=text(record.userType),
        user_timezone=text(record.userTimezone),
        teams=text(record.teams),
        assigned_campaigns=text(record.assignedCampaigns),
        account_is_active=flag(record.accountIsActive),
        is_logged_in=flag(record.isLoggedIn),
        status=text(record.status),
        time_in_status=text(record.timeInStatus),
    )
