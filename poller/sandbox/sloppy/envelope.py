"""The places in each vendor's answers that sloppy kinds change: rows, totals, page numbers, sizes, cursors, zones."""

from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A vendor's places, each a path from the top of the document; () where the vendor has no such place.

    `rows` are the names under which records lie, a list's or a single one's; without any of them the document is a
    record itself where `bare` says so. `claims` count the rows of this page. `zone` names the zone of the whole answer,
    `row_zone` that of one record. `numbers` are documented numeric fields of a record that may be null, `constants`
    those that never change.
    """

    rows: tuple[str, ...]
    totals: tuple[Path, ...] = ()
    pages: tuple[Path, ...] = ()
    sizes: tuple[Path, ...] = ()
    claims: tuple[Path, ...] = ()
    cursors: tuple[Path, ...] = ()
    statuses: tuple[Path, ...] = ()
    zone: Path = ()
    row_zone: Path = ()
    bare: bool = False
    numbers: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()


ENVELOPES: Mapping[str, Envelope] = {
    "agendize": Envelope(("items",), row_zone=("start", "timeZone"), numbers=frozenset({"duration"})),
    "callcap": Envelope(
        ("call",),
        totals=(("pagination", "total_records"),),
        pages=(("pagination", "page"), ("pagination", "last_page")),
        sizes=(("pagination", "show"),),
        claims=(("pagination", "records_returned"),),
        zone=("search", "timezone"),
        constants=frozenset({"rings"}),
    ),
    "flextell": Envelope(
        ("data",),
        totals=(("meta", "total"),),
        pages=(("meta", "current_page"), ("meta", "last_page")),
        sizes=(("meta", "per_page"),),
        claims=(("meta", "to"),),
        numbers=frozenset({"customer_id", "import_source_id"}),
    ),
    "helpdesk": Envelope(
        ("tickets",),
        totals=(("total",),),
        pages=(("page",),),
        sizes=(("per_page",),),
        numbers=frozenset({"satisfaction"}),
    ),
    "ipscape": Envelope(
        ("items", "data"),
        pages=(("pageNo",),),
        sizes=(("perPage",),),
        claims=(("inPage",),),
        bare=True,
        numbers=frozenset({"wrapCode", "lastStatusCode", "agentId", "activityId", "parentActivityId", "wrap"}),
    ),
    "trackdrive": Envelope(
        ("leads", "calls", "change_logs", "lead", "call"),
        totals=(("metadata", "total_count"),),
        cursors=(("metadata", "next_cursor"),),
        statuses=(("status",),),
        numbers=frozenset({"buyer_id", "total_duration", "answered_duration", "agent_duration", "hold_duration"}),
    ),
}
"""Vendors' envelopes: https://trackdrive.com/api/docs, https://callcap.readme.io, https://docs.flextell.ai etc."""
