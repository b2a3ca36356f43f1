"""A good answer on its way out, as the sloppy kinds see and change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from poller.sandbox.sloppy.envelope import Envelope, Path


@dataclass(slots=True)
class Reply:
    """An answer: `document` is the decoded body until it is written as `body`; `headers` have lower-case names.

    `path` and `query` are the request's, `now` is the vendor's clock.
    """

    envelope: Envelope
    path: str
    query: Mapping[str, str]
    now: datetime
    rng: Random
    document: Any
    headers: dict[str, str]
    body: bytes = b""

    @property
    def key(self) -> str | None:
        """The name under which the rows lie; None where the document has none of the documented names."""
        if not isinstance(self.document, dict):
            return None
        return next((name for name in self.envelope.rows if name in self.document), None)

    @property
    def rows(self) -> list[Any] | None:
        """The rows of a list, to be changed in place; None where the answer is no list."""
        if isinstance(self.document, list):
            return self.document
        rows = self.document.get(self.key) if self.key else None
        return rows if isinstance(rows, list) else None

    def change_records(self, change: Any) -> None:
        """Replace every record of the answer, a list's or a single one, by what `change` makes of it."""
        if (rows := self.rows) is not None:
            rows[:] = [change(row) for row in rows]
        elif self.key:
            self.document[self.key] = change(self.document[self.key])
        elif self.envelope.bare and isinstance(self.document, dict) and "metadata" not in self.document:
            self.document = change(self.document)

    def replace_rows(self, rows: Any) -> None:
        """Put something else in the place of a list's rows."""
        if self.key:
            self.document[self.key] = rows

    def change_numbers(self, paths: tuple[Path, ...], change: Any) -> None:
        """Replace the whole numbers at these places of the envelope."""
        for *above, name in paths:
            holder = self.document
            for step in above:
                holder = holder.get(step) if isinstance(holder, dict) else None
            if isinstance(holder, dict) and type(holder.get(name)) is int:
                holder[name] = change(holder[name])
