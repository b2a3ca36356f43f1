"""What is assumed of a described list is put to the test by the same probes, and its breaches are found."""

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from poller.sandbox.vendors.flextell import ACCESS_TOKEN, TENANT
from poller.sandbox.vendors.trackdrive import PRIVATE_KEY, PUBLIC_KEY
from poller.sources.rest import Rest
from tests.simulation import AT, BIRTH
from tests.simulation.deep import Clock, Deep, deep_of, put_to_the_test
from tests.sources.rest.documented import Double, LateRows
from tests.sources.rest.recipes import source_of
from tests.sources.rest.test_recipes import DOUBLES

SPELT = "%Y-%m-%d %H:%M:%S +0000"
LEADS: dict[str, Any] = {
    "kind": "lead",
    "params": {
        "created_at_from": f"{{start:{SPELT}}}",
        "created_at_to": f"{{end:{SPELT}}}",
        "per_page": 20,
        "page": "{page}",
    },
    "paging": {"total": "metadata.total_count"},
    "identity": "uuid",
    "window_field": "created_at",
}
NEWEST: dict[str, Any] = {
    "kind": "lead",
    "records": "data",
    "path": "/leads",
    "params": {"sort_by": "created_at", "sort_order": "desc", "per_page": 50, "page": "{page}"},
    "paging": {"total": "meta.total"},
    "window_field": "created_at",
}
NAMES = {
    "trackdrive": {"times-read", "filter-obeyed", "bounds-hold", "records-in-time"},
    "flextell": {"times-read", "newest-first", "records-in-time"},
}
OF_PAGES = {"identities-unique", "pages-differ", "total-adds-up", "nothing-beyond", "records-steady"}


def described(vendor: str) -> Rest:
    fixed = {"type": "rest", "requests_per_minute": 600}
    if vendor == "trackdrive":
        auth: dict[str, Any] = {"basic": {"username": PUBLIC_KEY, "password": PRIVATE_KEY}}
        return Rest.model_validate(
            fixed | {"base_url": f"{AT}/trackdrive/api/v1", "auth": auth, "streams": {"leads": LEADS}}
        )
    auth = {"bearer": ACCESS_TOKEN}
    header = {"headers": {"X-Tenant": f"{TENANT}"}, "base_url": f"{AT}/flextell/api/v1"}
    return Rest.model_validate(fixed | header | {"auth": auth, "streams": {"leads": NEWEST}})


@cache
def well_behaved(vendor: str) -> Deep:
    return deep_of(vendor, {}, described(vendor))


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_list_that_is_as_described_fails_in_nothing(vendor: str) -> None:
    found = well_behaved(vendor)
    assert {name.removeprefix("leads: ") for name in found.verdicts} == NAMES[vendor] | OF_PAGES
    assert "fails" not in found.verdicts.values(), found.lines
    assert list(found.verdicts.values()).count("unknown") <= 1, found.lines


@pytest.mark.slow
@pytest.mark.parametrize(
    ("vendor", "breach", "name"),
    [
        ("trackdrive", "filter_ignored", "filter-obeyed"),
        ("trackdrive", "bounds_shifted", "bounds-hold"),
        ("trackdrive", "same_page", "pages-differ"),
        ("trackdrive", "total_one_more", "total-adds-up"),
        ("trackdrive", "row_twice", "identities-unique"),
        ("flextell", "order_ignored", "newest-first"),
        ("flextell", "late_rows", "records-in-time"),
    ],
)
def test_a_breach_is_found(vendor: str, breach: str, name: str) -> None:
    found = deep_of(vendor, {breach: 1.0, "late_seconds": 700}, described(vendor))
    assert well_behaved(vendor).verdicts[f"leads: {name}"] != "fails"
    assert found.verdicts[f"leads: {name}"] == "fails", found.lines


@pytest.mark.slow
@pytest.mark.parametrize("recipe", DOUBLES)
def test_an_api_that_is_as_documented_breaks_no_assumption_of_its_recipe(recipe: str) -> None:
    clock, api = Clock(), DOUBLES[recipe]
    double = Double(api, LateRows(clock, BIRTH - timedelta(hours=1), api.every))
    found = put_to_the_test(source_of(recipe), clock, double)
    assert len(found.verdicts) > 3
    assert "fails" not in found.verdicts.values(), found.lines
    assert "holds" in found.verdicts.values(), found.lines
