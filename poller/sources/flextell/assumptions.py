"""What Flextell's documentation leaves open and poller assumes, by name, and how `poller check --deep` finds out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import json

from poller.plugin import (
    DECODE_ERRORS,
    Asking,
    Assumption,
    Http,
    ListPage,
    PageRef,
    Probe,
    Span,
    Verdict,
    fails,
    holds,
    probes,
    read_time,
    struct_of,
    unknown,
)
from poller.sources.flextell import api, records

SMALL = 20  # rows of a page, where it is the pages that are looked at
_deletion = json.Decoder(struct_of("deleted_at")).decode


def _list(now: datetime, column: str, query: api.Query, per_page: int = api.PER_PAGE) -> probes.ProbedList:
    """Return the list of leads by a column of times, newest first."""
    decode = json.Decoder(struct_of(column)).decode

    async def ask(http: Http, _: Span, place: PageRef) -> ListPage:
        return await api.ask_list(http, {**query, **api.newest_by(column)}, place, per_page)

    return probes.ProbedList(
        now=now,
        ask=ask,
        identity=api.lead_id,
        time_of=lambda row: read_time(getattr(decode(row), column)),
        is_filtered=False,
        takes_end=False,
        size=per_page,
        is_numbered=True,
        newest_first=True,
    )


def of_leads(now: datetime, lookback: timedelta) -> Sequence[Assumption]:
    """Return what is assumed of leads; `lookback` is how far `live` looks back."""
    created, paged = _list(now, "created_at", {}), _list(now, "created_at", {}, SMALL)
    synced = _list(now, "last_synced_at", {})
    converted = _list(now, "converted_at", {"converted": "1"})
    return (
        probes.newest_come_first("leads", created, "ordered-by-creation"),
        probes.newest_come_first("leads", converted, "ordered-by-conversion"),
        probes.newest_come_first("leads", synced, "ordered-by-sync"),
        Assumption(
            name="unsynced-last",
            stream="leads",
            says=f"Sorted by sync, leads that were never synced come last, or fill {api.NULL_PAGES} pages at most.",
            rests="`synced`: it reads down to the first lead with a time, and gives up beyond.",
            guard="More such pages are an error, which moves no cursor.",
            consequence="set streams.leads.sweeps.synced.every to 365d, and let `full` run more often",
            asks="two pages by sync",
            probe=_unsynced_last(synced),
        ),
        probes.pages_differ("leads", paged),
        probes.pages_are_full("leads", created),
        probes.total_adds_up("leads", paged),
        probes.nothing_lies_beyond("leads", paged),
        probes.places_are_kept("leads", "full"),
        probes.ties_keep_their_order("leads", "synced", "full"),
        probes.identities_are_unique("leads", created),
        replace(
            probes.times_are_read("leads", created),
            consequence="report it: Flextell's times name their zone, and nothing in the configuration helps",
        ),
        _trashed_are_deleted(),
        probes.records_come_in_time("leads", created, lookback, "streams.leads.sweeps.live.lookback"),
    )


def _trashed_are_deleted() -> Assumption:
    return Assumption(
        name="trashed-are-deleted",
        stream="leads",
        says="`trashed` lists the deleted leads and no others; without it none is listed.",
        rests="`trashed`: whether a lead was deleted.",
        guard="Leads that are not deleted make the pass doubtful; where most are not, nothing is delivered.",
        consequence="set streams.leads.sweeps.trashed.every to 365d, and do not rely on `lead.deleted`",
        asks="a page of the trash, and one of all others",
        probe=_only_deleted,
    )


def _unsynced_last(synced: probes.ProbedList) -> Probe:
    async def probe(asking: Asking) -> Verdict:
        page = await synced.ask(asking, Span(synced.now, None), 1)
        times = [synced.time(row) for row in page.records]
        if not any(times):
            beyond = await synced.ask(asking, Span(synced.now, None), api.NULL_PAGES + 1)
            if beyond.records and not any(map(synced.time, beyond.records)):
                return fails(f"on page {api.NULL_PAGES + 1}, too, no lead was ever synced")
            return unknown(f"none of {len(times)} leads of the first page was ever synced")
        first = next(at for at, time in enumerate(times) if time)
        return holds(f"{first} leads that were never synced come first" if first else "the first lead has a time")

    return probe


async def _only_deleted(asking: Asking) -> Verdict:
    trashed = await api.ask_list(asking, {"trashed": "1", **api.newest_by("created_at")}, 1)
    living = await api.ask_list(asking, api.newest_by("created_at"), 1)
    others = sum(not _is_deleted(row) for row in trashed.records)
    shown = sum(_is_deleted(row) for row in living.records)
    if others or shown:
        return fails(f"{others} of {len(trashed.records)} in the trash are not deleted, {shown} are listed beside it")
    if not trashed.records:
        return unknown("nothing is in the trash")
    return holds(f"all {len(trashed.records)} in the trash are deleted, none of {len(living.records)} beside it")


def _is_deleted(row: object) -> bool:
    try:
        return records.deleted(_deletion(row))  # type: ignore[arg-type]
    except DECODE_ERRORS:
        return False
