"""What ipSCAPE's documentation leaves open and poller assumes, by name, and how `poller check --deep` finds out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from poller.plugin import (
    Asking,
    Assumption,
    Http,
    ListPage,
    PageRef,
    Probe,
    Span,
    TypedDecoder,
    Unexpected,
    Verdict,
    Window,
    fails,
    holds,
    identity_of,
    probes,
    read_id,
    unknown,
)
from poller.sources.ipscape import api
from poller.sources.ipscape.api import Timed
from poller.sources.ipscape.calls import Attempt

_attempt, _lead_id = TypedDecoder(Attempt).decode, identity_of("leadId")


@dataclass(frozen=True, slots=True)
class Of:
    """A list of ipSCAPE as it is probed: the stream's name, and how far `settle` looks back."""

    stream: str
    listed: Timed
    settled: timedelta
    now: datetime

    @property
    def probed(self) -> probes.ProbedList:
        """Return the list. Where its filter is not about the records' own time, it is asked for as much more."""
        listed = self.listed
        wider = listed.slack if listed.slack > timedelta(seconds=1) else timedelta(0)

        async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
            last = max(self.now, span.start) + api.AHEAD if span.end is None else span.end + wider
            return await api.ask_between(listed, http, Window(span.start - wider, last), place)

        return probes.ProbedList(
            now=self.now, ask=ask, identity=listed.identity, time_of=listed.time, slack=listed.slack + wider
        )


def of_list(of: Of) -> Sequence[Assumption]:
    """Return what is assumed of each list that is filtered by time."""
    stream, listed, key = of.stream, of.probed, f"streams.{of.stream}.sweeps.settle.lookback"
    late = probes.records_come_in_time(stream, listed, of.settled, key)
    return (
        probes.times_are_read(stream, listed),
        probes.filter_is_obeyed(stream, listed),
        probes.bounds_hold(stream, listed, f"streams.{stream}.sweeps.live.lookback"),
        probes.pages_differ(stream, listed, "cursor-goes-on"),
        probes.cursor_keeps_its_place(stream),
        probes.filter_goes_on(stream, listed),
        probes.identities_are_unique(stream, listed),
        replace(late, says="A record is listed, at the latest once its call is over, within `settle`'s lookback."),
    )


def of_leads(of: Of, attempts: Of) -> Sequence[Assumption]:
    """Return what is assumed of leads: their list is filtered by upload, and edits are found by dial attempts."""
    bounds = probes.bounds_hold("leads", of.probed, "streams.leads.sweeps.live.lookback", "uploaded-when-created")
    return (
        replace(
            bounds,
            says=f"A lead is uploaded within {of.listed.slack.days} d of its creation, either way.",
            rests="The check that the filter was applied, and history.",
        ),
        *(one for one in of_list(of) if one.name != "bounds-hold"),
        Assumption(
            name="lead-by-id",
            stream="leads",
            says="The lead of a dial attempt can be read by its `leadId` (`/leads/:leadId`).",
            rests="`touched`, which finds edits: leads have no filter by modification.",
            guard="A lead that is not the one asked for is an error, and moves no cursor.",
            consequence="let `settle` and `audit` run more often: edits are found by them alone",
            asks="the dial attempts of a day, and the lead of one",
            probe=_read_by_id(attempts),
        ),
        Assumption(
            name="wrapped-up-in-time",
            stream="leads",
            says="An attempt is listed, and over, within `touched`'s lookback;"
            f" {api.WRAP_UP.seconds // 60} minutes later the agent has said what came of it.",
            rests="`touched` reads the lead of an attempt until then, and not after.",
            guard="`settle` and `audit` read the lead again.",
            consequence="raise streams.leads.sweeps.touched.lookback",
        ),
    )


def campaigns_in_one_page() -> Assumption:
    """Return the assumption about campaigns, of which one page can be asked for."""
    return Assumption(
        name="one-page",
        stream="campaigns",
        says="The campaigns fit one page, or the answer has a cursor.",
        rests="Campaigns beyond the first page.",
        guard="A full page without a cursor moves nothing, and deletes nothing.",
        consequence="ask ipSCAPE how the list goes on; what the page holds is delivered",
        asks="the campaigns",
        probe=_one_page,
    )


async def _one_page(asking: Asking) -> Verdict:
    response = await asking.get(api.CAMPAIGNS, {})
    part = api.numbered(identity_of("campaignId"), response)
    said = f"{len(part.rows)} campaigns"
    return (
        fails(f"{said}: {part.doubt}") if part.doubt else holds(f"{said}, {'with' if part.cursor else 'and no'} cursor")
    )


def _read_by_id(attempts: Of) -> Probe:
    async def probe(asking: Asking) -> Verdict:
        page = await attempts.probed.ask(asking, Span(attempts.now - timedelta(days=1), None), 1)
        names = [name for name in map(_lead_of, page.records) if name]
        if not names:
            return unknown(f"none of {len(page.records)} dial attempts of a day names a lead")
        try:
            found = await api.reread(_lead_id, asking, names[-1])
        except Unexpected as error:
            return fails(f"the lead of a dial attempt cannot be read by its id: {error}")
        return holds("the lead of a dial attempt came") if found.records else unknown("that lead is not there any more")

    return probe


def _lead_of(row: Any) -> str | None:
    try:
        return read_id(_attempt(row).leadId)
    except msgspec.MsgspecError:
        return None
