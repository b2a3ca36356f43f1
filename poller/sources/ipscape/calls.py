"""ipSCAPE's activities and dial attempts: their shapes, what of them counts as a change, what they are in our words.

- Examples, from which the types are: https://developer.onipscape.com/platform-api.html. Any field may be null.
- Of other channels than calls nothing is documented: what such an activity holds is compared whole, new fields and all.
- An activity and an attempt at the same call are two records, linked by their ids; so are a call's transferred legs.
- Nothing of either is volatile. Durations do not add up with the times even in the vendor's own examples.
"""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from poller.plugin import (
    TypedDecoder,
    as_struct,
    e164,
    kinds,
    letters_only,
    read_id,
    read_seconds,
    read_text,
    seconds_between,
    struct_of,
)
from poller.sources.ipscape.fields import Times, each, instants, read_times

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

_Media = struct_of("mediaId:id mediaUri:text duration:whole deleted:truth")
Survey = struct_of("started:truth startTimestamp:time workflowId:id workflowName:text")
_Times = struct_of("created:time joinQueue:time answered:time hangUp:time wrapUp:time")
_Durations = struct_of("ivr:whole queue:whole hold:whole interaction:whole wrap:whole talk:whole dial:whole")
_Dialled = struct_of("dialled:time answered:time hangUp:time")
_Doing = struct_of(
    "activityId:identity parentActivityId:id rootActivityId:id activityStatusId:id activityStatusName:text source:text"
    " destination:text campaignId:id campaignName:text agentInteractionId:id agentId:id agentFullName:text"
    " wrapCode:whole wrapDescription:text recordingStatus:text voicemailMetadata callQualityScore:whole attemptId:id"
    " dialStatusId:id dialStatusName:text phoneIndex:whole phoneNumber:text leadId:id",
    durations=_Durations, timestamps=_Times, recordingMetadata=_Media, survey=Survey,
)  # fmt: skip
Call = struct_of("type:text", data=_Doing)
Attempt = struct_of(
    "attemptId:identity dialStatusId:id dialStatusName:text phoneIndex:whole phoneNumber:text leadId:id type:text"
    " campaignId:id campaignName:text activityId:id parentActivityId:id rootActivityId:id",
    timestamps=_Dialled,
)
Other = struct_of("type data")
"""An activity of another channel."""
_Voicemail = struct_of("mediaId mediaUri duration deleted")
_OtherDoing = struct_of(
    "activityId parentActivityId rootActivityId activityStatusName source destination campaignId campaignName agentId"
    " agentFullName"
)


class ActivityDecoder:
    """A decoder of activities: calls by their documented types, those of other channels as they were sent."""

    type = Other  # what is looked through for undocumented fields: those of other channels all are
    _calls, _others = TypedDecoder(Call), msgspec.json.Decoder(Other)

    def decode(self, raw: bytes) -> Any:
        """Decode an activity: a Call or an Other. Raises msgspec.MsgspecError where it is no object."""
        return self._call_or_other(self._calls.decode(raw), raw)

    def decode_loosely(self, raw: bytes) -> Any:
        """Decode an activity as it was sent, a call, too. Raises msgspec.MsgspecError where it is no object."""
        return self._call_or_other(self._calls.decode_loosely(raw), raw)

    def _call_or_other(self, call: Any, raw: bytes) -> Any:
        is_call = isinstance(call.type, str) and call.type.partition(".")[0] == "call"
        return call if is_call else self._others.decode(raw)


def doing_of(call: Any) -> Any:
    """Return what a call's wrapper holds; an empty object where that is none."""
    return as_struct(call.data, _Doing)


def _held(other: Any) -> Mapping[str, Any]:
    """Return what the wrapper of an activity of another channel holds, as sent."""
    return other.data if isinstance(other.data, dict) else {}


