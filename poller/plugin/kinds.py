"""The kinds of events: a call, a lead … in our words, whichever vendor it came from.

Every field is always present; unknown is None. Ids are strings, durations whole seconds, money numbers, times aware
datetimes in UTC, phone numbers E.164 where the number or the source's region says so, else as sent.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal

from msgspec import Struct

Direction = Literal["inbound", "outbound", "internal"]
CallStatus = Literal[
    "in_progress",
    "answered",
    "voicemail",
    "missed",
    "busy",
    "abandoned",
    "blocked",
    "wrong_number",
    "failed",
    "unknown",
]
LeadStatus = Literal["deleted", "opted_out", "blocked", "converted", "completed", "open", "unknown"]
Phones = list[str]  # named here: Python 3.14 evaluates a class's annotations late, and a lead has a field named list


class Named(Struct, frozen=True):
    """Something with an id and a name: a campaign, an agent, a list."""

    id: str | None = None
    name: str | None = None


class Caller(Struct, frozen=True):
    """A person who calls the vendor's customer, or is called."""

    name: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Address(Struct, frozen=True):
    """A place where a lead lives."""

    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Kind(Struct, frozen=True, kw_only=True):
    """The data of an event, whatever its kind; `KIND` is the kind's word."""

    KIND: ClassVar[str]


class Call(Kind, frozen=True, kw_only=True):
    """A telephone call. `caller_number` is who dialled, `called_number` who was dialled, whatever the direction."""

    KIND: ClassVar = "call"
    id: str
    direction: Direction | None = None
    status: CallStatus = "unknown"
    vendor_status: str | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    duration_seconds: int | None = None
    ring_seconds: int | None = None
    queue_seconds: int | None = None
    hold_seconds: int | None = None
    talk_seconds: int | None = None
    wrap_seconds: int | None = None
    caller_number: str | None = None
    called_number: str | None = None
    tracking_number: str | None = None
    destination_number: str | None = None
    caller: Caller = Caller()
    campaign: Named = Named()
    agent: Named = Named()
    disposition: str | None = None
    recording_url: str | None = None
    lead_id: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    revenue: float | int | None = None


class Lead(Kind, frozen=True, kw_only=True):
    """A person who may become a customer."""

    KIND: ClassVar = "lead"
    id: str
    status: LeadStatus = "unknown"
    vendor_status: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    converted_at: datetime | None = None
    deleted_at: datetime | None = None
    next_action_at: datetime | None = None
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phones: Phones = []
    email: str | None = None
    address: Address = Address()
    converted: bool | None = None
    completed: bool | None = None
    opt_out: bool | None = None
    origin: Named = Named()
    campaign: Named = Named()
    list: Named = Named()
    agent: Named = Named()
    external_id: str | None = None
    revenue: float | int | None = None
    payout: float | int | None = None
    attributes: dict[str, Any] = {}


class DialAttempt(Kind, frozen=True, kw_only=True):
    """A try to reach somebody by telephone, whether or not a call came of it; `call_id` is that call's."""

    KIND: ClassVar = "dial_attempt"
    id: str
    status: CallStatus = "unknown"
    vendor_status: str | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    number: str | None = None
    lead_id: str | None = None
    call_id: str | None = None
    campaign: Named = Named()


class Campaign(Kind, frozen=True, kw_only=True):
    """A campaign; beside `id` and `name` as the vendor has it."""

    KIND: ClassVar = "campaign"
    id: str
    name: str | None = None
    campaign_description: str | None = None
    campaign_type: str | None = None
    campaign_group_name: str | None = None
    is_running: bool | None = None
    allow_transfer_to_any_phone: bool | None = None
    ip_scape_pay_details: dict[str, str | None] = {}


class LeadList(Kind, frozen=True, kw_only=True):
    """A list of leads; beside `id` and `name` as the vendor has it."""

    KIND: ClassVar = "lead_list"
    id: str
    name: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    in_dialler: bool | None = None
    weight: float | int | None = None
    created_at: datetime | None = None


class User(Kind, frozen=True, kw_only=True):
    """A person who works with the vendor's product; beside `id` and `name` as the vendor has it."""

    KIND: ClassVar = "user"
    id: str
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    email: str | None = None
    user_type: str | None = None
    user_timezone: str | None = None
    teams: str | None = None
    assigned_campaigns: str | None = None
    account_is_active: bool | None = None
    is_logged_in: bool | None = None
    status: str | None = None
    time_in_status: str | None = None


class Activity(Kind, frozen=True, kw_only=True):
    """A contact over another channel than the telephone, as the vendor has it."""

    KIND: ClassVar = "activity"
    id: str
    name: str | None = None
    type: str | None = None
    activity_status_name: str | None = None
    parent_activity_id: str | None = None
    root_activity_id: str | None = None
    source: str | None = None
    destination: str | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    agent_id: str | None = None
    agent_full_name: str | None = None
    created_at: datetime | None = None


KINDS: tuple[type[Kind], ...] = (Call, Lead, DialAttempt, Campaign, LeadList, User, Activity)
