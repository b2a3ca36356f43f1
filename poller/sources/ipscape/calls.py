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

from poller.plugin import kinds
from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import folded, ident, seconds, text
from poller.plugin.fields.structs import shape, shaped
from poller.plugin.fields.times import elapsed, required
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

_Media = shape("mediaId mediaUri duration deleted")
_Survey = shape("started startTimestamp workflowId workflowName")
_Times = shape("created joinQueue answered hangUp wrapUp")
_Durations = shape("ivr queue hold interaction wrap talk dial")
_Dialled = shape("dialled answered hangUp")
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


def _is_call(record: Any) -> bool:
    return isinstance(record.type, str) and record.type.partition(".")[0] == "call"


def _held(record: Any) -> Mapping[str, Any]:
    """What an activity's wrapper holds, as sent: of a record that is no news only identity and time are asked for."""
    return record.data if isinstance(record.data, dict) else {}


def _doing(record: Any) -> Any:
    """The documented fields of what it holds."""
    return msgspec.convert(_held(record), _Doing)


def _status(word: str | None, hang_up: object) -> kinds.CallStatus:
    """A call is in progress until it is hung up, unless it says how it ended."""
    said = STATUSES.get(folded(word or ""), "unknown")
    return "in_progress" if text(hang_up) is None and said in {"answered", "unknown"} else said


def activity_id(record: Any) -> str | None:
    """An activity's identity, whatever its type: a call can be converted from one to another."""
    return ident(_held(record).get("activityId"))


def activity_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """When it began. Raises ValueError where that cannot be read."""
    times = _held(record).get("timestamps")
    return required(times.get("created") if isinstance(times, dict) else None, "timestamps.created", zone)


def activity_contents(record: Any) -> Any:
    """The activity for comparison."""
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


def _other(kind: object, held: Any, times: Times, region: str | None) -> kinds.Activity:
    return kinds.Activity(
        id=ident(held.activityId) or "",
        type=text(kind),
        activity_status_name=text(held.activityStatusName),
        parent_activity_id=ident(held.parentActivityId),
        root_activity_id=ident(held.rootActivityId),
        source=e164(held.source, region),
        destination=e164(held.destination, region),
        campaign_id=ident(held.campaignId),
        campaign_name=text(held.campaignName),
        agent_id=ident(held.agentId),
        agent_full_name=text(held.agentFullName),
        created_at=times["created"],
    )


def attempt_time(record: Any, *, zone: ZoneInfo | None) -> datetime:
    """When it was dialled. Raises ValueError where that cannot be read."""
    return required(shaped(record.timestamps, _Dialled).dialled, "timestamps.dialled", zone)


def attempt_end(record: Any, *, zone: ZoneInfo | None) -> datetime | None:
    """When it was hung up; None where that cannot be said."""
    return times_of(record, _Dialled, zone)["hangUp"]


def attempt_contents(record: Any) -> Any:
    """The attempt for comparison."""
    return replace(record, timestamps=instants(record.timestamps))


def attempt(record: Any, *, zone: ZoneInfo | None, region: str | None) -> kinds.DialAttempt:
    """A dial attempt in our words. The activity that it names need not come to be."""
    times, word = times_of(record, _Dialled, zone), text(record.dialStatusName)
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
