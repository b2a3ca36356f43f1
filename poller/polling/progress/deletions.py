"""Records that a snapshot holds no longer: when that is believed, and what is told of them."""

from collections.abc import Collection, Iterable
from datetime import datetime

from poller.events.batch import Batch
from poller.events.cloudevent import EventWriter, Revision, StreamInfo
from poller.events.seen import DELETED, UNSTAMPED, Entry, Seen, key_of
from poller.plugin.stream import Sweep
from poller.polling.progress.coverage import AGREED
from poller.state.checkpoint import Checkpoint

_MANY = 10


def missing_members(checkpoint: Checkpoint, sweep: Sweep, found: Collection[str], now: datetime) -> list[str]:
    """Return the members that a complete snapshot is the second in a row not to hold; it `found` these identities.

    Where more than half of ten or more vanish at once the stream is suspect, and nothing is deleted until passes over
    24 hours agree, or all came back: a list that recovers step by step holds half of them again before it holds all.
    """
    state = checkpoint.sweeps[sweep.name]
    gone_now = state.members.keys() - set(found)
    many = len(state.members) >= _MANY and len(gone_now) > len(state.members) / 2
    many = many or (checkpoint.suspect is not None and bool(gone_now))
    checkpoint.suspect = (checkpoint.suspect or now) if many else None
    gone = [name for name in gone_now if state.members[name] > 0]
    if many and now - (checkpoint.suspect or now) < AGREED:
        gone = []
    state.members = {name: state.members.get(name, 0) + 1 for name in gone_now - set(gone)} | dict.fromkeys(found, 0)
    return sorted(gone)


def add_deletions(batch: Batch, shape: StreamInfo, identities: Iterable[str], seen: Seen, now: datetime) -> None:
    """Add to the batch that these records are gone: all null but their identity. A record that comes back is news."""
    writer = EventWriter(shape, now)
    for identity in identities:
        key = key_of(identity)
        known = batch.seen.entries.get(key) or seen.get(key, now.timestamp())
        revision = known.revision + 1 if known else 1
        entry = Entry(0, 0, UNSTAMPED, revision, int(now.timestamp()), DELETED, known.projection if known else 1)
        message, type_ = writer.deletion(Revision(identity, revision, 0, now))
        batch.messages.append(message)
        batch.seen.entries[key] = entry
        batch.seen.delivered.add(key)
        batch.counts.events[type_] += 1
