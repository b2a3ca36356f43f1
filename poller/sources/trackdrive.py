"""TrackDrive: leads by the time of their creation, for want of any order; calls by cursors, and by order of update.

- Parameters, columns, cursors: https://trackdrive.net/api/docs/1.0/calls.html, https://trackdrive.com/api/docs/1.0/leads/index.html
- Credential: https://support.trackdrive.com/articles/how-to-postback-to-trackdrive-using-basic-auth
- Status words: https://support.trackdrive.com/articles/call-lifecycle-and-status-values, https://support.trackdrive.net/articles/lead-overview
- Times have milliseconds and an offset; filters have seconds, and it is not said whether they include them. So a second
  more is asked for, and neighbouring ranges share their boundary.
- A page number beyond 10 is refused where there are cursors, and cursors know one order only: so `updated` reads ten
  pages at most, and says what it did not reach.
- The log of changes names leads by their internal `id`, while their identity is the `uuid`: each is read by that `id`.
- Custom tokens come flattened into a call as `token-<name>`, too: `token_values` holds them all, and is what is compared.
"""  # noqa: E501  addresses

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from pydantic import SecretStr

from poller import kinds
from poller.errors import Denied, SourceError, Throttled, Unavailable, Unexpected
from poller.halving import SECOND, Ends, Span, halve
from poller.leaves import UNREADABLE, flag, folded, ident, lead_status, money, naming, seconds, shape, text
from poller.model import Credential, Cursor, Http, Page, Static, Stream, Window
from poller.paging import Answer, Descent, Place, envelope, walk
from poller.phones import e164
from poller.sources.account import Account, Chosen, Sweeps, Windowed
from poller.sources.values import Origin, Secret
from poller.times import elapsed, moment, required
from poller.windows import BEGINNING

Query: TypeAlias = Mapping[str, str]
LEADS, CALLS, CHANGES = "/api/v1/leads", "/api/v1/calls", "/api/v1/change_logs"
SERIALIZERS = {LEADS: {"serializer": "lead"}, CALLS: {"serializer": "call"}, CHANGES: {}}
FIXED = {"root": "true", "time_zone": "UTC"}  # without the root there is no metadata
PAGES = 10  # the documented most, where pages are numbered

# What the documentation leaves open, and we assume:
PER_PAGE = 100
LAG = timedelta(seconds=5)  # so long after its stamp, at the latest, a record is visible
LEAD_BY_ID = "/api/v1/leads/{}/id"  # documented for another method only
OVER = dict.fromkeys(("scheduled", "waiting", "waiting_to_dial", "running", "queue"), False) | dict.fromkeys(
    "success failure disabled completed completed_attempted completed_connected completed_converted"
    " completed_with_one_call completed_with_many_calls exceeded_max_calls exceeded_short_calls".split(),
    True,
)  # a lead's `status`: whether its schedule is over
_OUTCOMES: Mapping[kinds.CallStatus, str] = {
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
}  # a call's `status`; of `opt-out` and `added-to-schedule` nobody says whether it was answered
STATUSES = {folded(word): status for status, words in _OUTCOMES.items() for word in words.split()}
DIRECTIONS: Mapping[str, kinds.Direction] = {"inbound": "inbound", "outbound": "outbound", "internal": "internal"}

# `attributes`: what has no place of its own
TEXTS = ("time_zone", "remote_ip", "sub_id", "contact_field_type", "schedule_trigger_type")
IDS = ("legacy_id", "schedule_id", "buyer_id", "lead_import_id", "attempted_call_id", "connected_call_id")

Lead = shape(
    "id uuid legacy_id external_record_id type lead_import_id created_at updated_at user_updated_at deleted_at"
    " last_action_at first_action_at first_queued_at schedule_ended_at next_action_at last_call_at expires_in name"
    " full_name caller_id email country state_province zip_postal_code time_zone remote_ip contact_field_type data"
    " sub_id offer_id schedule_id traffic_source_id buyer_id sms_number_id dial_number_id dial_tier"
    " schedule_trigger_type status human_status css_status has_next_action opt_out blocked is_live revenue payout"
    " offer_converted buyer_converted attempted_call_id connected_call_id scheduled_callback_id"
    " call_buyer_conversion_id call_offer_conversion_id context_menu_name routes_show_path routes_edit_path"
)
Call = shape(
    "id uuid legacy_id type created_at updated_at deleted_at user_updated_at ended_at external_record_id name"
    " recording_url category number_called number_id connected_to caller_number obfuscated_caller_number caller_city"
    " caller_country offer user_offer_id offer_id agent_id quality_assurance_user_id quality_assurance_name"
    " quality_assurance_id traffic_source user_traffic_source_id traffic_source_id buyer user_buyer_id buyer_id"
    " token_values total_duration hold_duration ivr_duration attempted_duration answered_duration agent_duration"
    " sub_id schedule_id schedule_name ring_pool_id status buyer_converted buyer_repeat_caller buyer_revenue revenue"
    " traffic_source_converted traffic_source_repeat_caller traffic_source_payout payout trackdrive_cost"
    " provider_cost call_sid provider outgoing_webhooks_count contact_field_type disposition_id disposition_key"
    " disposition_name disposition_notes hangup_cause routes_show_path routes_edit_path"
)
_STAMPS = "updated_at user_updated_at"  # alone they say nothing
_SCREENS = "routes_show_path routes_edit_path"  # where the vendor's own pages are
_VOLATILE_CALL = dict.fromkeys(f"{_STAMPS} {_SCREENS}".split())
_VOLATILE_LEAD = dict.fromkeys(
    f"{_STAMPS} {_SCREENS}"
    " human_status css_status context_menu_name"  # how `status` is worded and painted
    " next_action_at has_next_action last_action_at last_call_at"  # the scheduler's ticks
    " is_live"  # presence
    " expires_in".split()  # minutes that are left, for all we know
)


class _Metadata(Struct):
    total_count: Annotated[int, Meta(ge=0)] | None = None
    next_cursor: int | str | UnsetType | None = UNSET


class _Answer(Struct):
    status: int = 200
    errors: Any = None
    metadata: _Metadata | None = None
    leads: list[Raw] | None = None
    calls: list[Raw] | None = None
    change_logs: list[Raw] | None = None
    lead: dict[str, Any] | None = None
