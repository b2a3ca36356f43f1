"""What a description assumes of a list without saying so, by name, and how `poller check --deep` finds out.

Which of it is assumed follows from the description: a list without a filter by time has none that could be ignored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import Raw

from poller.plugin import DECODE_ERRORS, Assumption, Http, ListPage, PageRef, Span, Stream, Sweep, probes
from poller.sources.rest.assumptions.remedies import Remedies
from poller.sources.rest.lists import List
from poller.sources.rest.records import time_reader
from poller.sources.rest.streams import Description


def of_stream(description: Description, stream: Stream, now: datetime) -> Sequence[Assumption]:
    """Return what is assumed of a stream, as its first sweep asks for the list."""
    sweep = stream.sweeps[0]
    listed = description.list_of(description.sweeps[sweep.name])
    probed = _probed(description, listed, now)
    steady = probes.records_stay_the_same(stream.name, probed, stream.records)
    remedies = Remedies(description, sweep.name, listed)
    return [*_of_times(stream, sweep, probed, remedies), *_of_pages(stream.name, probed, remedies), steady]


def _probed(description: Description, listed: List, now: datetime) -> probes.ProbedList:
    """Return the list as it is probed. Where nothing says what its filter is about, the stamp of modification stands
    in: it is never earlier than what a filter is about."""
    stand_in = description.stream.modified or description.stream.time
    granule = max(listed.granule, listed.request.granule("start"))

    async def ask(http: Http, span: Span, place: PageRef) -> ListPage:
        return await listed.page(http, span, place, now)

    return probes.ProbedList(
        now=now,
        ask=ask,
        identity=listed.identity,
        time_of=listed.time_of or (time_reader(stand_in, description.zone) if stand_in else _no_time),
        margin=granule,
        slack=2 * granule,
        is_filtered=listed.is_windowed,
        takes_end=listed.ranges is not None,
        is_numbered=listed.paging.place == "page" and not listed.paging.linked,
        newest_first=not listed.is_windowed and listed.window_field is not None,
    )


def _no_time(_: Raw) -> datetime | None:
    return None


def _of_times(stream: Stream, sweep: Sweep, probed: probes.ProbedList, remedies: Remedies) -> Iterator[Assumption]:
    name, described, listed = stream.name, remedies.description.stream, remedies.listed
    key = f"streams.{name}.sweeps.{sweep.name}.lookback"
    if described.time:
        read = probes.times_are_read(name, replace(probed, time_of=_own_time(stream)))
        yield replace(read, consequence=remedies.time)
    if listed.is_windowed:
        yield probes.filter_is_obeyed(name, probed, words=remedies.filter)
    if listed.is_windowed and listed.time_of:
        yield replace(probes.bounds_hold(name, probed, key), consequence=remedies.bounds)
    if probed.newest_first:
        yield replace(probes.newest_come_first(name, probed), consequence=remedies.order)
    if listed.time_of and sweep.lookback:
        yield probes.records_come_in_time(name, probed, sweep.lookback, key)
    if listed.is_windowed and described.modified and listed.window_field in {None, described.modified}:
        yield probes.edits_move_the_stamp(name, probed, stream.records, 6 * (sweep.lookback or timedelta(hours=1)))


def _own_time(stream: Stream) -> Callable[[Raw], datetime | None]:
    records = stream.records

    def own_time(row: Raw) -> datetime | None:
        try:
            return records.time(records.decoder.decode(bytes(row)))
        except DECODE_ERRORS:
            return None

    return own_time


def _of_pages(name: str, probed: probes.ProbedList, remedies: Remedies) -> Iterator[Assumption]:
    listed = remedies.listed
    yield replace(probes.identities_are_unique(name, probed), consequence=remedies.identity)
    if listed.paging.place or listed.paging.linked:
        yield replace(probes.pages_differ(name, probed), consequence=remedies.pages)
    if listed.described.total:
        yield replace(probes.total_adds_up(name, probed), consequence=remedies.total)
    if probed.is_numbered:
        yield replace(probes.nothing_lies_beyond(name, probed), consequence=remedies.pages)
