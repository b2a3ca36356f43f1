"""What the rows of a page need, so that a run delivers any of them."""

from collections.abc import Sequence

from msgspec import Raw

from poller.sources.rest.answer import wrong_key
from poller.sources.rest.lists import List
from poller.sources.rest.streams import Description
from poller.sources.rest.survey.advice import fields_in, ids_in, is_nowhere, times_in, unread_time

_MOST = 20
"""No more fields are named than so many."""


def require_records(description: Description, listed: List, rows: Sequence[Raw]) -> None:
    """Raise Unexpected where rows came, and a run would make no event of any: for want of an identity, or a time."""
    if rows and not any(map(listed.identity, rows)):
        raise wrong_key("identity", f"no record of the page has an identity: {_instead(rows)}; is `identity` right?")
    time, there = description.stream.time, times_in(rows, description.zone)
    if time and there and is_nowhere(time, rows):
        raise wrong_key("time", unread_time("time", time, there))


def _instead(rows: Sequence[Raw]) -> str:
    if ids := ids_in(rows):
        return f"what looks like one is at {', '.join(ids[:_MOST])}"
    return f"a record has {', '.join(fields_in(rows)[:_MOST]) or 'no fields'}"
