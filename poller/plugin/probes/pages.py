"""Probes of how a list is cut into pages, and of what it says of their number."""

from collections import Counter
from datetime import timedelta

from poller.errors import Shifted, TooLarge, Unexpected
from poller.plugin.assumptions import Asking, Probe, Verdict, fails, holds, unknown
from poller.plugin.pagination.bisect import Span
from poller.plugin.pagination.pages import ListPage, PageRef
from poller.plugin.probes.listed import ProbedList, plural, recent

BEYOND = 9_999
"""A page that no list of ours has. Where one has, its total says so."""
FEW_PAGES = 4
LARGER = "nothing is lost: the list is read on to its end"
CONTRADICTS = "report it: what comes is delivered, but contradicts itself, moves no cursor, and leaves gaps"
MOST_REPEATED = 0.75
"""So much of a second page may be that of the first one, pushed on by what came between the two."""


async def _first_of_several(listed: ProbedList, asking: Asking) -> tuple[Span, ListPage, PageRef | None]:
    """Ask for the first page of a list that goes on, if one of the last days does; return the place of the second."""
    span, page = await recent(listed, asking)
    if listed.following(1, page) is None and listed.is_filtered:
        span, page = await recent(listed, asking, least=len(page.records) + 1)
    return span, page, listed.following(1, page)


def pages_differ(listed: ProbedList) -> Probe:
    """Ask for the first two pages of a list: the second is another one, and goes on elsewhere."""

    async def probe(asking: Asking) -> Verdict:
        span, first, following = await _first_of_several(listed, asking)
        if following is None:
            return unknown(f"a list of 30 days has one page only, of {plural(len(first.records))}")
        try:
            second = await listed.ask(asking, span, following)
        except Unexpected as error:  # the first one was believed
            return fails(f"the second page is no answer to what was asked: {error}")
        before, names = listed.names(first.records), listed.names(second.records)
        if second.following is not None and second.following == following:
            return fails("the second page says that the list goes on at the second page")
        if not names:
            return unknown("the second page holds no record")
        if len(names & before) > MOST_REPEATED * len(names):
            return fails(f"the second page holds {plural(len(names))}, of which the first had {len(names & before):,}")
        return holds(f"the second page holds {len(names - before):,} others, and repeats {len(names & before):,}")

    return probe


def identities_are_unique(listed: ProbedList) -> Probe:
    """Look whether a page holds an identity twice, or a record without one."""

    async def probe(asking: Asking) -> Verdict:
        _, page = await recent(listed, asking)
        names = Counter(map(listed.name, page.records))
        nameless = names.pop(None, 0)
        if twice := sum(count > 1 for count in names.values()):
            return fails(f"{twice} of {len(names):,} different identities come twice on one page")
        if nameless:
            return fails(f"{nameless} of {plural(len(page.records))} have no identity")
        return holds(f"{plural(len(names))}, each with its own") if names else unknown("there are no records")

    return probe


def pages_are_full(listed: ProbedList) -> Probe:
    """Ask for a page of a list that has more than one: it is as large as it was asked for."""

    async def probe(asking: Asking) -> Verdict:
        _, page, _ = await _first_of_several(listed, asking)
        size, rows = listed.size or 0, len(page.records)
        if page.size is not None and page.size != size:
            return fails(f"asked for pages of {size}, it says that they are of {page.size}")
        if rows < size and (page.following is not None or (page.total or 0) > rows):
            return fails(f"asked for pages of {size}, {plural(rows)} came, and there are more")
        if rows > size:
            return fails(f"asked for pages of {size}, {plural(rows)} came", CONTRADICTS if page.doubt else LARGER)
        if rows == size:
            return holds(f"asked for pages of {size}, {rows} came")
        return unknown(f"a list of 30 days has {plural(rows)}, which is less than a page of {size}")

    return probe


