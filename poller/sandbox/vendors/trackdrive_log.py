"""TrackDrive's change log: what users and API clients did to leads and calls; what machines do is not in it."""

from collections.abc import Iterator, Sequence

from poller.sandbox.vendors.trackdrive_calls import CALLS
from poller.sandbox.vendors.trackdrive_leads import LEADS
from poller.sandbox.vendors.trackdrive_records import milli, show
from poller.sandbox.world.records import Fields, Kind, Version, View
from poller.sandbox.world.world import World


def _show(entry: Fields, view: View) -> Fields:
    new, old = show(entry["_after"], ()), show(entry["_before"], ()) if entry["_before"] else {}
    diff = {name: (old.get(name), value) for name, value in sorted(new.items()) if old.get(name) != value}
    before = {name: pair[0] for name, pair in diff.items()}
    after = {name: pair[1] for name, pair in diff.items()}
    return show({**entry, "diff": diff, "from_attrs": before, "to_attrs": after}, view)


ENTRIES = Kind(  # no stream of the world: the entries tell of leads and calls
    name="trackdrive/change_logs",
    key="id",
    born="created_at",
    stamp="created_at",
    life=lambda n, at, rng: iter(()),
    blank=lambda n, at, rng: {},
    touch=lambda at, rng: {},
    show=_show,
    odd=(),
)
BY_MACHINES = {
    LEADS.name: {"status", "updated_at", "next_action_at", "last_action_at", "last_call_at", "schedule_ended_at"},
    CALLS.name: {
        "status", "updated_at", "ended_at", "total_duration", "answered_duration", "agent_duration", "hangup_cause",
        "attempted_duration", "hold_duration", "ivr_duration", "connected_to", "recording_url",
    },
}  # fmt: skip
"""The fields that schedulers and telephony change by themselves."""


class ChangeLog:
    """A log of the entries in the order in which they were written: their ids only grow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._entries: list[Version] = []
        self._told: dict[str, int] = {}
        self._state = (-1, -1)

    def entries(self) -> list[Version]:
        """Return all entries up to now, oldest first."""
        state = (self._world.changes(LEADS.name), self._world.changes(CALLS.name))
        if state != self._state:
            self._state = state
            found = [entry for kind in (LEADS, CALLS) for entry in self._news(kind)]
            for entry in sorted(found, key=lambda entry: entry.since):
                entry.fields["id"] = 700_000_001 + len(self._entries)
                self._entries.append(entry)
        return self._entries

    def _news(self, kind: Kind) -> Iterator[Version]:
        for versions in self._world.lives(kind.name):
            key = str(versions[0].fields["uuid"])
            told = self._told.get(key, 0)
            self._told[key] = len(versions)
            for n in range(told, len(versions)):
                if not versions[n].gone and (entry := _entry(kind, versions, n)):
                    yield Version(versions[n].since, entry, deleted=False, gone=False)


def _entry(kind: Kind, versions: Sequence[Version], n: int) -> Fields | None:
    after, before = versions[n].fields, versions[n - 1].fields if n else {}
    changed = {name for name, value in after.items() if before.get(name) != value}
    made = kind is LEADS and after["lead_import_id"] is None
    if (not n and not made) or changed <= BY_MACHINES[kind.name] or (n and "_redacted" in changed):
        return None
    deed, method = ("update", "PUT") if n else ("create", "POST")
    if n and after["deleted_at"] and "deleted_at" in changed:
        deed, method = "destroy", "DELETE"
    return {
        "created_at": milli(versions[n].since), "lead_id": after["id"] if kind is LEADS else None,
        "call_id": after["id"] if kind is CALLS else None, "user_id": 12, "action_name": deed, "request_method": method,
        "_before": before, "_after": after,
    }  # fmt: skip
