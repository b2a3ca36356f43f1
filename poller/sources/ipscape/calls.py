"""ipSCAPE's activities and dial attempts: their shapes, what of them counts as a change, what they are in our words.

- Examples: https://developer.onipscape.com/platform-api.html. No types are documented, so any field may be null.
- Of other channels than calls nothing is documented: what such an activity holds is compared whole, new fields and all.
- An activity and an attempt at the same call are two records, linked by their ids; so are a call's transferred legs.
- Nothing of either is volatile. Durations do not add up with the times even in the vendor's own examples.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from poller.plugin import (
    as_struct,
    e164,
    kinds,
    letters_only,
    read_id,
    read_seconds,
    read_text,
    require_time,
    seconds_between,
    struct_of,
)
from poller.sources.ipscape.fields import each, instant, instants, times_of

Times: TypeAlias = Mapping[str, datetime | None]

# What the documentation leaves open, and we assume:
STATUSES: Mapping[str, kinds.CallStatus] = {  # `activityStatusName` and `dialStatusName`, small letters only
    "answered": "answered", "connected": "answered", "completed": "answered", "missed": "missed",
    "noanswer": "missed", "notanswered": "missed", "unanswered": "missed", "busy": "busy", "engaged": "busy",
    "abandoned": "abandoned", "abandon": "abandoned", "voicemail": "voicemail", "answeringmachine": "voicemail",
    "blocked": "blocked", "wrongnumber": "wrong_number", "invalidnumber": "wrong_number", "failed": "failed",
    "error": "failed", "inprogress": "in_progress", "dialling": "in_progress", "dialing": "in_progress",
    "ringing": "in_progress", "queued": "in_progress", "inqueue": "in_progress",
}  # fmt: skip
DIRECTIONS: Mapping[str, kinds.Direction] = {  # types of calls; of others than the first two no example is shown
    "call.inbound": "inbound", "call.outbound": "outbound", "call.internal": "internal",
}  # fmt: skip

_Media = struct_of("mediaId mediaUri duration deleted")
_Survey = struct_of("started startTimestamp workflowId workflowName")
_Times = struct_of("created joinQueue answered hangUp wrapUp")
_Durations = struct_of("ivr queue hold interaction wrap talk dial")
_Dialled = struct_of("dialled answered hangUp")
_Doing = struct_of(
    "activityId parentActivityId rootActivityId activityStatusId activityStatusName source destination campaignId"
    " campaignName agentInteractionId agentId agentFullName wrapCode wrapDescription recordingStatus voicemailMetadata"
    " callQualityScore attemptId dialStatusId dialStatusName phoneIndex phoneNumber leadId",
    durations=_Durations, timestamps=_Times, recordingMetadata=_Media, survey=_Survey,
)  # fmt: skip
Activity = struct_of("type data")
Attempt = struct_of(
    "attemptId dialStatusId dialStatusName phoneIndex phoneNumber leadId type campaignId campaignName activityId"
    " parentActivityId rootActivityId",
    timestamps=_Dialled,
)


def _is_call(record: Any) -> bool:
    return isinstance(record.type, str) and record.type.partition(".")[0] == "call"


def _held(record: Any) -> Mapping[str, Any]:
    """Return what an activity's wrapper holds, as sent: of old records only identity and time are asked for."""
    return record.data if isinstance(record.data, dict) else {}


def _doing(record: Any) -> Any:
    """Return the documented fields of what the wrapper holds."""
    return msgspec.convert(_held(record), _Doing)


def _status(word: str | None, hang_up: object) -> kinds.CallStatus:
    """A call is in progress until it is hung up, unless it says how it ended."""
    said = STATUSES.get(letters_only(word or ""), "unknown")
    return "in_progress" if read_text(hang_up) is None and said in {"answered", "unknown"} else said


def activity_id(record: Any) -> str | None:
    """An activity's identity, whatever its type: a call can be converted from one to another."""
    return read_id(_held(record).get("activityId"))


def activity_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """Return when an activity began. Raises ValueError where that cannot be read."""
    times = _held(record).get("timestamps")
    return require_time(times.get("created") if isinstance(times, dict) else None, "timestamps.created", zone)