def total_adds_up(listed: ProbedList) -> Probe:
    """Compare a list's total with the records that come; of a long one, with what its last page holds."""

    async def probe(asking: Asking) -> Verdict:
        span, page = await recent(listed, asking)
        if page.total is None or page.cut:
            return unknown("the list is cut off, and read in parts" if page.cut else "the list names no total")
        if listed.following(1, page) is None:
            return _sum(page.total, len(listed.names(page.records)), page)
        if not listed.is_numbered:
            return await _read_to_its_end(listed, asking, span, page)
        size, end, last = page.size or listed.size or len(page.records), page, 1
        while end.total and end.total > last * size:  # again, where the list has grown meanwhile
            last = -(-end.total // size)
            end = await listed.ask(asking, span, last)
        due = (end.total or 0) - (last - 1) * size
        said = f"of {end.total or 0:,} records the last page holds {len(end.records)}, where {due} are left"
        return holds(said) if len(end.records) == due else fails(said)

    def _sum(total: int, found: int, page: ListPage) -> Verdict:
        said = f"the list says {total:,}, {plural(found)} came"
        return holds(said) if total == found == len(page.records) else fails(said)

    return probe


async def _read_to_its_end(listed: ProbedList, asking: Asking, span: Span, page: ListPage) -> Verdict:
    """Read a list of a few pages; records may enter it meanwhile."""
    names, least = listed.names(page.records), page.total or 0
    for _ in range(FEW_PAGES - 1):
        if page.following is None:
            break
        page = await listed.ask(asking, span, page.following)
        names |= listed.names(page.records)
    if page.following is not None:
        return unknown(f"the list says {least:,}, and is longer than {FEW_PAGES} pages")
    said = f"the list says {page.total or least:,}, {plural(len(names))} came"
    return holds(said) if least <= len(names) <= (page.total or least) else fails(said)


def nothing_lies_beyond(listed: ProbedList) -> Probe:
    """Ask for a page far beyond the last one: the vendor refuses it, sends none, or the last one again."""

    async def probe(asking: Asking) -> Verdict:
        span, first = await recent(listed, asking)
        try:
            page = await listed.ask(asking, span, BEYOND)
        except TooLarge:
            raise
        except (Shifted, Unexpected) as refused:
            return holds(f"page {BEYOND:,} is refused ({refused})")
        if not page.records:
            return holds(f"page {BEYOND:,} is empty")
        if page.total is not None and listed.size and page.total > BEYOND * listed.size:
            return unknown(f"the list has more than {BEYOND:,} pages")
        others = listed.names(page.records) - listed.names(first.records)
        if not others and listed.following(1, first) is not None:
            return fails(f"page {BEYOND:,} is the first one again: such a list has no end")
        return holds(f"page {BEYOND:,} holds {plural(len(page.records))}, as if it were the last")

    return probe


def long_list_is_whole(listed: ProbedList) -> Probe:
    """Ask for a long range at once, and for what of it is older, and newer, than all that came."""

    async def probe(asking: Asking) -> Verdict:
        span = Span(listed.now - timedelta(days=30), listed.now)
        whole = await listed.ask(asking, span, 1)
        if listed.following(1, whole) is not None:
            return holds(f"a list of 30 days says that it goes on, after {plural(len(whole.records))}")
        times, names = [time for time, _ in listed.timed(whole.records)], listed.names(whole.records)
        if not times:
            return unknown("there are no records of 30 days")
        beyond = set[str]()
        for part in (Span(span.start, min(times) - listed.slack), Span(max(times), listed.now)):
            beyond |= await _between(listed, asking, part) - names
        if beyond:  # perhaps they came meanwhile
            beyond -= listed.names((await listed.ask(asking.later, span, 1)).records)
        said = f"30 days at once are {plural(len(names))}"
        return fails(f"{said}; by parts {len(beyond)} others come") if beyond else holds(f"{said}, by parts no others")

    return probe


async def _between(listed: ProbedList, asking: Asking, span: Span) -> set[str]:
    """Return the identities of what lies in a part of the long range; none where the part has no length."""
    if span.end is None or span.start >= span.end:
        return set()
    page = await listed.ask(asking, span, 1)
    return {name for time, name in listed.timed(page.records) if listed.now - timedelta(days=30) < time < listed.now}
