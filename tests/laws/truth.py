"""The sandbox's truth in the laws' words, for every vendor's stream: one row each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.laws.laws import Life, Version
from tests.laws.meaning import meaning

Record = Mapping[str, Any]
UNDOCUMENTED = "beta_score"
"""The field that the vice `new_field` adds: one that nobody documented is no news, but where nothing is documented."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A way to compare a stream's records: without what changes and means nothing, by the vendor's documentation.

    Places are dotted paths. `own_time` is None where its kind has no time of its own. `blurred` places never change,
    but for a vice that makes them null. Local times are in `zone`. Of a list that is `described` in YAML alone no field
    is documented, so a new one means something.
    """

    name: str
    own_time: str | None
    stamp: str | None
    volatile: frozenset[str] = frozenset()
    signed: frozenset[str] = frozenset()
    blurred: frozenset[str] = frozenset()
    zone: str | None = None
    described: bool = False

    @property
    def vendor(self) -> str:
        return self.name.partition("/")[0]

    @property
    def stream(self) -> str:
        return self.name.partition("/")[2]

    def content(self, record: Any) -> Any:
        """Return the part of a record that can be held against the truth: without the `blurred` places, and fields
        that only some answers have."""
        kept, left_out = self.meant(record), self.blurred | {UNDOCUMENTED}
        if not isinstance(kept, dict):
            return kept
        return {key: value for key, value in kept.items() if key not in left_out}

    def meant(self, record: Any) -> Any:
        """Return the part of a record that means something, however it is spelt, with the `blurred` places."""
        return meaning(self._kept(record, "") if isinstance(record, dict) else record, self.zone)

    def life(self, versions: Sequence[Mapping[str, Any]], deletion_event: object) -> Life:
        """Return the life of one identity from its history, as the sandbox tells it in JSON."""
        return Life([self._version(version) for version in versions], deletion_event is not None)

    def _kept(self, record: Record, above: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in record.items():
            path = f"{above}{key}"
            if path not in self.volatile and (self.described or key != UNDOCUMENTED):
                nested = isinstance(value, dict) and any(place.startswith(f"{path}.") for place in self._places)
                kept[key] = self._kept(value, f"{path}.") if nested else value
            if path in self.signed and isinstance(value, str):
                kept[key] = value.partition("?")[0]
        return kept

    @property
    def _places(self) -> frozenset[str]:
        return self.volatile | self.signed

    def _version(self, version: Mapping[str, Any]) -> Version:
        record, at = version["record"], version["at"]
        undated = self.own_time is not None and _at(record, self.own_time) is None
        return Version(
            at=at if isinstance(at, datetime) else datetime.fromisoformat(at),
            content=self.content(record),
            stamp=_instant(_at(record, self.stamp)) if self.stamp else NEVER,
            deleted=version["deleted"],
            broken="broken_record" in version["vices"] or not isinstance(record, dict) or undated,
        )


def _at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _instant(leaf: Any) -> datetime:
    try:
        found = datetime.fromisoformat(leaf)
    except (TypeError, ValueError):
        return NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_TRACKDRIVE_STAMPS = frozenset({"updated_at", "user_updated_at"})
_ROWS = (
    Yardstick("agendize/calls", "start.dateTime", None, signed=frozenset({"record.url"})),
    Yardstick(
        "callcap/calls",
        "start_datetime",
        "last_modified",
        frozenset({"last_modified"}),
        frozenset({"recording"}),
        blurred=frozenset({"rings"}),
        zone="US/Arizona",
    ),
    Yardstick("flextell/leads", "created_at", "updated_at", frozenset({"updated_at", "last_synced_at"})),
    Yardstick("helpdesk/tickets", "created_at", "updated_at", frozenset({"updated_at"}), described=True),
    Yardstick(
        "trackdrive/leads",
        "created_at",
        "updated_at",
        _TRACKDRIVE_STAMPS
        | {"next_action_at", "has_next_action", "last_action_at", "last_call_at", "expires_in", "is_live"}
        | {"human_status", "css_status", "context_menu_name", "routes_show_path", "routes_edit_path"},
    ),
    Yardstick(
        "trackdrive/calls",
        "created_at",
        "updated_at",
        _TRACKDRIVE_STAMPS | {"routes_show_path", "routes_edit_path"},
        frozenset({"recording_url"}),
    ),
    Yardstick("ipscape/activities", "data.timestamps.created", None),
    Yardstick("ipscape/dialler_calls", "timestamps.dialled", None),
    Yardstick(
        "ipscape/leads",
        "timestamps.created",
        "timestamps.modified",
        frozenset({"timestamps.modified", "timestamps.nextAttempt"}),
    ),
    Yardstick("ipscape/campaigns", None, None),
    Yardstick("ipscape/lead_lists", None, None),
    Yardstick("ipscape/users", None, None, frozenset({"status", "timeInStatus", "isLoggedIn"})),
)
YARDSTICKS: Mapping[str, Yardstick] = {row.name: row for row in _ROWS}


def of_vendor(vendor: str) -> list[Yardstick]:
    """Return the yardsticks of a vendor's streams."""
    return [row for row in _ROWS if row.vendor == vendor]
