"""What most lists are assumed to keep to: assumptions with their words, each with its probe.

A source says them of its own lists, and may say some of it in other words (`dataclasses.replace`).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from poller.plugin.assumptions import Assumption
from poller.plugin.probes import filters, looks, obeyed, order, pages
from poller.plugin.probes.listed import ProbedList
from poller.plugin.probes.obeyed import FilterWords
from poller.plugin.record_type import RecordType

TELL = "report it: nothing in the configuration helps"
FILTER = FilterWords()
LESS = "shorten `lookback`, so that a list fits one page, and report it"


def filter_is_obeyed(
    stream: str, listed: ProbedList, name: str = "filter-obeyed", words: FilterWords = FILTER
) -> Assumption:
    """Assume that a list asked for by time holds what lies in the range, and nothing else."""
    return Assumption(
        name=name,
        stream=stream,
        says="A list asked for by time holds what lies in the range, and nothing else.",
        rests="Every window. Where the filter is ignored, each poll would read all of history.",
        guard="Some records outside make the pass doubtful; where most lie outside, nothing is delivered.",
        consequence=words.consequence,
        asks="what comes a year from now, and a narrow and a wide range of the last days",
        probe=obeyed.filter_is_obeyed(listed, words),
    )


def filter_goes_on(stream: str, listed: ProbedList, name: str = "filter-goes-on") -> Assumption:
    """Assume that the filter holds on the pages after the first one, too."""
    return Assumption(
        name=name,
        stream=stream,
        says="The filter holds on all pages, as long as it is sent with the cursor.",
        rests="All but the first page of a window: else it would go on over everything.",
        guard="Records outside make the pass doubtful; where most lie outside, nothing is delivered.",
        consequence=LESS,
        asks="the second page of a range",
        probe=filters.filter_goes_on(listed),
    )


def times_are_read(stream: str, listed: ProbedList, name: str = "times-read") -> Assumption:
    """Assume that the times of records can be read, with the zone that is known."""
    return Assumption(
        name=name,
        stream=stream,
        says="Each record has a time that can be read, and none begins in the future.",
        rests="A record without one becomes a reject; in a wrong zone all times are off by hours.",
        guard="A time that cannot be read makes a reject, which says why.",
        consequence="set `timezone` to the zone of the account's clocks",
        asks="the newest records",
        probe=filters.times_are_read(listed),
    )


def bounds_hold(stream: str, listed: ProbedList, key: str, name: str = "bounds-hold") -> Assumption:
    """Assume that a range holds what lies at its ends, asked for as the sweeps do; `key` is a setting that helps."""
    return Assumption(
        name=name,
        stream=stream,
        says="A range holds what lies at its very ends, as we ask for it.",
        rests="The records at the seams of windows, and of the slices of history.",
        guard="None that sees it; windows overlap by `lookback`, so only what is missing by more is lost.",
        consequence=f"raise {key} by what is missing; where that is hours, the zone is wrong: see `timezone`",
        asks="two records by their own time, as a window that begins and ends there",
        probe=filters.bounds_hold(listed),
    )


def newest_come_first(stream: str, listed: ProbedList, name: str = "newest-first") -> Assumption:
    """Assume that a list that is read newest first comes so."""
    return Assumption(
        name=name,
        stream=stream,
        says="The list comes in the order that is asked for, the newest first.",
        rests="The sweep stops at the first whole page that is old: in another order it would stop too early.",
        guard="Only a page that is in order ends a pass; a list in no order is read to its end.",
        consequence="look for the right name of the order; until then each poll reads the whole list",
        asks="two pages",
        probe=order.newest_come_first(listed),
    )


def pages_differ(stream: str, listed: ProbedList, name: str = "pages-differ") -> Assumption:
    """Assume that the second page is not the first one again, nor leads to itself."""
    return Assumption(
        name=name,
        stream=stream,
        says="The second page holds other records than the first, and the list goes on elsewhere from there.",
        rests="All but the first page of every list.",
        guard="A list that leads to where it was, or repeats itself, moves no cursor.",
        consequence=LESS,
        asks="two pages",
        probe=pages.pages_differ(listed),
    )


def identities_are_unique(stream: str, listed: ProbedList, name: str = "identities-unique") -> Assumption:
    """Assume that an identity names one record of a list, and that each has one."""
    return Assumption(
        name=name,
        stream=stream,
        says="Each record has an identity, and no two of a list have the same.",
        rests="Two records with one identity would be taken for revisions of one.",
        guard="A record without identity becomes a reject; one that repeats is told where totals do not add up.",
        consequence=TELL,
        asks="a page",
        probe=pages.identities_are_unique(listed),
    )


def pages_are_full(stream: str, listed: ProbedList, name: str = "pages-full") -> Assumption:
    """Assume that pages are as large as they are asked for."""
    return Assumption(
        name=name,
        stream=stream,
        says=f"A page is as large as asked for ({listed.size}) where the list holds as much.",
        rests="The end of a list: a page made smaller in silence looks like the last one.",
        guard="The list is read on by the total, or to an empty page; a size that changes moves no cursor.",
        consequence="nothing is lost; expect more requests, and raise `requests_per_minute` if it lags",
        asks="a page of a list that has more than one",
        probe=pages.pages_are_full(listed),
    )


def total_adds_up(stream: str, listed: ProbedList, name: str = "total-adds-up") -> Assumption:
    """Assume that the total that a list names is the number of its records."""
    return Assumption(
        name=name,
        stream=stream,
        says="The total that the list names is the number of its records.",
        rests="The end of a list, and the proof that no record was skipped.",
        guard="A pass that does not add up delivers and moves no cursor; the third in a row becomes a gap.",
        consequence="expect gaps (`poller streams`): all that comes is delivered, but never proven to be all",
        asks="the last page, or all of a few",
        probe=pages.total_adds_up(listed),
    )


def nothing_lies_beyond(stream: str, listed: ProbedList, name: str = "nothing-beyond") -> Assumption:
    """Assume that a page too far is refused, empty, or the last one again."""
    return Assumption(
        name=name,
        stream=stream,
        says="A page beyond the last one is refused, empty, or the last one again.",
        rests="The end of a list of numbered pages.",
        guard="A list that repeats itself, or does not end within 10,000 pages, moves no cursor.",
        consequence=TELL,
        asks="page 9,999",
        probe=pages.nothing_lies_beyond(listed),
    )


def long_list_is_whole(stream: str, listed: ProbedList, name: str = "long-lists-whole") -> Assumption:
    """Assume that a long list is not cut off in silence."""
    return Assumption(
        name=name,
        stream=stream,
        says="A long list is whole, or says that it goes on; one that is cut off has a round number of records.",
        rests="Whatever lies beyond the cut.",
        guard="A list of a round number of records is asked for again in halves.",
        consequence="keep `lookback` and `start` short, and backfill in short ranges",
        asks="30 days at once, and what of them is older, and newer, than all that came",
        probe=pages.long_list_is_whole(listed),
    )


def records_come_in_time(
    stream: str, listed: ProbedList, within: timedelta, key: str, name: str = "records-in-time"
) -> Assumption:
    """Assume that a record is visible `within` of its time; `key` is the setting of how far a sweep looks back."""
    return Assumption(
        name=name,
        stream=stream,
        says=f"A record can be seen no later after its time than {key} looks back.",
        rests="What comes later is missed by that sweep, and waits for a wider one.",
        guard="Windows overlap by `lookback`; what only a wider sweep brought is counted as late.",
        consequence=f"raise {key}",
        asks="the newest records twice, 20 s apart",
        probe=looks.records_come_in_time(listed, within, key),
    )


def edits_move_the_stamp(
    stream: str,
    listed: ProbedList,
    records: RecordType[Any],
    reach: timedelta,
    *,
    ignore: Callable[[Any], Any] = lambda content: content,
    name: str = "edits-stamped",
) -> Assumption:
    """Assume that whoever edits a record moves its stamp, but for what `ignore` takes out of a content."""
    return Assumption(
        name=name,
        stream=stream,
        says="An edit moves the stamp of modification.",
        rests="Sweeps by modification find edits by it: one without a new stamp waits for a wider sweep.",
        guard="None: an edit that is not listed is not seen. A wider sweep compares contents, and counts it as edited.",
        consequence="let the sweep by creation (`audit`, `settle`) run more often, and look further back",
        asks="the newest records twice, 20 s apart",
        probe=looks.edits_move_the_stamp(listed, records, reach, ignore),
    )


def records_stay_the_same(
    stream: str, listed: ProbedList, records: RecordType[Any], name: str = "records-steady"
) -> Assumption:
    """Assume that a record that nobody edits is the same from one reading to the next."""
    return Assumption(
        name=name,
        stream=stream,
        says="A record that nobody edits is the same from one reading to the next.",
        rests="The number of events: whatever is compared and changes by itself makes a revision at each reading.",
        guard="None: a vendor's change cannot be told from somebody's.",
        consequence=f"name what changes in streams.{stream}.volatile; an URL that is signed anew, in signed_urls",
        asks="a page of records twice, 20 s apart",
        probe=looks.records_stay_the_same(listed, records),
    )
