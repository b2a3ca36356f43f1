"""ipSCAPE's records: their documented shapes, what of them counts as a change, and what they are in our words.

- Record examples: https://developer.onipscape.com/platform-api.html. It documents no types, so every field may be null.
- Of other channels than calls nothing is documented: what such an activity holds is compared whole, new fields and all.
- Offsets are spelled `+1000` and `+10:00`, and follow summer time: times are compared as instants, never as text.
- Volatile: a lead's `modified` (a stamp alone says nothing) and `nextAttempt` (the dialler's next tick); a user's
  `isLoggedIn`, `status` and `timeInStatus` (presence). Nothing of an activity or a dial attempt is.
- Durations are the vendor's; its own samples do not add up with the times, so neither is checked against the other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import asdict, replace

from poller import kinds
from poller.leaves import flag, folded, ident, lead_status, seconds, shape, shaped, text
from poller.phones import e164
from poller.times import elapsed, moment, required

# What the documentation leaves open, and we assume:
STATUSES: Mapping[str, kinds.CallStatus] = {  # `activityStatusName` and `dialStatusName`, small letters only
    "answered": "answered", "connected": "answered", "completed": "answered", "missed": "missed",
    "noanswer": "missed", "notanswered": "missed", "unanswered": "missed", "busy": "busy", "engaged": "busy",
    "abandoned": "abandoned", "abandon": "abandoned", "voicemail": "voicemail", "answeringmachine": "voicemail",
    "blocked": "blocked", "wrongnumber": "wrong_number", "invalidnumber": "wrong_number", "failed": "failed",
    "error": "failed", "inprogress": "in_progress", "dialling": "in_progress", "dialing": "in_progress",
    "ringing": "in_progress", "queued": "in_progress", "inqueue": "in_progress",
}  # fmt: skip
DIRECTIONS: Mapping[str, kinds.Direction] = {
    "call.inbound": "inbound", "call.outbound": "outbound", "call.internal": "internal",
}  # fmt: skip

_Media = shape("mediaId mediaUri duration deleted")
_Survey = shape("started startTimestamp workflowId workflowName")
_Times = shape("created joinQueue answered hangUp wrapUp")
_Durations = shape("ivr queue hold interaction wrap talk dial")
_Dialled = shape("dialled answered hangUp")
_Uploaded = shape("created modified nextAttempt")
_Created = shape("created")
_Outcomes = shape("totalAttempts outcomesByCode")
_Phone = shape("phone phoneIndex completed")
_Pay = shape("paySettingsId merchantAlias")
_Doing = shape(
    "activityId parentActivityId rootActivityId activityStatusId activityStatusName source destination campaignId"
    " campaignName agentInteractionId agentId agentFullName wrapCode wrapDescription recordingStatus voicemailMetadata"
    " callQualityScore attemptId dialStatusId dialStatusName phoneIndex phoneNumber leadId",
    durations=_Durations, timestamps=_Times, recordingMetadata=_Media, survey=_Survey,
)  # fmt: skip
Activity = shape("type data")
Attempt = shape(
    "attemptId dialStatusId dialStatusName phoneIndex phoneNumber leadId type campaignId campaignName activityId"
    " parentActivityId rootActivityId",
    timestamps=_Dialled,
)
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


def _is_call(record: Any) -> bool:
    return isinstance(record.type, str) and record.type.partition(".")[0] == "call"


def _doing(record: Any) -> Any:
    """What an activity's wrapper holds."""
    return msgspec.convert(record.data, _Doing) if isinstance(record.data, dict) else _Doing()


def _times(record: Any, found: Any, zone: ZoneInfo | None) -> dict[str, datetime | None]:
    """A record's times by their names. Of an hour that is repeated without offsets, no reading is before the first."""
    leaves = asdict(shaped(record.timestamps, found))
    began = moment(leaves.get("created") or leaves.get("dialled"), zone)
    return {name: moment(leaf, zone, after=began) for name, leaf in leaves.items()}


def _instants(times: Any) -> Any:
    """Times as they are compared: without an offset, or unreadable, as sent."""
    leaves = asdict(times) if isinstance(times, msgspec.Struct) else times
    if not isinstance(leaves, dict):
        return leaves
    return {name: moment(leaf) or leaf for name, leaf in leaves.items() if leaf is not None}


def _each(leaf: Any, found: type[Any]) -> Any:
    """The documented fields of a list's objects."""
    if not isinstance(leaf, list):
        return leaf
    return [msgspec.convert(one, found) if isinstance(one, dict) else one for one in leaf]


