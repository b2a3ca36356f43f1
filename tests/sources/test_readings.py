"""How one field is read: times, numbers, words, phone numbers."""

import string
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.leaves import flag, ident, lead_status, money, naming, seconds, shape, text
from poller.phones import e164
from poller.times import elapsed, moment, required, wall_clock

CENTRAL, ARIZONA = ZoneInfo("US/Central"), ZoneInfo("US/Arizona")


@pytest.mark.parametrize(
    ("sent", "region", "expected"),
    [
        ("316-555-0100", "US", "+13165550100"),
        ("(316) 555-0100", "US", "+13165550100"),
        ("316.555.0100", "CA", "+13165550100"),
        ("3165550100", "US", "+13165550100"),
        ("13165550100", "US", "+13165550100"),
        ("1 (316) 555-0100", "US", "+13165550100"),
        (" 316-555-0100 ", "US", "+13165550100"),
        (3165550100, "US", "+13165550100"),
        ("+13165550100", None, "+13165550100"),
        ("+1 316 555 0100", None, "+13165550100"),
        ("+1 316 555 0100", "AU", "+13165550100"),
        ("866-555-0101", "US", "+18665550101"),
        ("0412 345 678", "AU", "+61412345678"),
        ("+44 (0)20 7946 0018", None, "+442079460018"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("316-555-0100", None, "316-555-0100"),
        ("316-555-0100", "AU", "316-555-0100"),
        ("13165550100", None, "13165550100"),
        ("911", "US", "911"),
        ("5550100", "US", "5550100"),
        ("0000000000", "US", "0000000000"),
        ("555-555-0100", "US", "555-555-0100"),
        ("+1 555 555 0100", "US", "+1 555 555 0100"),
        ("+1719xxxx234", "US", "+1719xxxx234"),
        ("719***1234", "US", "719***1234"),
        ("1-800-FLOWERS", "US", "1-800-FLOWERS"),
        ("316-555-0100 x12", "US", "316-555-0100 x12"),
        ("*67 316 555 0100", "US", "*67 316 555 0100"),
        ("Anonymous", "US", "Anonymous"),
        ("+", "US", "+"),
        ("", "US", None),
        (" ", "US", None),
        ("NF", "US", None),
        (None, "US", None),
        (True, "US", None),
        (["316-555-0100"], "US", None),
    ],
)
def test_phone_numbers(sent: object, region: str | None, expected: str | None) -> None:
    assert e164(sent, region) == expected


def by_library(number: str, region: str | None) -> str:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    valid = phonenumbers.is_valid_number(parsed)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else number


FORMS = ["{0}{1}{2}", "{0}-{1}-{2}", "({0}) {1}-{2}", "{0}.{1}.{2}", "{0} {1} {2}", "({0}){1}{2}"]
PREFIXES = ["", "1", "1-", "1 ", "+1", "+1 ", "+1-", "+1."]


@given(
    st.integers(0, 999),
    st.integers(0, 999),
    st.integers(0, 9999),
    st.sampled_from(FORMS),
    st.sampled_from(PREFIXES),
    st.sampled_from(["US", "CA", "AU", "GB", None]),
)
def test_the_short_rule_says_what_the_library_says(
    area: int, exchange: int, line: int, form: str, prefix: str, region: str | None
) -> None:
    number = prefix + form.format(f"{area:03}", f"{exchange:03}", f"{line:04}")
    assert e164(number, region) == by_library(number, region)


@pytest.mark.parametrize("area", range(200, 1000))
def test_the_first_six_digits_decide(area: int) -> None:
    """In every area, whatever the last four are."""
    for exchange, line in [("200", "0000"), ("555", "0199"), ("211", "9999"), ("999", "1234"), ("710", "5678")]:
        assert e164(f"{area}-{exchange}-{line}", "US") == by_library(f"{area}-{exchange}-{line}", "US")


@given(st.text(string.digits + "+-() .", max_size=20), st.sampled_from(["US", "AU", "TR", None]))
def test_whatever_is_dialled_is_read_as_the_library_reads_it(number: str, region: str | None) -> None:
    assert e164(number, region) == (by_library(number, region) if number.strip() else None)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-03-14T16:15:42Z", datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)),
        ("2026-03-14T16:15:42.000000Z", datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)),
        ("2026-03-14T16:15:42.5+02:00", datetime(2026, 3, 14, 14, 15, 42, 500000, UTC)),
        ("2026-03-14 16:15:42", None),
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
    assert moment(sent) == expected
    if expected is None:
        with pytest.raises(ValueError, match="created_at cannot be read"):
            required(sent, "created_at")