def activity_contents(record: Any) -> Any:
    """Return the activity for comparison."""
    if not _is_call(record):
        held = _held(record)
        return replace(record, data={**held, "timestamps": instants(held.get("timestamps"))})
    call = _doing(record)
    survey = call.survey
    if isinstance(survey, _Survey):
        survey = replace(survey, startTimestamp=instant(survey.startTimestamp))
    voicemails = each(call.voicemailMetadata, _Media)
    call = replace(call, timestamps=instants(call.timestamps), survey=survey, voicemailMetadata=voicemails)
    return replace(record, data=call)


def activity(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.Call | kinds.Activity:
    """A call in our words; an activity of another channel as it is."""
    doing = _doing(record)
    times = times_of(doing, _Times, zone)
    return (_call if _is_call(record) else _other)(record.type, doing, times, region)


def _call(kind: str, call: Any, times: Times, region: str | None) -> kinds.Call:
    took, word = as_struct(call.durations, _Durations), read_text(call.activityStatusName)
    return kinds.Call(
        id=read_id(call.activityId) or "",
        direction=DIRECTIONS.get(kind),
        status=_status(word, as_struct(call.timestamps, _Times).hangUp),
        vendor_status=word,
        started_at=times["created"],
        answered_at=times["answered"],
        ended_at=times["hangUp"],
        duration_seconds=seconds_between(times["created"], times["hangUp"]),
        ring_seconds=read_seconds(took.dial),
        queue_seconds=read_seconds(took.queue),
        hold_seconds=read_seconds(took.hold),
        talk_seconds=read_seconds(took.talk),
        wrap_seconds=read_seconds(took.wrap),
        caller_number=e164(call.source, region),
        called_number=e164(call.destination, region),
        campaign=kinds.Named(read_id(call.campaignId), read_text(call.campaignName)),
        agent=kinds.Named(read_id(call.agentId), read_text(call.agentFullName)),
        disposition=read_text(call.wrapDescription),
        recording_url=read_text(as_struct(call.recordingMetadata, _Media).mediaUri),
        lead_id=read_id(call.leadId),
        parent_id=read_id(call.parentActivityId),
        root_id=read_id(call.rootActivityId),
    )


def _other(kind: object, held: Any, times: Times, region: str | None) -> kinds.Activity:
    return kinds.Activity(
        id=read_id(held.activityId) or "",
        type=read_text(kind),
        activity_status_name=read_text(held.activityStatusName),
        parent_activity_id=read_id(held.parentActivityId),
        root_activity_id=read_id(held.rootActivityId),
        source=e164(held.source, region),
        destination=e164(held.destination, region),
        campaign_id=read_id(held.campaignId),
        campaign_name=read_text(held.campaignName),
        agent_id=read_id(held.agentId),
        agent_full_name=read_text(held.agentFullName),
        created_at=times["created"],
    )


def attempt_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """Return when an attempt was dialled. Raises ValueError where that cannot be read."""
    return require_time(as_struct(record.timestamps, _Dialled).dialled, "timestamps.dialled", zone)


def attempt_end(record: Any, *, zone: ZoneInfo | None) -> datetime | None:
    """Return when an attempt was hung up; None where that cannot be said."""
    return times_of(record, _Dialled, zone)["hangUp"]


def attempt_contents(record: Any) -> Any:
    """Return the attempt for comparison."""
    return replace(record, timestamps=instants(record.timestamps))


def attempt(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.DialAttempt:
    """A dial attempt in our words. The activity that it names need not come to be."""
    times, word = times_of(record, _Dialled, zone), read_text(record.dialStatusName)
    return kinds.DialAttempt(
        id=read_id(record.attemptId) or "",
        status=_status(word, as_struct(record.timestamps, _Dialled).hangUp),
        vendor_status=word,
        started_at=times["dialled"],
        answered_at=times["answered"],
        ended_at=times["hangUp"],
        number=e164(record.phoneNumber, region),
        lead_id=read_id(record.leadId),
        call_id=read_id(record.activityId),
        campaign=kinds.Named(read_id(record.campaignId), read_text(record.campaignName)),
    )
