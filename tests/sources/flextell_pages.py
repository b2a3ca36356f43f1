"""Flextell's answers and records, as its documentation describes them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from poller.plugin.stream import Window
from tests.sources.scripted import NOW

LEAD: dict[str, Any] = {
    "id": 5012,
    "first_name": "Pat",
    "last_name": "Example",
    "full_name": "Pat Example",
    "phone_number": "+905321234567",
    "email": "pat@example.com",
    "description": None,
    "message": "Please call me",
    "preferred_contact": "phone",
    "source_page_url": "https://example.com/form",
    "country_id": 90,
    "is_converted": False,
    "converted_at": None,
    "customer_id": None,
    "marketing_attribution": [],
    "external_id": "fb-77",
    "external_branch_id": None,
    "external_created_at": "2026-03-14T09:10:00Z",
    "last_synced_at": "2026-03-14T09:15:40Z",
    "import_source_id": 3,
    "created_at": "2026-03-14T09:15:42Z",
    "updated_at": "2026-03-14T09:15:42Z",
    "deleted_at": None,
    "status": {"id": 1, "name": "New", "slug": "new", "color": "#94a3b8", "is_terminal": False},
    "reference_source": {"id": 2, "name": "Instagram", "external_id": None},
    "assigned_user": {"id": 8, "name": "Dana"},
    "country_name": "Example Country",
}

EPOCH = datetime(2026, 3, 14, 12, tzinfo=UTC)


def stamp(minutes: float) -> str:
    """So many minutes after noon."""
    return f"{EPOCH + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def leads(minutes: Iterable[float | None], column: str = "created_at", start: int = 1) -> list[dict[str, Any]]:
    """Leads with a time in `column`, so many minutes after noon each."""
    return [{"id": number, column: None if at is None else stamp(at)} for number, at in enumerate(minutes, start)]


def listing(
    data: Sequence[Any], *, page: int = 1, total: int | None = None, last: int | None = None, per_page: int = 100
) -> dict[str, Any]:
    """A documented answer, in itself right unless told otherwise; its links are a trap."""
    total = len(data) if total is None else total
    url = "https://elsewhere.example/api/v1/leads"
    return {
        "data": list(data),
        "links": {"first": f"{url}?page=1", "last": f"{url}?page=9", "prev": None, "next": f"{url}?page={page + 1}"},
        "meta": {
            "current_page": page,
            "from": (page - 1) * per_page + 1 if data else None,
            "last_page": max(1, -(-total // per_page)) if last is None else last,
            "links": [{"url": None, "label": "&laquo; Previous", "active": False}],
            "path": url,
            "per_page": per_page,
            "to": (page - 1) * per_page + len(data) if data else None,
            "total": total,
        },
    }


def continued(data: Sequence[Any], **meta: object) -> dict[str, Any]:
    """An answer as the prose of the documentation has it: cursors instead of page numbers."""
    return {"data": list(data), "meta": meta}


SINCE_NOON = Window(EPOCH, NOW)
NEWEST = {"live": "created_at", "converted": "converted_at", "synced": "last_synced_at"}
ASKED = {
    "live": {"sort_by": "created_at", "sort_order": "desc"},
    "converted": {"sort_by": "converted_at", "sort_order": "desc", "converted": "1"},
    "synced": {"sort_by": "last_synced_at", "sort_order": "desc"},
    "full": {"sort_by": "created_at", "sort_order": "asc"},
    "trashed": {"sort_by": "created_at", "sort_order": "asc", "trashed": "1"},
}


def trashed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "deleted_at": "2026-03-14T12:00:00Z"} for row in rows]


def after_noon(count: int, column: str = "created_at", start: int = 1) -> list[dict[str, Any]]:
    """Newest first, all of them after noon."""
    return leads([3000 - number for number in range(start, start + count)], column, start)
