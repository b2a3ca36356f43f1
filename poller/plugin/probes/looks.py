"""Probes that look twice, a while apart: what came late, and what was changed without a stamp?"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import msgspec
from msgspec import Raw

from poller.humanize import format_duration, format_seconds
from poller.plugin.assumptions import Asking, Probe, Verdict, fails, holds, unknown
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.pagination.bisect import Span
from poller.plugin.pagination.pages import ListPage
from poller.plugin.probes.listed import ProbedList, plural, recent
from poller.plugin.record_type import RecordType

_FIELD = re.compile(r"[A-Za-z_$][\w.-]{0,39}", re.ASCII)
TRIES = 4
REACH = timedelta(hours=6)
"""So far back is looked for late records at least, where the list fits a page."""


async def _looks(listed: ProbedList, asking: Asking, reach: timedelta) -> tuple[ListPage, ListPage] | None:
    """Ask twice for the newest records, a while apart; None where not even a small part of them fits one page."""
    for _ in range(TRIES):
        span = Span(listed.now - reach, None)
        first = await listed.ask(asking, span, 1)
        if listed.newest_first or (listed.following(1, first) is None and not first.cut):
            return first, await listed.ask(asking.later, span, 1)
        reach *= len(first.records) / (2 * first.total) if first.total else 1 / 16
    return None


def records_come_in_time(listed: ProbedList, within: timedelta, key: str) -> Probe:
    """Look for records that came between two looks, though their time lies further back than `within`.

    `key` is the key of the configuration that says how far the sweep in question looks back.
    """

    async def probe(asking: Asking) -> Verdict:
        looks = await _looks(listed, asking, max(4 * within, REACH))
        if looks is None or looks[0].date is None or looks[1].date is None:
            return unknown("the newest records do not fit one page, or the answers have no date")
        first, second = looks
        is_new = _judge_of_new(listed, first)
        new = [time for time, name in listed.timed(second.records) if is_new(time, name)]
        latest = max((looks[0].date - time for time in new), default=timedelta(0))
        if latest > within:
            granule = timedelta(hours=1) if latest > timedelta(hours=2) else timedelta(minutes=1)
            needed = format_duration(ceil(1.5 * latest / granule) * granule)
            return fails(f"a record came {_spelt(latest)} or more after its time", f"set {key} to {needed} or more")
        if not new:
            return unknown("no new record came while we looked")
        return holds(
            f"{plural(len(new))} came while we looked, at most {_spelt(looks[1].date - min(new))} after its time"
        )

    return probe


def _judge_of_new(listed: ProbedList, first: ListPage) -> Callable[[datetime, str], bool]:
    """Return a judge of whether a record is new since the first look; of a page cut off, what is older is not."""
    seen = listed.timed(first.records)
    oldest = None if listed.following(1, first) is None else min((time for time, _ in seen), default=None)
    return lambda time, name: (time, name) not in seen and (oldest is None or time >= oldest)


def edits_move_the_stamp(
    listed: ProbedList,
    records: RecordType[Any],
    reach: timedelta,
    ignore: Callable[[Any], Any] = lambda content: content,
) -> Probe:
    """Compare what two looks show of the same records: one whose content differs has another stamp.

    `ignore` takes out of a content what the vendor is known to change without a stamp.
    """

    async def probe(asking: Asking) -> Verdict:
        looks = await _looks(listed, asking, reach)
        if looks is None:
            return unknown("the newest records do not fit one page")
        before, after = (_contents(listed, records, look.records, ignore) for look in looks)
        edited = [name for name in before.keys() & after.keys() if before[name][1] != after[name][1]]
        unstamped = sum(before[name][0] == after[name][0] for name in edited)
        if unstamped:
            return fails(f"{unstamped} of {plural(len(edited), 'edit')} moved no stamp")
        if not edited:
            return unknown(f"none of {plural(len(before))} was edited while we looked")
        return holds(f"{plural(len(edited), 'edit')}, each with a new stamp")

    return probe


def records_stay_the_same(listed: ProbedList, records: RecordType[Any]) -> Probe:
    """Compare what two looks show of the same records: what differs although nobody edited them, changes by itself.

    Where records have no stamp, an edit cannot be told from that, unless it is one field of most records.
    """

    async def probe(asking: Asking) -> Verdict:
        span, page = await recent(listed, asking)
        again = await listed.ask(asking.later, span, 1)
        before, after = (_contents(listed, records, look.records, lambda content: content) for look in (page, again))
        same = [name for name in before.keys() & after.keys() if before[name][0] == after[name][0]]
        fields = Counter(field for name in same for field in _differing(before[name][1], after[name][1]))
        least = 1 if any(before[name][0] for name in same) else max(2, len(same) // 2 + 1)
        found = sorted(field for field, count in fields.items() if count >= least)
        if found:
            most = max(fields[field] for field in found)
            return fails(f"in {most} of {plural(len(same))} changed by itself: {', '.join(found)}")
        if not same or fields:
            return unknown("no record came twice that nobody edited" if not same else "who changed it cannot be told")
        return holds(f"{plural(len(same))} came twice, and nothing in them had changed")

    return probe


def _differing(before: Any, after: Any) -> Iterator[str]:
    """Yield the names of the fields that differ; a name that does not look like a field's may be data."""
    names = before.keys() | after.keys() if isinstance(before, dict) and isinstance(after, dict) else ()
    differing = (name for name in names if before.get(name) != after.get(name))
    return (name if _FIELD.fullmatch(name) else "(a field of an odd name)" for name in differing)


def _contents(
    listed: ProbedList, records: RecordType[Any], rows: Any, ignore: Callable[[Any], Any]
) -> Mapping[str, tuple[datetime | None, Any]]:
    """Return the stamp and the content of each row that can be read, by its identity."""
    found = {}
    for row in rows:
        try:
            record = records.decoder.decode(bytes(Raw(row)))
            content = _something(msgspec.to_builtins(ignore(records.contents[-1](record))))
            found[listed.name(row) or ""] = (records.modified(record), content)
        except (ValueError, *DECODE_ERRORS):
            continue
    found.pop("", None)
    return found


def _something(value: Any) -> Any:
    """Return a content without what is nothing in it: null and absent are the same."""
    if isinstance(value, dict):
        return {name: kept for name, inner in value.items() if (kept := _something(inner)) not in _NOTHING}
    return [_something(inner) for inner in value] if isinstance(value, list) else value


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _spelt(span: timedelta) -> str:
    return format_seconds(span.total_seconds())
