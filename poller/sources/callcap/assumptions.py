"""What Callcap's documentation leaves open and poller assumes, by name, and how `poller check --deep` finds out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from poller.plugin import (
    BEGINNING,
    Asking,
    Assumption,
    Http,
    ListPage,
    PageRef,
    Probe,
    RecordType,
    Span,
    Unexpected,
    Verdict,
    fails,
    holds,
    probes,
    unknown,
)
from poller.sources.callcap import api

SMALL = 50  # rows of a page, where it is the pages that are looked at
LIVE = "streams.calls.sweeps.live.lookback"
AUDIT = "streams.calls.sweeps.audit.lookback"


@dataclass(frozen=True, slots=True)
class Lists:
    """The list of calls, as it is probed."""

    zone: ZoneInfo
    now: datetime

    def modified(self, show: int = api.SHOW) -> probes.ProbedList:
        """Return the list by last modification."""

        async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
            dates, _ = api.started_within(self.zone, BEGINNING.date(), self.now)
            query = {**dates, **api.modified_within(self.zone, span.start, span.end)}
            return await api.ask_list(http, self.zone, query, place, show)

        return self._listed(ask, "last_modified", api.BEYOND + timedelta(minutes=1), show)

    def started(self) -> probes.ProbedList:
        """Return the list by the day on which calls began."""

        async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
            first = span.start.astimezone(self.zone).date()
            dates, _ = api.started_within(self.zone, first, span.end or max(self.now, span.start))
            return await api.ask_list(http, self.zone, dates, place)

        return self._listed(ask, "start_datetime", timedelta(days=3), api.SHOW)

    def newest(self) -> probes.ProbedList:
        """Return the list as the fast look reads it."""

        async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
            dates, _ = api.started_within(self.zone, span.start.astimezone(self.zone).date(), self.now)
            return await api.ask_list(http, self.zone, {**dates, "order": "newest"}, place)

        return self._listed(ask, "start_datetime", timedelta(days=3), api.SHOW)

    def _listed(self, ask: Any, column: str, slack: timedelta, show: int) -> probes.ProbedList:
        time_of = api.time_of(column, self.zone)
        return probes.ProbedList(
            now=self.now, ask=ask, identity=api.call_id, time_of=time_of, slack=slack, size=show, is_numbered=True
        )


def assumptions(lists: Lists, lookback: timedelta, records: RecordType[Any]) -> Sequence[Assumption]:
    """Return what is assumed; `lookback` is that of `live`."""
    modified, paged = lists.modified(), lists.modified(SMALL)
    ordered = probes.newest_come_first("calls", lists.newest(), "ordered-by-start")
    stamped = probes.edits_move_the_stamp("calls", modified, records, 12 * lookback, ignore=_edited_by_hand)
    return (
        _zone_obeyed(lists),
        probes.filter_is_obeyed("calls", modified, "modified-filter-obeyed"),
        probes.bounds_hold("calls", modified, LIVE, "modified-bounds-hold"),
        Assumption(
            name="start-date-hides-nothing",
            stream="calls",
            says=f"With a start date of {BEGINNING:%Y-%m-%d} a search by last modification holds calls of any age.",
            rests="Old calls that are edited: a start date goes with every search, its default is not documented.",
            guard="None: a call that is not listed is not seen.",
            consequence=f"set {AUDIT} to how old calls are when they are edited",
            asks="the changes of a day, with that start date and with one 300 days ago",
            probe=_compare_start_dates(lists),
        ),
        probes.bounds_hold("calls", lists.started(), AUDIT, "days-hold"),
        replace(
            ordered,
            says="`order` sorts by the start of a call.",
            rests="Paging: oldest first, what is new comes last and moves no page.",
            guard="A pass whose calls do not make up its total moves no cursor.",
            consequence="let `audit` run more often",
        ),
        probes.pages_differ("calls", paged),
        probes.pages_are_full("calls", modified),
        probes.total_adds_up("calls", paged),
        probes.nothing_lies_beyond("calls", paged),
        probes.places_are_kept("calls", "audit"),
        probes.identities_are_unique("calls", modified),
        probes.records_come_in_time("calls", modified, lookback, LIVE, "changes-in-time"),
        replace(
            stamped,
            says="An edit moves `last_modified`; what a machine finds out (sentiment, summaries) need not.",
        ),
    )


def _compare_start_dates(lists: Lists) -> Probe:
    """Ask for the same changes with a nearer start date: it may take calls away, and brings none."""

    async def probe(asking: Asking) -> Verdict:
        listed, span = lists.modified(), Span(lists.now - timedelta(days=1), None)
        wide = await listed.ask(asking, span, 1)
        near, _ = api.started_within(lists.zone, (lists.now - timedelta(days=300)).date(), lists.now)
        query = {**near, **api.modified_within(lists.zone, span.start, None)}
        close = await api.ask_list(asking, lists.zone, query, 1)
        missing = listed.names(close.records) - listed.names(wide.records)
        if missing:  # perhaps they came meanwhile
            missing -= listed.names((await listed.ask(asking.later, span, 1)).records)
        if wide.following or not close.records:
            return unknown("nothing changed within a day, or more than fits a page")
        said = f"{len(wide.records)} changes of a day"
        return fails(f"{said}, and {len(missing)} more with a nearer start date") if missing else holds(said)

    return probe


def _zone_obeyed(lists: Lists) -> Assumption:
    return Assumption(
        name="zone-obeyed",
        stream="calls",
        says="Times and filters are those of `search_timezone`, and the answer names the zone that it used.",
        rests="Every time of every call: in another zone all are wrong by hours, and windows miss calls.",
        guard="An answer that names another zone is an error, and delivers nothing.",
        consequence="set `timezone` to a zone that the vendor takes, best one without summer time",
        asks="the calls of 30 days in two zones",
        probe=_compare_zones(lists),
    )


def _compare_zones(lists: Lists) -> Probe:
    """Ask for the same calls in two zones: their times are other clocks of the same instants."""

    async def probe(asking: Asking) -> Verdict:
        found: list[dict[str, datetime]] = []
        for zone in (lists.zone, OTHER if lists.zone.key != OTHER.key else ZoneInfo("US/Hawaii")):
            listed = Lists(zone, lists.now).newest()
            try:
                page = await listed.ask(asking, Span(lists.now - timedelta(days=30), None), 1)
            except Unexpected as error:
                return fails(f"asked in {zone.key}: {error}")
            found.append({name: time for time, name in listed.timed(page.records)})
        ours, others = found
        both = ours.keys() & others.keys()
        moved = sum(ours[name] != others[name] for name in both)
        if moved:
            return fails(f"asked in two zones, {moved} of {len(both)} calls began at two different instants")
        return holds(f"{len(both)} calls began at the same instants in two zones") if both else unknown("no calls")

    return probe


OTHER = ZoneInfo("US/Eastern")


def _edited_by_hand(content: Any) -> Any:
    """Take out what machines find out, which moves no stamp."""
    return msgspec.structs.replace(content, sentiment=None, summaries=None, webmatch=None, scorecards=None)
