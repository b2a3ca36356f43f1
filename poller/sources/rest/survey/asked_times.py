"""Advice on the times that a list is asked for by: whose clock they are read in, and whether they find edits."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec import Raw

from poller.plugin import DECODE_ERRORS, Stream, follow_path, format_duration, parse_path, read_any_time
from poller.sources.rest.lists import List
from poller.sources.rest.request import texts
from poller.sources.rest.streams import Description
from poller.sources.rest.written_times import read_offset

_OFFSET = re.compile(r":\d\d(?:[.,]\d+)?\s?([+-]\d\d:?\d\d)$")
_APART = timedelta(minutes=5)
"""Clocks that are right are no further apart."""
_QUARTER = timedelta(minutes=15)
_ASKED_BY = re.compile(r"([\w.]+)\W{0,9}\{start", re.ASCII)


def off_by_hours(description: Description, rows: Sequence[Raw], now: datetime) -> Iterator[str]:
    """Yield that the newest stamp without an offset lies in the future, or as far back as its zone is ahead of UTC.

    A window that is asked for in such a zone begins hours after the newest records, and is empty each time.
    """
    zone, path = description.zone, description.stream.modified
    if zone is None or path is None:
        return
    texts = [text for row in rows if read_any_time(text := _at(row, path)) is None]
    newest = max(filter(None, (read_any_time(text, zone) for text in texts)), default=None)
    if newest is None:
        return
    ahead, old = newest.astimezone(zone).utcoffset() or timedelta(0), now - newest
    if old < -_APART:
        yield f"the newest {path} lies about {format_duration(_rounded(-old))} in the future: is `timezone` right?"
    elif ahead > _APART and abs(old - ahead) < _APART:
        yield (
            f"the newest {path} is {format_duration(ahead)} old, and {zone} is as far ahead of UTC: does the vendor "
            "show UTC? Then set `timezone: UTC`"
        )


def _rounded(span: timedelta) -> timedelta:
    """Return a span in quarters of an hour, as zones differ."""
    return _QUARTER * max(round(span / _QUARTER), 1)


def _at(row: Raw, path: str) -> object:
    with suppress(*DECODE_ERRORS):
        return follow_path(msgspec.json.decode(row), parse_path(path))
    return None


def other_zone(description: Description, listed: List, rows: Sequence[Raw]) -> Iterator[str]:
    """Yield what is doubtful about a clock's time that is sent without an offset, where the times of records have one
    that is never the zone's. No offset from UTC shows no zone: many vendors print UTC, whatever they read."""
    forms = [form for form in listed.request.formats if form.is_local and form.granule < timedelta(days=1)]
    shown = [*_offsets(description, listed, rows)] if forms else []
    if any(at.astimezone(listed.zone).utcoffset() == read_offset(said) for said, at in shown):
        return
    if said := ", ".join(dict.fromkeys(said for said, _ in shown if read_offset(said))):
        yield f"records carry {said}, and {{start}} is written in {listed.zone} without an offset: is `timezone` right?"


def _offsets(description: Description, listed: List, rows: Sequence[Raw]) -> Iterator[tuple[str, datetime]]:
    """Yield the offsets of the times of records, each with its time."""
    stream = description.stream
    paths = {path: parse_path(path) for path in (listed.window_field, stream.time, stream.modified) if path}
    for row in rows:
        with suppress(*DECODE_ERRORS):
            record = msgspec.json.decode(row)
            for path in paths.values():
                text = follow_path(record, path)
                found, at = _OFFSET.search(text) if isinstance(text, str) else None, read_any_time(text)
                if found and at:
                    yield found[1], at


def unseen_edits(description: Description, stream: Stream) -> Iterator[str]:
    """Yield that edits are seen only as far as windows look back, where all sweeps ask by another time than that of
    modification."""
    asked = [(sweep, description.list_of(description.sweeps[sweep.name])) for sweep in stream.sweeps]
    times = [_not_by_edits(description, listed) for _, listed in asked]
    if not all(times):
        return
    back = ", ".join(f"{sweep.name} {format_duration(sweep.lookback or timedelta(0))}" for sweep, _ in asked)
    yield (
        f"all sweeps ask by {', '.join(dict.fromkeys(filter(None, times)))}, and {description.stream.modified} moves "
        f"with edits: of records older than they look back ({back}) no edit is seen; can the vendor filter by it?"
    )


def _not_by_edits(description: Description, listed: List) -> str | None:
    """Return by what other time than that of its modification a list is asked for; None where it may list edits."""
    own, field = description.stream.time, listed.window_field
    if field is not None:
        created = field == own or "creat" in field.lower()
        return field if created and field != description.stream.modified else None
    request = listed.request
    named = [name for name, value in request.params.items() if any(text.startswith("{start") for text in texts(value))]
    within = [one for text in texts(request.sent) for one in _ASKED_BY.findall(text)]
    return next((name for name in (*named, *within) if "creat" in name.lower()), None)
