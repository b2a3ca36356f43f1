"""What does not hold yet of the table of sloppy answers: kinds and vendors, each with its reason; to be emptied."""

from collections.abc import Mapping

NOT_YET: Mapping[str, tuple[str, str]] = {
    "row_twice": ("trackdrive", "the list is taken at its letter"),
    "empty_pages": ("ipscape", "empty pages are taken for an endless chain"),
    "rows_by_number": ("agendize callcap flextell ipscape trackdrive", "the list is taken at its letter"),
    "rows_null": ("agendize flextell trackdrive", "the list is taken at its letter"),
    "rows_absent": ("flextell trackdrive", "the list is taken at its letter"),
    "row_alone": ("ipscape", "the list is taken at its letter"),
    "total_one_more": ("callcap flextell trackdrive", "the envelope is taken at its letter"),
    "total_one_less": ("callcap flextell trackdrive", "the envelope is taken at its letter"),
    "total_as_text": ("callcap flextell trackdrive", "the envelope is taken at its letter"),
    "total_with_fraction": ("callcap flextell trackdrive", "the envelope is taken at its letter"),
    "page_as_text": ("callcap flextell ipscape", "the envelope is taken at its letter"),
    "page_with_fraction": ("callcap flextell ipscape", "the envelope is taken at its letter"),
    "size_as_text": ("callcap flextell ipscape", "the envelope is taken at its letter"),
    "envelope_as_text": ("callcap flextell ipscape trackdrive", "the envelope is taken at its letter"),
    "envelope_with_fraction": ("callcap flextell ipscape trackdrive", "the envelope is taken at its letter"),
    "size_capped": ("callcap flextell", "the envelope is taken at its letter"),
    "stray_row": ("agendize ipscape", "one row outside stops all"),
}
"""Of each kind: the vendors, and why."""
ODD_DATES_NOT_YET = {("date_of_1970", vendor) for vendor in ("agendize", "ipscape", "trackdrive")}
"""A Date of 1970 moves the cursor back, and what is old comes as new (tests/laws/test_odd_dates.py)."""
