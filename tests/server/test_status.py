"""Times are told in UTC to the millisecond, whatever the zone they were made in."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from poller.telemetry.status import rfc3339


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 14, 16, 15, 50, 120_999, tzinfo=UTC), "2026-03-14T16:15:50.120Z"),
        (datetime(2026, 3, 14, 9, 15, 50, tzinfo=timezone(timedelta(hours=-7))), "2026-03-14T16:15:50.000Z"),
    ],
)
def test_rfc3339(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text
