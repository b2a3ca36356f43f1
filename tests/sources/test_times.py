"""Times as vendors write them, and wall clocks as vendors filter by them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poller.plugin.fields.times import read_time, read_zone, require_time, seconds_between, wall_clock, zone_name
from poller.plugin.fields.windows_zones import IANA_NAMES

CENTRAL, ARIZONA = ZoneInfo("US/Central"), ZoneInfo("US/Arizona")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-03-14T16:15:42Z", datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)),
        ("2026-03-14T16:15:42.000000Z", datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)),
        ("2026-03-14T16:15:42.5+02:00", datetime(2026, 3, 14, 14, 15, 42, 500000, UTC)),
        ("2026-03-14 16:15:42", None),
        ("2016-01-01 12:25:15 UTC", datetime(2016, 1, 1, 12, 25, 15, tzinfo=UTC)),
        ("2016-01-01 12:25:15 GMT", datetime(2016, 1, 1, 12, 25, 15, tzinfo=UTC)),
        ("2016-01-01T12:25:15z", datetime(2016, 1, 1, 12, 25, 15, tzinfo=UTC)),
        ("2016-01-01 12:25:15 +0000", datetime(2016, 1, 1, 12, 25, 15, tzinfo=UTC)),
        ("2016-01-01 12:25:15 -0700", datetime(2016, 1, 1, 19, 25, 15, tzinfo=UTC)),
        ("2016-01-01T12:25:15.1234567Z", datetime(2016, 1, 1, 12, 25, 15, 123456, UTC)),
        ("2016-01-01T12:25:15.123456789+0200", datetime(2016, 1, 1, 10, 25, 15, 123456, UTC)),
        ("2016-01-01T14:25:15+02:00[Europe/Paris]", datetime(2016, 1, 1, 12, 25, 15, tzinfo=UTC)),
        ("2016-01-01T12:25Z", datetime(2016, 1, 1, 12, 25, tzinfo=UTC)),
        ("2016-01-01 12:25 UTC", datetime(2016, 1, 1, 12, 25, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31 23:59:60.5 UTC", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:61Z", None),
        ("2016-01-01 12:25:15 PST", None),
        ("2016-01-01T12:25:15[Europe/Paris]", None),
        ("2026-03-14", None),
        ("0000-00-00 00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-13-14T16:15:42Z", None),
        ("a day in March, early", None),
        ("", None),
        (None, None),
        (1773504942, None),
        (True, None),
        (["2026-03-14T16:15:42Z"], None),
    ],
)
def test_times(sent: object, expected: datetime | None) -> None:
    assert read_time(sent) == expected
    if expected is None:
        with pytest.raises(ValueError, match="created_at cannot be read"):
            require_time(sent, "created_at")


@settings(deadline=None)
@given(
    st.integers(0, 67 * 365 * 24 * 4) | st.integers(1992700, 1992900),  # and where clocks are put back
    st.sampled_from([ARIZONA, CENTRAL, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")]),
    st.booleans(),
)
@example(1972615, ZoneInfo("Australia/Lord_Howe"), True)  # half an hour is put back
def test_a_wall_clock_is_read_as_its_zone_says(quarters: int, zone: ZoneInfo, second: bool) -> None:
    shown = datetime(1970, 1, 1, 0, 0, 59, tzinfo=zone) + quarters * timedelta(minutes=15)
    first, later = (shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    found = read_time(f"{shown:%Y-%m-%d %H:%M:%S}", zone, after=later if second else None)
    assert found == (max(first, later) if second else first)


def test_a_time_without_offset_is_of_the_zone() -> None:
    assert read_time("2026-03-14 09:15:42", ARIZONA) == datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)
    assert read_time("2026-07-14 09:15:42", CENTRAL) == datetime(2026, 7, 14, 14, 15, 42, tzinfo=UTC)
    assert read_time("2026-03-14T09:15:42Z", ARIZONA) == datetime(2026, 3, 14, 9, 15, 42, tzinfo=UTC)
    assert read_time("2026-03-14", ARIZONA) is None


@pytest.mark.parametrize(
    ("named", "zone"),
    [
        ("US/Arizona", "US/Arizona"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Eastern Standard Time", "America/New_York"),
        ("AUS Eastern Standard Time", "Australia/Sydney"),
        ("UTC", "UTC"),
        ("Central Nowhere Standard Time", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_a_zone_is_named_as_iana_or_windows_name_it(named: object, zone: str | None) -> None:
    assert read_zone(named) == (ZoneInfo(zone) if zone else None)


def test_the_zones_that_windows_names_are_known() -> None:
    assert len(IANA_NAMES) > 130
    assert all(map(zone_name, IANA_NAMES.values()))


HOURS = st.integers(0, 24 * 3600)
AUTUMN = HOURS.map(lambda later: datetime(2026, 10, 31, 18, tzinfo=UTC) + timedelta(seconds=later))
YEAR = HOURS.map(lambda later: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=365 * later))
ZONES = st.sampled_from(["US/Central", "US/Arizona", "Australia/Lord_Howe", "Europe/Dublin", "America/St_Johns"])


@given(AUTUMN | YEAR, st.timedeltas(timedelta(0), timedelta(hours=5)), ZONES)
@pytest.mark.covers("callcap", 9)
def test_nothing_later_shows_an_earlier_wall_clock_than_is_asked_from(
    start: datetime, later: timedelta, zone: str
) -> None:
    asked = wall_clock(start, ZoneInfo(zone))
    assert asked <= (start + later).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    readings = [asked.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
    assert max(readings) <= start
    assert start - min(readings) <= timedelta(hours=1)


def test_elapsed() -> None:
    began = datetime(2026, 3, 14, tzinfo=UTC)
    assert seconds_between(began, began + timedelta(seconds=2.9)) == 2
    assert seconds_between(began, began) == 0
    assert seconds_between(began, began - timedelta(seconds=1)) is None
    assert seconds_between(None, began) is None
    assert seconds_between(began, None) is None
