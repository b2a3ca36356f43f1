"""What happens to calls and leads in the simulated world: all the trouble that vendors make."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from poller.sandbox.registry import new_world
from poller.sandbox.world.truth import History

from .stage import CALLS, LEADS, NOON

Truths = dict[str, dict[str, History]]


@pytest.fixture(scope="module")
def long_run() -> Truths:
    """Stream to the truth of ten days with some twenty records an hour; calls in UTC."""
    now = NOON
    world = new_world(3, 0.3, lambda: now, timedelta())
    now += timedelta(days=10)
    return {CALLS: world.truth(CALLS, ("UTC", "sentiment")), LEADS: world.truth(LEADS)}


@pytest.mark.parametrize(("stream", "stamp"), [(CALLS, "last_modified"), (LEADS, "updated_at")])
def test_versions_and_stamps_of_a_record_never_go_back(long_run: Truths, stream: str, stamp: str) -> None:
    for history in long_run[stream].values():
        for one, two in pairwise(history.versions):
            assert one.at <= two.at
            assert one.record != two.record
            assert one.record[stamp] <= two.record[stamp]


def test_a_call_is_visible_seconds_after_it_was_stamped(long_run: Truths) -> None:
    lags = []
    for history in long_run[CALLS].values():
        stamps = [version.record["last_modified"] for version in history.versions]
        for n, version in enumerate(history.versions):
            if n == 0 or stamps[n] != stamps[n - 1]:
                lags.append((version.at - datetime.fromisoformat(f"{stamps[n]}+00:00")).total_seconds())
    assert min(lags) > 0
    assert 3 < max(lags) < 6


def changes(history: History, field: str) -> list[Any]:
    values = [version.record[field] for version in history.versions]
    return [values[0], *(two for one, two in pairwise(values) if one != two)]


def unstamped(history: History, stamp: str) -> bool:
    return any(one.record[stamp] == two.record[stamp] for one, two in pairwise(history.versions))


CALL_TROUBLE: dict[str, Callable[[History], bool]] = {
    "shown while it lasts, then over": lambda call: changes(call, "action") == ["In Progress", "Answer"],
    "first shown when over": lambda call: changes(call, "end_datetime")[0] != "",
    "no recording before the end": lambda call: [bool(url) for url in changes(call, "recording")] == [False, True],
    "changed without a stamp": lambda call: unstamped(call, "last_modified"),
    "changed days later": lambda call: call.versions[-1].at - call.first_visible > timedelta(days=2),
    "imported long after": lambda call: call.versions[0].record["start_datetime"][:10]
    < f"{call.first_visible - timedelta(hours=31):%Y-%m-%d}",
    "vanished": lambda call: call.deletion_event is not None,
}  # fmt: skip

LEAD_TROUBLE: dict[str, Callable[[History], bool]] = {
    "converted": lambda lead: lead.versions[-1].record["is_converted"] is True,
    "trashed": lambda lead: lead.versions[-1].deleted,
    "trashed within a minute": lambda lead: any(
        version.deleted and version.at - lead.first_visible < timedelta(minutes=1) for version in lead.versions
    ),
    "restored": lambda lead: any(one.deleted and not two.deleted for one, two in pairwise(lead.versions)),
    "synced without another change": lambda lead: any(
        {**one.record, "last_synced_at": two.record["last_synced_at"]} == two.record
        for one, two in pairwise(lead.versions)
    ),
    "changed without a stamp": lambda lead: len(changes(lead, "assigned_user")) > 1 and unstamped(lead, "updated_at"),
    "changed days later": lambda lead: lead.versions[-1].at - lead.first_visible > timedelta(days=2),
    "back-dated by an import": lambda lead: (
        lead.versions[0].record["created_at"] < f"{lead.first_visible - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    ),
    "never synced": lambda lead: lead.versions[0].record["last_synced_at"] is None,
    "vanished": lambda lead: lead.deletion_event is not None,
}


@pytest.mark.parametrize("trouble", CALL_TROUBLE)
def test_the_world_makes_this_trouble_with_calls(long_run: Truths, trouble: str) -> None:
    found = [call for call in long_run[CALLS].values() if CALL_TROUBLE[trouble](call)]
    assert 0 < len(found) < len(long_run[CALLS])


@pytest.mark.parametrize("trouble", LEAD_TROUBLE)
def test_the_world_makes_this_trouble_with_leads(long_run: Truths, trouble: str) -> None:
    found = [lead for lead in long_run[LEADS].values() if LEAD_TROUBLE[trouble](lead)]
    assert 0 < len(found) < len(long_run[LEADS])
