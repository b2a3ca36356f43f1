"""TrackDrive's log of changes: which leads it names, and how one of them is read by itself.

The log (https://trackdrive.com/api/docs/1.0/change_logs/index.html) names a lead by its internal `id`, while its
identity is the `uuid`: it is read by that `id`, so that nobody has to remember which is which.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw

from poller.plugin import (
    DECODE_ERRORS,
    Cursor,
    Http,
    ListPage,
    Page,
    PageRef,
    Unexpected,
    Window,
    decode_response,
    read_id,
    read_pages,
    read_time,
)
from poller.sources.trackdrive.api import CHANGES, FIXED, LAG, LEADS, ROW, SHAPES, believed, continued, since

LEAD_BY_ID = "/api/v1/leads/{}/id"  # documented for another method only; that it reads a lead, too, we assume
_ID = re.compile(r"[0-9A-Za-z-]+")


async def changes(http: Http, _: Cursor | None, window: Window) -> AsyncIterator[Page]:
    """Read which leads the log of changes names; the calls it names are found by other sweeps.

    An entry that cannot be followed makes the pass doubtful: something changed, and nobody knows what.
    """
    now: datetime | None = None

    async def ask(place: PageRef) -> ListPage:
        nonlocal now
        answer = await continued(http, CHANGES, {"created_at_from": since(window)}, place)
        now = answer.date
        odd = not all(_is_entry(row) for row in answer.records)
        doubt = "the log of changes names a lead by what is no id" if odd else None
        return replace(answer, doubt=answer.doubt or doubt)

    async for page in read_pages(ask, lag=LAG):
        yield Page((), to_fetch=_named(page.records, now), end=page.end)


def _is_entry(row: Raw) -> bool:
    try:
        lead_id = ROW.decode(row).lead_id
    except DECODE_ERRORS:
        return False
    return lead_id in (None, "") or bool(_ID.fullmatch(read_id(lead_id) or ""))


def _named(rows: Sequence[bytes | Raw], now: datetime | None) -> dict[str, timedelta]:
    """Return the leads of these entries, and how long ago they changed."""
    found: dict[str, timedelta] = {}
    for row in rows:
        if not _is_entry(Raw(row)):
            continue
        entry: Any = ROW.decode(row)
        name, logged = read_id(entry.lead_id), read_time(entry.created_at)
        age = max(now - logged, timedelta(0)) if now and logged else timedelta(0)
        if name:
            found[name] = min(age, found.get(name, age))
    return found


async def lead(http: Http, name: str) -> Page:
    """Read the lead of this internal id; what looks like a lead and has no id becomes a reject where it has no uuid.

    Raises Unexpected where another one comes: its own would never be read.
    """
    response = await http.get(LEAD_BY_ID.format(name), {**FIXED, **SHAPES[LEADS]}, accept=(200, 404))
    if response.status == 404:
        return Page(())
    sent = believed(response).lead
    said: Any = decode_response(ROW, sent)
    found = read_id(said.id)
    if found != name and (found or not said.created_at):
        # strict: {"lead": {}} or null says neither what the lead is nor that it is gone, for which there is the 404
        raise Unexpected("another lead came than the one asked for")
    return Page((sent,))
