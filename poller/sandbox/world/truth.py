"""The true history of a simulated record, told the way a vendor's list would show it: the yardstick for tests."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from poller.sandbox.world.records import Kind, Version, View


@dataclass(frozen=True, slots=True)
class Shown:
    """A version, visible from `at` on; `vices` names what disfigures it: a `broken_record` has no proper identity."""

    at: datetime
    record: Any
    deleted: bool
    vices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A life of one identity, oldest version first; `deletion_event` is set if the vendor dropped it without a mark."""

    versions: tuple[Shown, ...]
    deletion_event: datetime | None

    @property
    def first_visible(self) -> datetime:
        """The time at which the record could first be read."""
        return self.versions[0].at


def told(kind: Kind, view: View, versions: list[Version]) -> History:
    """Return the history of a record that went through these versions."""
    shown = tuple(
        Shown(version.since, orjson.loads(version.raw(kind, view)), version.deleted, version.worn)
        for version in versions
        if not version.gone
    )
    return History(shown, versions[-1].since if versions[-1].gone else None)
