"""Phone numbers: the short rule says what the library says."""

import string

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.plugin.fields.phones import e164
from poller.plugin.fields.scalars import read_id


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
        ("316-155-0100", "US", "316-155-0100"),
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


@given(
    st.sampled_from(["212", "316", "416", "999"]),
    st.from_regex(r"[0129]\d{5,7}", fullmatch=True),
    st.lists(st.integers(0, 12), max_size=4),
)
def test_hyphens_stand_anywhere(area: str, rest: str, places: list[int]) -> None:
    number = area + rest
    for place in places:
        number = f"{number[:place]}-{number[place:]}"
    assert e164(number, "US") == by_library(number, "US")


def test_the_first_six_digits_decide() -> None:
    """In every area, whatever the last four are."""
    lines = ["200-0000", "555-0199", "211-9999", "999-1234", "710-5678"]
    for number in (f"{area}-{line}" for area in range(200, 1000) for line in lines):
        assert e164(number, "US") == by_library(number, "US")


@given(st.text(string.digits + "+-() .", max_size=20), st.sampled_from(["US", "AU", "TR", None]))
def test_whatever_is_dialled_is_read_as_the_library_reads_it(number: str, region: str | None) -> None:
    sent = read_id(number)  # `5.0` is 5, as in every id
    assert e164(number, region) == (by_library(sent, region) if sent else None)


def _examples() -> list[str]:
    """Return example numbers of every country and type, written out; and what is dialled before them at home, too."""
    found = set()
    for region in phonenumbers.SUPPORTED_REGIONS:
        country = phonenumbers.PhoneMetadata.metadata_for_region(region)
        for kind in phonenumbers.PhoneNumberType.values():
            if country and (example := phonenumbers.example_number_for_type(region, kind)):
                number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                code = f"+{example.country_code}"
                found |= {number, f"{code}{country.national_prefix or 0}{number.removeprefix(code)}"}
    return sorted(found)


def test_what_is_written_out_is_read_as_the_library_reads_it_in_all_countries() -> None:
    odd = {number: e164(number, "AU") for number in _examples() if e164(number, "AU") != by_library(number, "AU")}
    assert not odd


@settings(deadline=None)
@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.text(string.digits, max_size=13))
def test_any_digits_that_are_written_out_are_read_as_the_library_reads_them(code: int, rest: str) -> None:
    assert e164(f"+{code}{rest}") == by_library(f"+{code}{rest}", None)
