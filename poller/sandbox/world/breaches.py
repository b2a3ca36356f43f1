"""Ways in which simulated vendors break what is assumed of them: what `poller check --deep` has to find out.

No poller gets along with these, so no law is tested with them; they are switched on like any vice.
"""

from collections.abc import Mapping

BREACHES: Mapping[str, str] = {
    "filter_ignored": "filters by time are ignored: all there is comes (but flextell)",
    "bounds_shifted": "filters by time are read in another zone, five hours off (but flextell)",
    "order_ignored": "a list comes in an order of its own, whatever was asked for (callcap, flextell, trackdrive)",
    "late_rows": "a record comes up `late_seconds` after its stamps",
    "unstamped_edits": "an edit moves no stamp",
    "old_start_date": "a start date of more than a year ago is taken for today (callcap)",
    "same_page": "every page is the first one again (callcap, flextell, trackdrive)",
}
"""Each by its name. Vices that break an assumption, too: `wrong_zone`, `total_one_more`, `size_capped`, `row_twice`,
`silent_truncation`, `sync_token_gone`, `filters_dropped`, `stray_row`."""
