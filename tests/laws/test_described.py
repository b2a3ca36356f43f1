"""The laws hold for a vendor that is described in the configuration as they do where it is built in."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poller.sandbox.vendors.callcap import API_KEY
from poller.sandbox.vendors.flextell import ACCESS_TOKEN, TENANT
from poller.sources.rest import Rest
from tests.laws.test_laws import NO_SHRINKING, Lives, lives, run_and_judge
from tests.laws.truth import of_vendor
from tests.simulation import AT

pytestmark = pytest.mark.slow

FLEXTELL: dict[str, Any] = {
    "base_url": f"{AT}/flextell/api/v1",
    "auth": {"bearer": ACCESS_TOKEN},
    "headers": {"X-Tenant": str(TENANT)},
    "streams": {
        "leads": {
            "kind": "lead",
            "params": {"sort_by": "created_at", "sort_order": "desc", "per_page": 100, "page": "{page}"},
            "records": "data",
            "expect": {"error": None, "message": None, "meta.per_page": 100, "meta.current_page": "{page}"},
            "paging": {"pages": "meta.last_page", "total": "meta.total"},
            "deleted": "deleted_at",
            "volatile": ["last_synced_at", "status.color"],
            "sweeps": {
                "live": {"every": "1m", "lookback": "10m", "window_field": "created_at"},
                "converted": {
                    "every": "5m", "lookback": "10m", "window_field": "converted_at",
                    "params": {"converted": 1, "sort_by": "converted_at"},
                },
                "trashed": {"every": "5m", "params": {"trashed": 1, "sort_order": "asc"}},
                "audit": {"every": "10m", "params": {"sort_order": "asc"}},
            },
        }
    },
}  # fmt: skip

CALLCAP: dict[str, Any] = {
    "base_url": f"{AT}/callcap",
    "auth": {"bearer": API_KEY},
    "timezone": "US/Arizona",
    "region": "US",
    "streams": {
        "calls": {
            "kind": "call",
            "path": "/v2/get/calls/",
            "params": {
                "search_range": "custom", "search_startdate": "2000-01-01", "search_enddate": "{end:%Y-%m-%d}",
                "search_last_modified_start": "{start:%Y-%m-%d %H:%M}", "search_timezone": "US/Arizona",
                "conversation_type": "call", "detail": "all", "order": "oldest", "show": 1000, "page": "{page}",
            },
            "records": "call",
            "expect": {"status": "success", "pagination.page": "{page}", "search.timezone": "US/Arizona"},
            "empty": ["404"],
            "paging": {"pages": "pagination.last_page", "total": "pagination.total_records"},
            "identity": "call_id",
            "time": "start_datetime",
            "modified": "last_modified",
            "signed_urls": ["recording"],
            "sweeps": {
                "live": {"every": "30s", "lookback": "5m"},
                "audit": {
                    "every": "10m", "lookback": "6h",
                    "params": {"search_startdate": "{start:%Y-%m-%d}", "search_last_modified_start": None},
                },
            },
        }
    },
}  # fmt: skip
DESCRIBED = {"callcap": CALLCAP, "flextell": FLEXTELL}
VICES = (
    "server_error", "reset", "stall", "short_body", "html_200", "throttle", "unauthorized", "lagging_replica",
    "shifting_pages", "shrinking_total", "broken_record", "odd_record", "pretty_body", "stray_row",
)  # fmt: skip
"""A new field is left out: of a record of which nothing is documented it is news (tests/laws/truth.py: `described`)."""
vices = st.dictionaries(st.sampled_from(VICES), st.sampled_from([0.02, 0.1, 0.3]), max_size=4)


@pytest.mark.parametrize("vendor", sorted(DESCRIBED))
@settings(max_examples=2, deadline=None, phases=NO_SHRINKING)
@given(seed=st.integers(0, 10_000), vices=vices, lives=lives)
def test_the_last_word_arrives_every_event_once_and_in_order(
    vendor: str, seed: int, vices: dict[str, float], lives: Lives
) -> None:
    fixed = {"type": "rest", "start": "all", "timeout": "5s", "requests_per_minute": 600}
    run_and_judge(vendor, Rest.model_validate(fixed | DESCRIBED[vendor]), of_vendor(vendor), seed, vices, lives)
