"""What TrackDrive's documentation leaves open and poller assumes, by name, and how `poller check --deep` finds out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from poller.plugin import (
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
    read_id,
    unknown,
)
from poller.sources.trackdrive import api, change_log

SMALL = 20  # rows of a page, where it is the pages that are looked at


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of TrackDrive, as they are probed."""

    now: datetime

    def leads(self, per_page: int = api.PER_PAGE) -> probes.ProbedList:
        """Return the leads by the time of their creation."""

        async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
            return await api.numbered(http, api.LEADS, {**_bounds("created_at", span), "page": f"{place}"}, per_page)

        return replace(self._listed(api.LEADS, "created_at", ask), margin=api.SECOND, size=per_page, is_numbered=True)

    def calls(self, column: str, per_page: int = api.PER_PAGE) -> probes.ProbedList:
        """Return the calls by a column of times that has a filter."""

        async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
            return await api.continued(http, api.CALLS, _bounds(column, span), place, per_page)

        return replace(self._listed(api.CALLS, column, ask), size=per_page)

    def updated(self) -> probes.ProbedList:
        """Return the calls by the order of their last update."""

        async def ask(http: Http, _: Span, place: PageRef) -> ListPage:
            return await api.numbered(http, api.CALLS, {**api.BY_UPDATE, "page": f"{place}"})

        listed = self._listed(api.CALLS, "updated_at", ask)
        return replace(
            listed, is_filtered=False, takes_end=False, size=api.PER_PAGE, is_numbered=True, newest_first=True
        )

    def _listed(self, path: str, column: str, ask: Callable[..., Any]) -> probes.ProbedList:
        time_of, identity = api.time_of(column), api.IDENTITIES[path]
        return probes.ProbedList(now=self.now, ask=ask, identity=identity, time_of=time_of, slack=api.SLACK)


def _bounds(column: str, span: Span) -> dict[str, str]:
    end = {f"{column}_to": api.written(span.end + api.SECOND)} if span.end else {}
    return {f"{column}_from": api.written(span.start - api.SECOND), **end}


def of_leads(lists: Lists, settled: timedelta) -> Sequence[Assumption]:
    """Return what is assumed of leads; `settled` is how far `settle` looks back."""
    leads, paged, key = lists.leads(), lists.leads(SMALL), "streams.leads.sweeps.settle.lookback"
    return (
        probes.filter_is_obeyed("leads", leads),
        _bounds_hold("leads", leads, "live"),
        probes.pages_differ("leads", paged),
        probes.pages_are_full("leads", leads),
        probes.total_adds_up("leads", paged),
        probes.nothing_lies_beyond("leads", paged),
        probes.identities_are_unique("leads", leads),
        probes.records_come_in_time("leads", leads, settled, key),
        Assumption(
            name="log-leads-to-leads",
            stream="leads",
            says="The log of changes names a lead by its `id`, by which it can be read (`/leads/:id/id`).",
            rests="`changes`, which finds edits: leads have no filter by modification.",
            guard="A lead that is not the one asked for is an error, and moves no cursor.",
            consequence="let `settle` and `audit` run more often: edits are found by them alone",
            asks="the log of a day, and two leads that it names",
            probe=_follow_the_log(lists),
        ),
        Assumption(
            name="log-is-whole",
            stream="leads",
            says="The log of changes names each lead that a person or a program edits, if not what the scheduler does.",
            rests="`changes`: an edit that is not logged is found late.",
            guard="`settle` and `audit` read leads again; what only they brought is counted as edited.",
            consequence="let `settle` run more often, and look further back",
        ),
    )


def of_calls(lists: Lists, lookback: timedelta, records: RecordType[Any]) -> Sequence[Assumption]:
    """Return what is assumed of calls; `lookback` is how far `live` looks back."""
    created, ended, updated = lists.calls("created_at"), lists.calls("ended_at"), lists.updated()
    paged, sweeps = lists.calls("created_at", SMALL), "streams.calls.sweeps"
    return (
        probes.filter_is_obeyed("calls", created),
        _bounds_hold("calls", created, "live"),
        _bounds_hold("calls", ended, "ended", "ended-bounds-hold"),
        probes.newest_come_first("calls", updated, "ordered-by-update"),
        probes.edits_move_the_stamp("calls", updated, records, lookback),
        probes.ties_keep_their_order("calls", "updated", "audit"),
        probes.pages_differ("calls", paged, "cursor-goes-on"),
        probes.cursor_keeps_its_place("calls"),
        probes.identities_are_unique("calls", created),
        probes.records_come_in_time("calls", created, lookback, f"{sweeps}.live.lookback"),
        Assumption(
            name="ten-pages",
            stream="calls",
            says=f"By number, {api.PAGES} pages of {api.PER_PAGE} calls can be read.",
            rests="`updated`: how far back it finds edits.",
            guard="What it cannot reach is a gap of the kind `unreadable`, which `audit` closes.",
            consequence=f"shorten {sweeps}.updated.every, and let `audit` run more often",
            asks="the tenth page",
            probe=_ten_pages(updated),
        ),
    )


def _bounds_hold(stream: str, listed: probes.ProbedList, sweep: str, name: str = "bounds-hold") -> Assumption:
    """Return the assumption about a filter's bounds, whose zone cannot be set."""
    key = f"streams.{stream}.sweeps.{sweep}.lookback"
    consequence = f"raise {key} by what is missing; where that is hours, the filter is read in another zone: report it"
    return replace(probes.bounds_hold(stream, listed, key, name), consequence=consequence)


def _follow_the_log(lists: Lists) -> Probe:
    async def probe(asking: Asking) -> Verdict:
        bounds = {"created_at_from": api.written(lists.now - timedelta(days=1))}
        log = await api.continued(asking, api.CHANGES, bounds, 1)
        ids = [name for name in (read_id(api.ROW.decode(row).lead_id) for row in log.records) if name]
        if not ids:
            return unknown(f"of {len(log.records)} entries of a day none names a lead")
        found = 0
        for name in ids[:2]:
            try:
                found += len((await change_log.lead(asking, name)).records)
            except Unexpected as error:
                return fails(f"a lead that the log names cannot be read by its id: {error}")
        return holds(f"{found} of 2 read by the id in the log") if found else _gone(len(ids[:2]))

    return probe


def _gone(count: int) -> Verdict:
    return unknown(f"the {count} that were read are not there: not yet, deleted, or the address is a wrong one")


def _ten_pages(updated: probes.ProbedList) -> Probe:
    async def probe(asking: Asking) -> Verdict:
        try:
            page = await updated.ask(asking, Span(updated.now, None), api.PAGES)
        except Unexpected as error:
            return fails(f"page {api.PAGES} is refused: {error}")
        return holds(f"page {api.PAGES} comes, with {len(page.records)} calls")

    return probe