def _status(word: str | None, hang_up: object) -> kinds.CallStatus:
    """A call is in progress until it is hung up, unless it says how it ended."""
    said = STATUSES.get(folded(word or ""), "unknown")
    return "in_progress" if text(hang_up) is None and said in {"answered", "unknown"} else said


def activity_id(record: Any) -> Any:
    """The identity of an activity, whatever its type: that may change."""
    return ident(_doing(record).activityId)


def activity_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """When a call, or what else it is, began."""
    return required(shaped(_doing(record).timestamps, _Times).created, "timestamps.created", zone)


def activity_contents(record: Any) -> Any:
    """What of an activity counts as a change."""
    if not _is_call(record):
        held = record.data if isinstance(record.data, dict) else {}
        return replace(record, data={**held, "timestamps": _instants(held.get("timestamps"))})
    call = _doing(record)
    survey = shaped(call.survey, _Survey)
    call = replace(
        call,
        timestamps=_instants(call.timestamps),
        survey=replace(survey, startTimestamp=moment(survey.startTimestamp) or survey.startTimestamp),
        voicemailMetadata=_each(call.voicemailMetadata, _Media),
    )
    return replace(record, data=call)


def activity(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.Call | kinds.Activity:
    """A call in our words; an activity of another channel as it is."""
    doing = _doing(record)
    return (_call if _is_call(record) else _other)(record.type, doing, _times(doing, _Times, zone), region)


def _call(kind: str, call: Any, times: dict[str, datetime | None], region: str | None) -> kinds.Call:
    took, word = shaped(call.durations, _Durations), text(call.activityStatusName)
    return kinds.Call(
        id=ident(call.activityId) or "",
        direction=DIRECTIONS.get(kind),
        status=_status(word, shaped(call.timestamps, _Times).hangUp),
        vendor_status=word,
        started_at=times["created"],
        answered_at=times["answered"],
        ended_at=times["hangUp"],
        duration_seconds=elapsed(times["created"], times["hangUp"]),
        ring_seconds=seconds(took.dial),
        queue_seconds=seconds(took.queue),
        hold_seconds=seconds(took.hold),
        talk_seconds=seconds(took.talk),
        wrap_seconds=seconds(took.wrap),
        caller_number=e164(call.source, region),
        called_number=e164(call.destination, region),
        campaign=kinds.Named(ident(call.campaignId), text(call.campaignName)),
        agent=kinds.Named(ident(call.agentId), text(call.agentFullName)),
        disposition=text(call.wrapDescription),
        recording_url=text(shaped(call.recordingMetadata, _Media).mediaUri),
        lead_id=ident(call.leadId),
        parent_id=ident(call.parentActivityId),
        root_id=ident(call.rootActivityId),
    )


def _other(kind: object, held: Any, times: dict[str, datetime | None], region: str | None) -> kinds.Activity:
    return kinds.Activity(
        id=ident(held.activityId) or "",
        type=text(kind),
        activity_status_id=ident(held.activityStatusId),
        activity_status_name=text(held.activityStatusName),
        parent_activity_id=ident(held.parentActivityId),
        root_activity_id=ident(held.rootActivityId),
        source=e164(held.source, region),
        destination=e164(held.destination, region),
        campaign_id=ident(held.campaignId),
        campaign_name=text(held.campaignName),
        agent_id=ident(held.agentId),
        agent_full_name=text(held.agentFullName),
        agent_interaction_id=ident(held.agentInteractionId),
        wrap_code=text(held.wrapCode),
        wrap_description=text(held.wrapDescription),
        created_at=times["created"],
        lead_id=ident(held.leadId),
    )


def attempt_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """When it was dialled."""
    return required(shaped(record.timestamps, _Dialled).dialled, "timestamps.dialled", zone)


def attempt_end(record: Any, *, zone: ZoneInfo | None) -> datetime | None:
    """When it was hung up; None where that cannot be said."""
    return _times(record, _Dialled, zone)["hangUp"]


def attempt_contents(record: Any) -> Any:
    """What of a dial attempt counts as a change: all of it."""
    return replace(record, timestamps=_instants(record.timestamps))


def attempt(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.DialAttempt:
    """A dial attempt in our words. Its call may never come to be."""
    times, word = _times(record, _Dialled, zone), text(record.dialStatusName)
    return kinds.DialAttempt(
        id=ident(record.attemptId) or "",
        status=_status(word, shaped(record.timestamps, _Dialled).hangUp),
        vendor_status=word,
        started_at=times["dialled"],
        answered_at=times["answered"],
        ended_at=times["hangUp"],
        number=e164(record.phoneNumber, region),
        lead_id=ident(record.leadId),
        call_id=ident(record.activityId),
        campaign=kinds.Named(ident(record.campaignId), text(record.campaignName)),
    )


