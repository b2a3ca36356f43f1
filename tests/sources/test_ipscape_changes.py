"""What of an ipSCAPE record counts as a change."""

from typing import Any

import pytest

from poller.events.digest import digest_of_content
from tests.sources.ipscape_pages import (
    ATTEMPT,
    CAMPAIGN,
    EMAIL,
    INBOUND,
    LEAD,
    LEAD_LIST,
    OUTBOUND,
    USER,
    streams,
)
from tests.sources.scripted import changed, decoded, without

STREAMS, SYDNEY = streams(), streams(timezone="Australia/Sydney", region="NZ")


def compared(stream: str, record: object, under: Any = STREAMS) -> int:
    return digest_of_content(under[stream].records.contents[-1](decoded(under[stream], record)))


PRESENCE = {"status", "isLoggedIn", "timeInStatus"}


def at(*path: str) -> tuple[str, ...]:
    return ("data", *path)


SAME: list[tuple[str, Any, tuple[str, ...], object]] = [
    ("activities", INBOUND, ("new",), 1),
    ("activities", INBOUND, at("new"), 1),
    ("activities", INBOUND, at("timestamps", "new"), 1),
    ("activities", INBOUND, at("durations", "new"), 1),
    ("activities", INBOUND, at("recordingMetadata", "new"), 1),
    ("activities", INBOUND, at("voicemailMetadata"), [{**INBOUND["data"]["voicemailMetadata"][0], "new": 1}]),
    ("activities", INBOUND, at("survey", "startTimestamp"), "2026-03-14T16:02:52Z"),
    ("activities", INBOUND, at("timestamps", "created"), "2026-03-15T03:00:00+11:00"),
    ("activities", INBOUND, at("timestamps", "hangUp"), "2026-03-15T02:02:51+10:00"),
    ("activities", OUTBOUND, at("timestamps", "joinQueue"), None),
    ("activities", EMAIL, at("timestamps", "created"), "2026-03-15T03:00:00+1100"),
    ("activities", EMAIL, at("timestamps", "answered"), None),
    ("dialler_calls", ATTEMPT, ("new",), 1),
    ("dialler_calls", ATTEMPT, ("timestamps", "hangUp"), "2026-03-15T03:11:36+1100"),
    ("leads", LEAD, ("new",), 1),
    ("leads", LEAD, ("timestamps", "modified"), "2026-03-16T03:12:00+11:00"),
    ("leads", LEAD, ("timestamps", "nextAttempt"), None),
    ("leads", LEAD, ("timestamps", "created"), "2026-03-14T16:00:00Z"),
    ("leads", LEAD, ("phones",), [{**phone, "new": 1} for phone in LEAD["phones"]]),
    ("leads", LEAD, ("outcomesInfo", "new"), 1),
    ("lead_lists", LEAD_LIST, ("timestamps", "created"), "2026-02-28T22:00:00Z"),
    ("lead_lists", LEAD_LIST, ("new",), 1),
    ("campaigns", CAMPAIGN, ("new",), 1),
    ("campaigns", CAMPAIGN, ("ipScapePayDetails", "new"), 1),
    ("users", USER, ("isLoggedIn",), False),
    ("users", USER, ("status",), "Away"),
    ("users", USER, ("timeInStatus",), "00:02:10"),
]


@pytest.mark.parametrize(("stream", "record", "path", "value"), SAME)
@pytest.mark.covers("ipscape", 13)
def test_what_means_nothing_is_no_change(stream: str, record: Any, path: tuple[str, ...], value: object) -> None:
    assert compared(stream, changed(record, value, *path)) == compared(stream, record)


OTHER: list[tuple[str, Any, tuple[str, ...], object]] = [
    ("activities", INBOUND, ("type",), "call.outbound"),
    *[("activities", INBOUND, at(name), "x") for name in INBOUND["data"] if name != "activityId"],
    *[("activities", OUTBOUND, at(name), "x") for name in OUTBOUND["data"] if name != "activityId"],
    *[("activities", INBOUND, at("timestamps", name), None) for name in INBOUND["data"]["timestamps"]],
    *[("activities", INBOUND, at("durations", name), 999) for name in INBOUND["data"]["durations"]],
    ("activities", INBOUND, at("recordingMetadata", "deleted"), True),
    ("activities", INBOUND, at("voicemailMetadata"), []),
    ("activities", INBOUND, at("survey", "startTimestamp"), None),
    ("activities", INBOUND, at("survey", "workflowName"), "NPS"),
    ("activities", INBOUND, at("timestamps", "created"), "2026-03-15T03:00:01+1100"),
    ("activities", EMAIL, at("subject"), "Hello again"),
    ("activities", EMAIL, at("new"), 1),
    ("activities", EMAIL, at("timestamps", "closed"), "2026-03-15T04:00:00+1100"),
    *[("dialler_calls", ATTEMPT, (name,), "x") for name in ATTEMPT if name != "attemptId"],
    ("dialler_calls", ATTEMPT, ("timestamps", "hangUp"), None),
    *[("leads", LEAD, (name,), "x") for name in LEAD if name != "leadId"],
    ("leads", LEAD, ("dataFields", "policy"), "P-2"),
    ("leads", LEAD, ("outcomesInfo", "outcomesByCode"), [{"code": 28, "count": 2}]),
    ("leads", LEAD, ("phones",), LEAD["phones"][:1]),
    *[("lead_lists", LEAD_LIST, (name,), "x") for name in LEAD_LIST if name != "id"],
    *[("campaigns", CAMPAIGN, (name,), "x") for name in CAMPAIGN if name != "campaignId"],
    ("campaigns", CAMPAIGN, ("ipScapePayDetails", "merchantAlias"), "x"),
    *[("users", USER, (name,), "x") for name in USER if name not in {"userId", *PRESENCE}],
]


@pytest.mark.parametrize(("stream", "record", "path", "value"), OTHER)
@pytest.mark.covers("ipscape", 2, 6, 12)
def test_an_edit_is_a_change(stream: str, record: Any, path: tuple[str, ...], value: object) -> None:
    assert compared(stream, changed(record, value, *path)) != compared(stream, record)


@pytest.mark.covers("ipscape", 7)
def test_a_redaction_is_a_change_like_any_other() -> None:
    redacted = changed(changed(INBOUND, "REDACTED", "data", "source"), True, "data", "recordingMetadata", "deleted")
    assert compared("activities", redacted) != compared("activities", INBOUND)
    stream = STREAMS["activities"]
    assert stream.records.identity(decoded(stream, redacted)) == "4101"
    assert not stream.records.deleted(decoded(stream, redacted))


def test_another_zone_or_region_is_no_change() -> None:
    naive = changed(INBOUND, "2026-03-15 03:00:00", "data", "timestamps", "created")
    assert compared("activities", naive, SYDNEY) == compared("activities", naive)
    assert compared("leads", LEAD, SYDNEY) == compared("leads", LEAD)


def test_null_and_absent_are_the_same_and_so_is_another_order() -> None:
    assert compared("activities", without(INBOUND, "data", "parentActivityId")) == compared("activities", INBOUND)
    backwards = {"data": dict(reversed(INBOUND["data"].items())), "type": INBOUND["type"]}
    assert compared("activities", backwards) == compared("activities", INBOUND)
