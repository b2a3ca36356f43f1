"""The sandbox's truth in the laws' words, for every vendor's stream: one row each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.laws import Life, Version

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How a stream's records are compared: without what changes and means nothing, by the vendor's documentation."""

    name: str
    view: tuple[str, ...] | None
    own_time: str
    stamp: str
    volatile: frozenset[str]
    signed: frozenset[str] = frozenset()

    def content(self, record: Record) -> Any:
        """What of a record means something."""
        kept = {key: value for key, value in record.items() if key not in self.volatile}
        for key in self.signed & kept.keys():
            kept[key] = str(kept[key]).partition("?")[0]
        return kept

    def life(self, versions: Sequence[Mapping[str, Any]], vanished: object) -> Life:
        """One identity's history, as the sandbox tells it in JSON."""
        return Life([self._version(version) for version in versions], vanished is not None)

    def _version(self, version: Mapping[str, Any]) -> Version:
        record, at = version["record"], version["at"]
        readable = isinstance(record, dict)
        return Version(
            at=at if isinstance(at, datetime) else datetime.fromisoformat(at),
            content=self.content(record) if readable else record,
            stamp=(record.get(self.stamp) or "") if readable else "",
            deleted=version["deleted"],
            broken="broken_record" in version["vices"] or not (readable and record.get(self.own_time)),
        )


YARDSTICKS: Mapping[str, Yardstick] = {
    "callcap": Yardstick(
        "callcap/calls",
        None,
        "start_datetime",
        "last_modified",
        frozenset({"last_modified"}),
        frozenset({"recording"}),
    ),
    "flextell": Yardstick(
        "flextell/leads", None, "created_at", "updated_at", frozenset({"updated_at", "last_synced_at"})
    ),
}