def _status(word: str | None, hang_up: object) -> kinds.CallStatus:
    """A call is in progress until it is hung up, unless it says how it ended."""
    said = STATUSES.get(letters_only(word or ""), "unknown")
    return "in_progress" if read_text(hang_up) is None and said in {"answered", "unknown"} else said


def activity_id(record: Any) -> str | None:
    """An activity's identity, whatever its type: a call can be converted from one to another."""
    is_call = isinstance(record, Call)
    return read_id(doing_of(record).activityId if is_call else _held(record).get("activityId"))


def activity_times(record: Any, *, zone: ZoneInfo | None) -> Times:
    """Return when an activity began, was answered and was hung up."""
    if isinstance(record, Call):
        times = as_struct(doing_of(record).timestamps, _Times)
        return read_times(zone, times.created, times.answered, times.hangUp)
    sent = _held(record).get("timestamps")
    return read_times(zone, sent.get("created") if isinstance(sent, dict) else None, None, None)


def activity_contents(record: Any) -> Any:
    """Return the activity for comparison."""
    if not isinstance(record, Call):
        held = _held(record)
        return replace(record, data={**held, "timestamps": instants(held.get("timestamps"))})
    doing = record.data
    if isinstance(doing, _Doing) and doing.voicemailMetadata:
        return replace(record, data=replace(doing, voicemailMetadata=voicemails(doing)))
    return record


def voicemails(doing: Any) -> Any:
    """Return a call's voicemails for comparison."""
    return each(doing.voicemailMetadata, _Voicemail)


def activity(record: Any, *, times_of: Callable[[Any], Times], region: str | None) -> kinds.Call | kinds.Activity:
    """A call in our words; an activity of another channel as it is."""
    return (_call if isinstance(record, Call) else _other)(record, times_of(record), region)


def _call(record: Any, times: Times, region: str | None) -> kinds.Call:
    call = doing_of(record)
    took, word = as_struct(call.durations, _Durations), read_text(call.activityStatusName)
    began, answered, ended = times
    return kinds.Call(
        id=read_id(call.activityId) or "",
        direction=DIRECTIONS.get(record.type),
        status=_status(word, as_struct(call.timestamps, _Times).hangUp),
        vendor_status=word,
        started_at=began,
        answered_at=answered,
        ended_at=ended,
        duration_seconds=seconds_between(began, ended),
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


def _other(record: Any, times: Times, region: str | None) -> kinds.Activity:
    held = msgspec.convert(_held(record), _OtherDoing)
    return kinds.Activity(
        id=read_id(held.activityId) or "",
        type=read_text(record.type),
        activity_status_name=read_text(held.activityStatusName),
        parent_activity_id=read_id(held.parentActivityId),
        root_activity_id=read_id(held.rootActivityId),
        source=e164(held.source, region),
        destination=e164(held.destination, region),
        campaign_id=read_id(held.campaignId),
        campaign_name=read_text(held.campaignName),
        agent_id=read_id(held.agentId),
        agent_full_name=read_text(held.agentFullName),
        created_at=times[0],
    )


def attempt_times(record: Any, *, zone: ZoneInfo | None) -> Times:
    """Return when an attempt was dialled, answered and hung up."""
    times = as_struct(record.timestamps, _Dialled)
    return read_times(zone, times.dialled, times.answered, times.hangUp)


def attempt(record: Any, *, times_of: Callable[[Any], Times], region: str | None) -> kinds.DialAttempt:
    """A dial attempt in our words. The activity that it names need not come to be."""
    (began, answered, ended), word = times_of(record), read_text(record.dialStatusName)
    return kinds.DialAttempt(
        id=read_id(record.attemptId) or "",
        status=_status(word, as_struct(record.timestamps, _Dialled).hangUp),
        vendor_status=word,
        started_at=began,
        answered_at=answered,
        ended_at=ended,
        number=e164(record.phoneNumber, region),
        lead_id=read_id(record.leadId),
        call_id=read_id(record.activityId),
        campaign=kinds.Named(read_id(record.campaignId), read_text(record.campaignName)),
    )
