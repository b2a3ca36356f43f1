"""A probe of a list's filter by time: does it hold all that lies in a range, and nothing else?"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from msgspec import Raw

from poller.errors import Unexpected
from poller.humanize import format_seconds
from poller.plugin.assumptions import Asking, Probe, Verdict, fails, holds, unknown
from poller.plugin.pagination.bisect import Span
from poller.plugin.pagination.pages import PageRef
from poller.plugin.probes.listed import REACHES, ProbedList, plural, recent
from poller.plugin.stream import Http

FAR = timedelta(days=366)
EVER = Span(datetime(1970, 1, 2, tzinfo=UTC), None)
"""All that a list holds, whatever the unit in which its filter counts from 1970."""
FEWEST = 4
"""So many records have a first and a last quarter."""
FEW_PAGES = 4
"""A range of more pages is not read to its end."""
REPLICAS_BEHIND = timedelta(minutes=5)
"""What is younger need not be on each of a vendor's replicas."""
SPELLING = "look for the filter's right name and format"
MISSED = "report it: what the filter leaves out is missed"
PARTLY = "what comes is delivered, moves no cursor, and leaves gaps (`poller streams`)"

Named: TypeAlias = tuple[datetime, str]
"""A record by its time and its identity: one that is edited meanwhile is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterWords:
    """What is known of a filter by time, and the remedies for what is wrong with it.

    `by` is the field that it goes by, or seems to: `is_said` where somebody said it. `others` read further times of a
    record, by their names. The remedies: `ignored` where it lets everything through; `start`, `end` where it lets
    through what lies before, or after, a range; `elsewhere` where it goes by another field; `missing` where it leaves
    out what lies in a range. `meanwhile` is what a run makes of a filter that is not obeyed at all.
    """

    by: str = "its time"
    is_said: bool = True
    others: Mapping[str, Callable[[Raw], datetime | None]] = field(default_factory=dict)
    ignored: str = SPELLING
    start: str = SPELLING
    end: str = SPELLING
    elsewhere: str = MISSED
    missing: str = MISSED
    meanwhile: str = "the stream cannot be polled by it"

    def remedy(self, cause: str, *, mostly: bool) -> str:
        """Return a remedy with what a run makes of it until then; `mostly`: most of what comes was not asked for."""
        return f"{cause}; until then {self.meanwhile if mostly else PARTLY}"

    @property
    def consequence(self) -> str:
        """The remedy where the filter is not obeyed at all."""
        return self.remedy(self.ignored, mostly=True)


def filter_is_obeyed(listed: ProbedList, words: FilterWords) -> Probe:
    """Ask for the far future, where nothing lies, and for a range of which something lies outside.

    What a wider range shows to lie in the narrow one has to come there, too: else the filter goes by another field.
    """

    async def probe(asking: Asking) -> Verdict:
        future = Span(listed.now + FAR, None)
        try:
            page = await listed.ask(asking, future, 1)
            older, far = len(listed.outside(page.records, future)), "nothing came for the far future"
        except Unexpected as refused:
            older, far = 0, f"the far future is refused ({refused})"
        span, sample = await recent(listed, asking)
        if older:
            said = f"asked for what comes a year from now: {plural(older)} came, from before then"
            return fails(said, words.remedy(words.ignored, mostly=False) if 2 * older < len(sample.records) else "")
        times = sorted(time for time, _ in listed.timed(sample.records))
        if not times:
            return await _nothing(listed, words, asking, far)
        if len(times) < FEWEST:
            return holds(f"{far}; {plural(len(times))} for the last days")
        wide = (span, Span(listed.now - REACHES[-1], None))
        rows = [row for each in wide for row in (await listed.ask(asking, each, 1)).records]
        narrow = Span(_start(listed, words, times, rows), times[len(times) // 4 * 3] if listed.takes_end else None)
        return await _Compared(listed, words, narrow, wide).verdict(asking, far)

    return probe


async def _nothing(listed: ProbedList, words: FilterWords, asking: Asking, far: str) -> Verdict:
    """Judge a list that holds nothing of 30 days: perhaps the filter reads what it is sent as a later time."""
    try:
        rows = (await listed.ask(asking, EVER, 1)).records
    except Unexpected:
        rows = []
    hidden = sum(
        listed.now - REACHES[-1] + listed.slack < time < listed.now - REPLICAS_BEHIND for time, _ in listed.timed(rows)
    )
    if hidden:
        return fails(
            f"nothing came for 30 days; since {EVER.start:%Y}, {plural(hidden)} of these days came",
            f"{words.ignored}; nothing comes as it is",
        )
    return unknown(f"{far}; but there are no records of 30 days to compare with")


def _start(listed: ProbedList, words: FilterWords, times: Sequence[datetime], rows: Sequence[Raw]) -> datetime:
    """Return where a narrow range begins: where the most records lie before it by one of their times, and after it by
    another, so that it can be told by which it goes. `times` are those of the filter, sorted."""
    pairs = [
        sorted((time, other))
        for reader in words.others.values()
        for row in rows
        if (time := listed.time(row)) and (other := replace(listed, time_of=reader).time(row))
    ]

    def tells(start: datetime) -> int:
        return sum(first < start - listed.slack and start + listed.edge < last for first, last in pairs)

    return max([times[len(times) // 4], *times[: len(times) // 4 * 3]], key=tells)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A narrow range of a list, and the wide ones that it is compared with."""

    listed: ProbedList
    words: FilterWords
    narrow: Span
    wide: Sequence[Span]

    async def verdict(self, asking: Asking, before: str) -> Verdict:
        """Compare the ranges; `before` is what was found before."""
        rows, is_whole = await self._read(asking)
        if outside := self.listed.outside(rows, self.narrow):
            return self._outside(before, outside, len(rows))
        said = f"{before}; all {plural(len(rows))} of a range lie in it"
        if not is_whole:
            return holds(f"{said}, which is too long to be compared with a wider one")
        due = await self._due(asking)
        missing = set(due) - set(self.listed.timed(rows))
        if missing:  # what was edited meanwhile, or comes a moment later, is not missing
            rows, is_whole = await self._read(asking.later)
            missing &= set(await self._due(asking.later)) - set(self.listed.timed(rows))
            if not is_whole:
                return unknown("the list changed while we looked")
        if missing:
            return self._missing(said, due, missing)
        if not due:
            return holds(f"{said}; a wider one shows nothing to compare it with")
        blind = [name for name in self.words.others if not self._outside_by(name, due.values())]
        untold = f"; no record tells whether it goes by {' or '.join(blind)} instead" if blind else ""
        return holds(f"{said}, and so do the {len(due)} that a wider range shows to lie there{untold}")

    def _outside(self, known: str, outside: Sequence[timedelta], rows: int) -> Verdict:
        before, after = -min(*outside, timedelta(0)), max(*outside, timedelta(0))
        far = {"before": before.total_seconds(), "after": after.total_seconds()}
        how_far = " and ".join(f"up to {format_seconds(seconds)} {word}" for word, seconds in far.items() if seconds)
        said = f"asked for a range: {len(outside)} of {plural(rows)} lie outside of it, {how_far} it"
        if not self.words.is_said:  # what comes besides is not lost
            return holds(f"{known}; but {said} by {self.words.by}: it goes by something else")
        cause, mostly = self.words.start if before else self.words.end, 2 * len(outside) > rows
        return fails(said, "" if mostly and cause == SPELLING else self.words.remedy(cause, mostly=mostly))

    def _missing(self, said: str, due: Mapping[Named, Raw], missing: Collection[Named]) -> Verdict:
        """Judge a filter that leaves out what lies in the range by the time that it is said to go by."""
        rows = [due[name] for name in missing]
        others = [name for name in self.words.others if self._outside_by(name, rows) == len(rows)]
        goes = f", and goes by {' or '.join(others)} as it seems" if others else ""
        left_out = f"{len(missing)} of {plural(len(due))} that a wider range shows to lie in a narrow one"
        found = f"{left_out} by {self.words.by} do not come there: the filter leaves them out{goes}"
        remedy = self.words.elsewhere if others else self.words.missing
        return fails(found, remedy) if self.words.is_said else unknown(f"{said}; but {found}; so: {remedy}")

    async def _read(self, http: Http) -> tuple[Sequence[Raw], bool]:
        """Read the narrow range, and say whether that is all of it. Raises SourceError."""
        rows: list[Raw] = []
        place: PageRef = 1
        for _ in range(FEW_PAGES):
            try:
                page = await self.listed.ask(http, self.narrow, place)
            except Unexpected:
                if not rows:
                    raise
                return rows, False
            rows += page.records
            following = self.listed.following(place, page) if page.records else None
            if following is None:
                return rows, not page.cut
            place = following
        return rows, False

    async def _due(self, http: Http) -> Mapping[Named, Raw]:
        """Return what lies in the narrow range by what the wide ones show, and is neither at its edges nor new."""
        listed, due = self.listed, dict[Named, Raw]()
        first, last = self.narrow.start + listed.edge, (self.narrow.end or listed.now - REPLICAS_BEHIND) - listed.edge
        for span in self.wide:
            for row in (await listed.ask(http, span, 1)).records:
                time, name = listed.time(row), listed.name(row)
                if time and name and first <= time <= last:
                    due[time, name] = row
        return due

    def _outside_by(self, name: str, rows: Collection[Raw]) -> int:
        """Return how many rows lie outside of the narrow range by another time of theirs."""
        return len(replace(self.listed, time_of=self.words.others[name]).outside([*rows], self.narrow))
