"""ipSCAPE's answers and records, as its documentation describes them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from poller.plugin.stream import Stream
from poller.sources.ipscape import Ipscape
from tests.sources.scripted import NOW

SETTINGS: dict[str, Any] = {"type": "ipscape", "base_url": "https://tenant.example/platform-api", "token": "t"}

INBOUND: dict[str, Any] = {
    "type": "call.inbound",
    "data": {
        "activityId": 4101,
        "parentActivityId": None,
        "rootActivityId": 4101,
        "activityStatusId": 3,
        "activityStatusName": "Answered",
        "source": "+61412345678",
        "destination": "+61280000000",
        "campaignId": 7,
        "campaignName": "Service desk",
        "agentInteractionId": 9001,
        "agentId": 1204,
        "agentFullName": "Kim Example",
        "wrapCode": 31,
        "wrapDescription": "Resolved",
        "durations": {"ivr": 4, "queue": 12, "hold": 0, "interaction": 180, "wrap": 25, "talk": 155},
        "timestamps": {
            "created": "2026-03-15T03:00:00+1100",
            "joinQueue": "2026-03-15T03:00:04+1100",
            "answered": "2026-03-15T03:00:16+1100",
            "hangUp": "2026-03-15T03:02:51+1100",
            "wrapUp": "2026-03-15T03:03:16+1100",
        },
        "recordingStatus": "enabled",
        "recordingMetadata": {"mediaId": 700, "mediaUri": "/v3.0/media/700", "duration": 155, "deleted": False},
        "voicemailMetadata": [{"mediaId": 701, "mediaUri": "/v3.0/media/701", "duration": 9}],
        "survey": {"started": True, "startTimestamp": "2026-03-15T03:02:52+1100", "workflowId": 2, "workflowName": "Q"},
        "callQualityScore": 4,
    },
}
OUTBOUND: dict[str, Any] = {
    "type": "call.outbound",
    "data": {
        "activityId": 4102,
        "parentActivityId": 4101,
        "rootActivityId": 4101,
        "attemptId": 8800,
        "dialStatusId": 1,
        "dialStatusName": "Answered",
        "phoneIndex": 1,
        "phoneNumber": "+61412345679",
        "leadId": 55001,
        "activityStatusId": 3,
        "activityStatusName": "Answered",
        "source": "+61280000000",
        "destination": "+61412345679",
        "campaignId": 8,
        "campaignName": "Renewals",
        "agentInteractionId": 9002,
        "agentId": 1204,
        "agentFullName": "Kim Example",
        "wrapCode": 28,
        "wrapDescription": "Contact",
        "durations": {"dial": 6, "interaction": 90},
        "timestamps": {
            "created": "2026-03-15T03:10:00+11:00",
            "answered": "2026-03-15T03:10:06+11:00",
            "hangUp": "2026-03-15T03:11:36+11:00",
            "wrapUp": "2026-03-15T03:12:00+11:00",
        },
        "recordingStatus": "enabled",
        "recordingMetadata": {"mediaId": 710, "mediaUri": "/v3.0/media/710", "duration": 90, "deleted": False},
        "voicemailMetadata": [],
        "survey": {"started": False, "startTimestamp": None, "workflowId": None, "workflowName": None},
    },
}
EMAIL: dict[str, Any] = {
    "type": "email.inbound",
    "data": {
        "activityId": 4103,
        "campaignId": 7,
        "campaignName": "Service desk",
        "source": "pat@example.com",
        "subject": "Hello",
        "timestamps": {"created": "2026-03-15T03:00:00+11:00"},
    },
}
ATTEMPT: dict[str, Any] = {
    "attemptId": 8800,
    "dialStatusId": 1,
    "dialStatusName": "Answered",
    "phoneIndex": 1,
    "phoneNumber": "+61412345679",
    "leadId": 55001,
    "timestamps": {
        "dialled": "2026-03-15T03:10:00+11:00",
        "answered": "2026-03-15T03:10:06+11:00",
        "hangUp": "2026-03-15T03:11:36+11:00",
    },
    "type": "call.outbound",
    "campaignId": 8,
    "campaignName": "Renewals",
    "activityId": 4102,
    "parentActivityId": None,
    "rootActivityId": 4102,
}
LEAD: dict[str, Any] = {
    "leadId": 55001,
    "campaignId": 8,
    "campaignName": "Renewals",
    "listId": 3,
    "listName": "March",
    "timezone": "Australia/Sydney",
    "completed": False,
    "customerKey": "C-77",
    "agentId": 1204,
    "agentFullName": "Kim Example",
    "dataFields": {"policy": "P-1", "premium": 12.5, "note": ""},
    "lastStatusCode": 28,
    "lastStatusDescription": "Contact",
    "phones": [
        {"phone": "+61412345679", "phoneIndex": 1, "completed": False},
        {"phone": "02 8000 0001", "phoneIndex": 2, "completed": True},
    ],
    "outcomeType": "preview",
    "outcomesInfo": {"totalAttempts": 1, "outcomesByCode": {"code": 28, "count": 1}},
}
LEAD["timestamps"] = {"created": "2026-03-15T03:00:00+11:00", "modified": "2026-03-15T03:12:00+11:00"}
LEAD["timestamps"]["nextAttempt"] = "2026-03-15T05:00:00+11:00"
LEAD_LIST: dict[str, Any] = {
    "id": 3,
    "name": "March",
    "campaignId": 8,
    "campaignName": "Renewals",
    "inDialler": True,
    "weight": 50,
    "timestamps": {"created": "2026-03-01T09:00:00+11:00"},
}
CAMPAIGN: dict[str, Any] = {
    "campaignId": 8,
    "campaignTitle": "Renewals",
    "campaignDescription": "Policy renewals",
    "campaignType": "Outbound",
    "campaignGroupName": "Group 1",
    "isRunning": False,
    "allowTransferToAnyPhone": True,
    "ipScapePayDetails": {"paySettingsId": 1, "merchantAlias": "Example merchant"},
}
USER: dict[str, Any] = {
    "userId": 1204,
    "userTimezone": "Australia/Sydney",
    "firstName": "Kim",
    "lastName": "Example",
    "username": "kim",
    "isLoggedIn": True,
    "userType": "agent",
    "email": "kim@example.com",
    "teams": "Sales, Service",
    "assignedCampaigns": "Renewals",
    "status": "On call",
    "timeInStatus": "00:01:10",
    "accountIsActive": True,
}

TIMED = {
    "activities": ("/v3.0/activities", "createdTimestamp"),
    "dialler_calls": ("/v3.0/calls/dialler", "dialledTimestamp"),
    "leads": ("/v3.0/leads", "uploadedTimestamp"),
}
WHOLE = {"campaigns": "/v3.0/campaigns", "lead_lists": "/v3.0/leads/lists", "users": "/v3.0/users"}
RECORDS = {"activities": INBOUND, "dialler_calls": ATTEMPT, "leads": LEAD}
RECORDS |= {"campaigns": CAMPAIGN, "lead_lists": LEAD_LIST, "users": USER}
SWEEPS = [(stream, sweep) for stream in TIMED for sweep in ("live", "settle", "audit")] + [("leads", "touched")]
SWEEPS += [(stream, "snapshot") for stream in WHOLE]
ITEMIZED = [pair for pair in SWEEPS if pair[0] != "campaigns"]


def streams(**settings: object) -> dict[str, Stream]:
    return {stream.name: stream for stream in Ipscape.model_validate(SETTINGS | settings).build_streams()}


def listed(stream: str, sweep: str) -> dict[str, Any]:
    return ATTEMPT if sweep == "touched" else RECORDS[stream]


def answer(stream: str, rows: Sequence[Any], following: object = None) -> dict[str, Any]:
    """A documented answer; the link to the next page is a trap but for its cursor."""
    uri = following if following is None else f"http://elsewhere.example/v3.0/steal?cursor={following}"
    if stream == "campaigns":
        said = {"pageNo": 0, "inPage": len(rows), "perPage": 50, "data": list(rows)}
        return said if uri is None else {**said, "metadata": {"nextUri": uri}}
    return {"metadata": {"nextUri": uri, "previousUri": None}, "items": list(rows)}


def minutes_ago(minutes: float) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}+00:00"
