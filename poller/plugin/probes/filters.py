"""Probes of a list's filter by time: does it hold on each page, and does a window hold what lies at its edges?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Raw

from poller.errors import Unexpected
from poller.plugin.assumptions import Asking, Probe, Verdict, fails, holds, unknown
from poller.plugin.pagination.bisect import Span
from poller.plugin.pagination.pages import ListPage
from poller.plugin.probes.listed import ProbedList, plural, recent

SAMPLES = 2
CLOCKS_APART = timedelta(minutes=5)
"""No vendor's clocks are further apart."""


def _mostly(listed: ProbedList, rows: Sequence[Raw], span: Span) -> bool:
    """Return whether most rows lie outside of a span."""
    return 2 * len(listed.outside(rows, span)) > len(rows)


def filter_goes_on(listed: ProbedList) -> Probe:
    """Ask for a range that holds most of two pages: its second page holds nothing beyond it."""

    async def probe(asking: Asking) -> Verdict:
        span, first = await recent(listed, asking)
        if first.following is None:
            return unknown(f"a list of the last days has one page only, of {plural(len(first.records))}")
        second = await listed.ask(asking, span, first.following)
        if found := _judge_second(listed, span, (first, second), "are older than was asked for"):
            return found
        times = sorted(time for time, _ in listed.timed([*first.records, *second.records]))
        short = Span(span.start, times[len(times) * 3 // 4])
        page = await listed.ask(asking, short, 1)
        if page.following is None:
            return unknown("the list changed while we looked")
        last = await listed.ask(asking, short, page.following)
        found = _judge_second(listed, short, (page, last), "lie outside of the range")
        return found or holds(f"all {plural(len(last.records))} on the second page lie in the range")

    return probe


def _judge_second(listed: ProbedList, span: Span, pages: tuple[ListPage, ListPage], how: str) -> Verdict | None:
    """Return what speaks against a list's second page; None where nothing does."""
    first, second = (page.records for page in pages)
    if not second:
        return unknown("the second page is empty")
    if listed.outside(first, span):
        return unknown("the filter is not obeyed on the first page either")
    if other := len(listed.outside(second, span)):
        return fails(f"{other} of {plural(len(second))} on the second page {how}")
    return None


def times_are_read(listed: ProbedList) -> Probe:
    """Look whether the times of the newest records can be read, and whether one lies in the future."""

    async def probe(asking: Asking) -> Verdict:
        _, page = await recent(listed, asking)
        rows, now = page.records, page.date or listed.now
        times = [time for time in map(listed.time, rows) if time]
        if len(times) < len(rows):
            return fails(f"the time of {len(rows) - len(times)} of {plural(len(rows))} cannot be read")
        ahead = [time for time in times if time > now + CLOCKS_APART]
        if ahead:
            return fails(f"{plural(len(ahead))} of {len(rows)} began up to {_seconds(max(ahead) - now)} from now")
        return holds(f"{plural(len(times))}, the newest {_ago(now - max(times))}") if times else unknown("no records")

    return probe


def bounds_hold(listed: ProbedList) -> Probe:
    """Ask for records by their very own time, as a sweep would whose window begins, and ends, there."""

    async def probe(asking: Asking) -> Verdict:
        span, sample = await recent(listed, asking)
        found, missing = 0, 0
        for time, name in _picked(listed, listed.timed(sample.records)):
            inside = await _holds(listed, asking, Span(time, time if listed.takes_end else None), name)
            if inside:
                found += 1
            elif inside is False:  # unless it was edited, or deleted, meanwhile
                again = await listed.ask(asking.later, span, 1)
                missing += (time, name) in listed.timed(again.records)
        if missing:
            return _missed(listed, sample, found + missing, missing)
        if not found:
            return unknown("there is no record whose own time could be asked for, or the filter is not obeyed")
        return holds(
            f"{found} of {found} come when asked for by their own time{await _own(listed, asking, sample.records)}"
        )

    return probe


def _picked(listed: ProbedList, timed: list[tuple[datetime, str]]) -> list[tuple[datetime, str]]:
    """Choose records from the middle of what came; the newest where the list has to be read from there on."""
    ordered = sorted(timed, reverse=True)
    start = len(ordered) // 2 if listed.takes_end else 0
    return ordered[start : start + SAMPLES]


async def _holds(listed: ProbedList, http: Asking, span: Span, name: str) -> bool | None:
    """Return whether the list of a span holds a record; None where that cannot be told: it goes on, or holds mostly
    what was not asked for."""
    page = await listed.ask(http, span, 1)
    if name in listed.names(page.records) and _mostly(listed, page.records, span):
        return None
    if name in listed.names(page.records):
        return True
    return None if listed.following(1, page) is not None or page.cut else False


def _missed(listed: ProbedList, sample: ListPage, asked: int, missing: int) -> Verdict:
    said = f"{missing} of {asked} do not come when asked for by their own time, and come in a wider range"
    newest = max(time for time, _ in listed.timed(sample.records))
    return fails(f"{said}; the newest of all is {_ago((sample.date or listed.now) - newest)}")


async def _own(listed: ProbedList, asking: Asking, rows: Sequence[Raw]) -> str:
    """Say whether a bound takes in its own time, where we ask for more on both sides."""
    if not (listed.margin and listed.takes_end):
        return ""
    time, name = _picked(listed, listed.timed(rows))[0]
    try:
        page = await listed.ask(asking, Span(time + listed.margin, time - listed.margin), 1)
    except Unexpected:
        return ""
    if name in listed.names(page.records):
        return "; both bounds take in their own time"
    return f"; one bound leaves its own time out, so the {_seconds(listed.margin)} that we ask for besides are needed"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():,.0f} s"


def _ago(age: timedelta) -> str:
    return f"{_seconds(age)} old" if age > timedelta(0) else f"{_seconds(-age)} ahead of the clock"
