"""What most lists are assumed to keep to, with the probes that find out, given how a list is asked for."""

from poller.plugin.probes.listed import ProbedList
from poller.plugin.probes.obeyed import FilterWords
from poller.plugin.probes.places import cursor_keeps_its_place, places_are_kept, ties_keep_their_order
from poller.plugin.probes.standard import (
    bounds_hold,
    edits_move_the_stamp,
    filter_goes_on,
    filter_is_obeyed,
    identities_are_unique,
    long_list_is_whole,
    newest_come_first,
    nothing_lies_beyond,
    pages_are_full,
    pages_differ,
    records_come_in_time,
    records_stay_the_same,
    times_are_read,
    total_adds_up,
)

__all__ = [
    "FilterWords",
    "ProbedList",
    "bounds_hold",
    "cursor_keeps_its_place",
    "edits_move_the_stamp",
    "filter_goes_on",
    "filter_is_obeyed",
    "identities_are_unique",
    "long_list_is_whole",
    "newest_come_first",
    "nothing_lies_beyond",
    "pages_are_full",
    "pages_differ",
    "places_are_kept",
    "records_come_in_time",
    "records_stay_the_same",
    "ties_keep_their_order",
    "times_are_read",
    "total_adds_up",
]
