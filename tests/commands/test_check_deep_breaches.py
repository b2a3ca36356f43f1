"""Each probe finds the breach of its assumption at a simulated vendor, and none finds one where there is none."""

import re
from functools import cache

import pytest

from tests.simulation import ACCOUNTS
from tests.simulation.deep import Deep, deep_of

BREACHES = [
    ("callcap", "wrong_zone", "calls: zone-obeyed"),
    ("callcap", "filter_ignored", "calls: modified-filter-obeyed"),
    ("callcap", "bounds_shifted", "calls: modified-bounds-hold"),
    ("callcap", "old_start_date", "calls: start-date-hides-nothing"),
    ("callcap", "order_ignored", "calls: ordered-by-start"),
    ("callcap", "late_rows", "calls: changes-in-time"),
    ("callcap", "unstamped_edits", "calls: edits-stamped"),
    ("callcap", "same_page", "calls: pages-differ"),
    ("callcap", "size_capped", "calls: pages-full"),
    ("callcap", "total_one_more", "calls: total-adds-up"),
    ("callcap", "row_twice", "calls: identities-unique"),
    ("trackdrive", "unstamped_edits", "calls: edits-stamped"),
    ("trackdrive", "bounds_shifted", "leads: bounds-hold"),
    ("ipscape", "filter_ignored", "activities: filter-obeyed"),
    ("trackdrive", "same_page", "calls: cursor-goes-on"),
    ("ipscape", "filters_dropped", "dialler_calls: filter-goes-on"),
    ("ipscape", "bounds_shifted", "dialler_calls: bounds-hold"),
    ("agendize", "silent_truncation", "calls: long-lists-whole"),
    ("agendize", "sync_token_gone", "calls: sync-token-repeats"),
    ("helpdesk", "filter_ignored", "tickets: filter-obeyed"),
    ("helpdesk", "bounds_shifted", "tickets: bounds-hold"),
    ("flextell", "order_ignored", "leads: ordered-by-sync"),
    ("flextell", "late_rows", "leads: records-in-time"),
]
PERSONAL = r"\w@\w|\+\d{6}|\d{3}-\d{4}|\b[0-9a-f]{8}-[0-9a-f]{4}-"
"""Addresses, phone numbers, identities."""
SELDOM = {"calls: pages-full", "leads: records-in-time"}
"""Assumptions of which a well-behaved sandbox need not show anything."""


@cache
def well_behaved(vendor: str) -> Deep:
    return deep_of(vendor, {})


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
def test_a_vendor_that_keeps_to_all_fails_in_nothing(vendor: str) -> None:
    found = well_behaved(vendor)
    assert "fails" not in found.verdicts.values(), found.lines
    assert not re.search(PERSONAL, found.lines), "evidence quotes nothing of a record"
    told = {name for name, verdict in found.verdicts.items() if verdict == "holds"}
    assert len(told) >= len(found.verdicts) - 5, found.lines


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "breach", "name"), BREACHES)
def test_a_breach_is_found(vendor: str, breach: str, name: str) -> None:
    assert well_behaved(vendor).verdicts[name] == "holds" or name in SELDOM
    found = deep_of(vendor, {breach: 1.0, "late_seconds": 700})
    assert found.verdicts[name] == "fails", found.lines
    assert "ahead of" not in found.lines, "no clock is wrong"
    assert not re.search(PERSONAL, found.lines)


ALONE = [
    ("trackdrive", "filter_ignored", {"leads: filter-obeyed", "calls: filter-obeyed"}, "cannot be polled by it"),
    ("trackdrive", "stray_row", {"leads: filter-obeyed", "calls: filter-obeyed"}, "moves no cursor, and leaves gaps"),
    (
        "trackdrive",
        "row_twice",
        {"leads: identities-unique", "leads: pages-full", "calls: identities-unique"},
        "read on to its end",
    ),
    ("trackdrive", "total_one_more", {"leads: total-adds-up"}, "expect gaps"),
    ("trackdrive", "size_capped", {"leads: pages-full"}, "nothing is lost"),
    ("trackdrive", "unstamped_edits", {"calls: edits-stamped"}, "let the sweep by creation"),
    (
        "ipscape",
        "filter_ignored",
        {f"{stream}: filter-obeyed" for stream in ("activities", "dialler_calls", "leads")},
        "until then the stream cannot be polled by it",
    ),
    ("ipscape", "late_rows", set[str](), ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("vendor", "breach", "names", "advice"), ALONE, ids=lambda one: one if type(one) is str else ""
)
def test_what_is_not_breached_is_not_found_and_the_advice_is_about_the_breach(
    vendor: str, breach: str, names: set[str], advice: str
) -> None:
    found = deep_of(vendor, {breach: 1.0, "late_seconds": 700})
    assert {name for name, verdict in found.verdicts.items() if verdict == "fails"} == names, found.lines
    told = [one.words for one in found.found if one.details.get("verdict") == "fails"]
    assert not told or any(advice in words for words in told), told
    assert "ahead of" not in found.lines
    if breach == "filter_ignored":
        bounds = {verdict for name, verdict in found.verdicts.items() if name.endswith((" bounds-hold", "goes-on"))}
        assert bounds <= {"unknown", "holds"}
        assert (
            found.verdicts["leads: bounds-hold" if vendor == "trackdrive" else "activities: bounds-hold"] == "unknown"
        )