def test_a_time_without_offset_is_of_the_zone() -> None:
    assert moment("2026-03-14 09:15:42", ARIZONA) == datetime(2026, 3, 14, 16, 15, 42, tzinfo=UTC)
    assert moment("2026-07-14 09:15:42", CENTRAL) == datetime(2026, 7, 14, 14, 15, 42, tzinfo=UTC)
    assert moment("2026-03-14T09:15:42Z", ARIZONA) == datetime(2026, 3, 14, 9, 15, 42, tzinfo=UTC)
    assert moment("2026-03-14", ARIZONA) is None


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
    assert elapsed(began, began + timedelta(seconds=2.9)) == 2
    assert elapsed(began, began) == 0
    assert elapsed(began, began - timedelta(seconds=1)) is None
    assert elapsed(None, began) is None
    assert elapsed(began, None) is None


@pytest.mark.parametrize(
    ("leaf", "as_text", "as_ident", "as_money", "as_seconds", "as_flag"),
    [
        ("x", "x", "x", None, None, None),
        ("", None, None, None, None, None),
        (" ", None, None, None, None, None),
        ("NF", None, None, None, None, None),
        ("1", "1", "1", 1, 1, True),
        ("0", "0", "0", 0, 0, False),
        ("True", "True", "True", None, None, True),
        ("12.50", "12.50", "12.50", 12.5, 12, None),
        ("-3", "-3", "-3", -3, None, None),
        ("1e3", "1e3", "1e3", None, None, None),
        ("nan", "nan", "nan", None, None, None),
        ("1,000", "1,000", "1,000", None, None, None),
        ("٣", "٣", "٣", None, None, None),
        (0, "0", "0", 0, 0, False),
        (1, "1", "1", 1, 1, True),
        (7, "7", "7", 7, 7, None),
        (7.9, "7.9", None, 7.9, 7, None),
        (10**40, "1" + "0" * 40, "1" + "0" * 40, None, None, None),
        (True, None, None, None, None, True),
        (None, None, None, None, None, None),
        ([], None, None, None, None, None),
        ({}, None, None, None, None, None),
    ],
)
def test_words_and_numbers(
    leaf: object, as_text: object, as_ident: object, as_money: object, as_seconds: object, as_flag: object
) -> None:
    found = (text(leaf), ident(leaf), money(leaf), seconds(leaf), flag(leaf))
    assert found == (as_text, as_ident, as_money, as_seconds, as_flag)
    assert [type(value) for value in found[2:4]] == [type(as_money), type(as_seconds)]


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ({"deleted": True, "converted": True}, "deleted"),
        ({"opted_out": True, "blocked": True, "converted": True}, "opted_out"),
        ({"blocked": True, "completed": True}, "blocked"),
        ({"completed": True, "converted": False}, "completed"),
        ({"converted": False}, "open"),
        ({"converted": None}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_lead_status(says: dict[str, bool | None], status: str) -> None:
    assert lead_status(**says) == status


def test_a_shape_takes_whatever_comes_and_is_spelled_as_sent() -> None:
    found = shape("class line-memo id", inner=shape("id"))
    read = msgspec.json.decode(
        b'{"line-memo": [1], "class": {"a": 1}, "inner": {"id": 5, "x": 1}, "new": 2}', type=found
    )
    assert (read.line_memo, read.class_, read.inner.id, read.id) == ([1], {"a": 1}, 5, None)
    assert msgspec.json.encode(read) == b'{"class":{"a":1},"inner":{"id":5},"line-memo":[1]}'
    assert msgspec.json.decode(b'{"inner": "none"}', type=found).inner == "none"


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (b'{"id": 1}', "1"),
        (b'{"id": "a"}', "a"),
        (b"{}", None),
        (b"7", None),
        (b'{"id": "\xff"}', None),
        (b"[" * 9999, None),
    ],
)
def test_the_name_of_a_row(row: bytes, name: str | None) -> None:
    assert naming("id")(msgspec.Raw(row)) == name
