"""Records that come up and change by themselves, for a list endpoint of no vendor in particular."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]
EDITED, DELETED = timedelta(minutes=7), timedelta(minutes=25)
"""How long after it came up a record is edited and deleted."""


class Rows:
    """Records that come up one by one since `began`, and change: every third is edited, every tenth is deleted.

    `put` and `remove` change them by hand. Times are datetimes in UTC.
    """

    def __init__(self, now: Callable[[], datetime], began: datetime, every: timedelta = timedelta(minutes=1)) -> None:
        self.now, self._began, self._every = now, began, every
        self._by_hand: dict[int, Record | None] = {}

    def put(self, record: Record) -> None:
        """Add a record, or take its place."""
        self._by_hand[record["id"]] = record

    def remove(self, identity: int) -> None:
        """Take a record away without a trace."""
        self._by_hand[identity] = None

    def visible(self) -> list[Record]:
        """Return the records as they are now."""
        now = self.now()
        count = max(0, int((now - self._began) / self._every) + 1)
        grown = {number: self._at(number, now) for number in range(1, count + 1)}
        return [record for record in {**grown, **self._by_hand}.values() if record is not None]

    def _at(self, number: int, now: datetime) -> Record:
        created = (self._began + (number - 1) * self._every).replace(microsecond=0)
        record = {
            "id": number,
            "created_at": created,
            "updated_at": created,
            "title": f"Item {number}",
            "state": "open",
        }
        if number % 3 == 0 and created + EDITED <= now:
            record |= {"title": f"Item {number}, edited", "updated_at": created + EDITED}
        if number % 10 == 0 and created + DELETED <= now:
            record |= {"state": "deleted", "updated_at": created + DELETED}
        return record
