"""Decide which records of a page are news, and turn those into messages.

The life of a record: it is decoded and named; its bytes, then its content, are compared with the entry that `seen`
holds of its identity. Equal content is a duplicate; an older stamp than the one delivered is a stale word of a lagging
replica, and dropped for an hour; a new record of the first complete pass that lies before `start` is noted in silence.
All else is news: it is normalized and becomes an event. Whatever breaks on the way makes this one record a reject.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Raw
from xxhash import xxh3_64_intdigest

from outputs import Message
from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import EventWriter, Revision, StreamInfo
from poller.events.digest import (
    Projections,
    digest_of_content,
    digest_of_known_spelling,
    microseconds,
)
from poller.events.drift import look_at
from poller.events.raw_json import compact_json
from poller.events.reading import Unreadable, decode_record, name_of
from poller.events.rejects import reject
from poller.events.seen import BASELINE, DELETED, REJECT, UNSTAMPED, Entry, Seen, key_of, key_of_reject
from poller.plugin.stream import Stream

_NEWS_IN_A_ROW = 8
"""After so many rows that were news, the next is read at once, without a look whether its bytes are known."""

_SAMPLED = 500
"""Fields are looked at (`drift`) in the first event of a page, and in each that comes so many after it."""

TRUTH_AFTER = 3600
"""Seconds after a delivery from which an older revision is taken for the truth, no longer for a lagging replica."""


def transform(
    stream: Stream, info: StreamInfo, records: Iterable[bytes | Raw], seen: Seen, context: PageContext
) -> Batch:
    """Read a page's records in the order given. Never raises for what a vendor sent."""
    page = _Page(stream, info, seen, context)
    counts, changed = page.batch.counts, 0  # rows in a row
    for row in records:
        counts.records += 1
        if changed < _NEWS_IN_A_ROW and page.holds_unchanged(row):
            changed = 0
        else:
            before = counts.duplicates
            page.take(bytes(row))
            changed = changed + 1 if counts.duplicates == before else 0
    return page.batch


class _Page:
    """A page under way: a record met twice in it is compared with what its first showing left."""

    def __init__(self, stream: Stream, info: StreamInfo, seen: Seen, context: PageContext) -> None:
        self.batch = Batch()
        self._records, self._info, self._seen, self._context = stream.records, info, seen, context
        self._now = context.now.timestamp()
        loosely = getattr(stream.records.decoder, "decode_loosely", None)
        self._projections = Projections(stream.records.contents, loosely)
        self._row_identity = None if context.history else stream.records.row_identity
        self._writer = EventWriter(info, context.now)
        self._compact: bool | None = None

    def holds_unchanged(self, row: bytes | Raw) -> bool:
        """Return True, and count it, if a row has the bytes that were last delivered, or noted, of its identity.

        Most rows are such: this splits, hashes and looks up, and decodes nothing but the identity.
        """
        identity = self._row_identity(row) if self._row_identity else None  # type: ignore[arg-type]  # bytes will do
        if identity is None:
            return False
        key, update = key_of(identity), self.batch.seen
        if key in update.entries or key in update.touched or key in self._context.doubts:
            return False
        if not self._seen.has_bytes(key, xxh3_64_intdigest(row), self._projections.number, self._now):
            return False
        if self._context.names:
            self.batch.identities.add(identity)
        self.batch.counts.duplicates += 1
        return True

    def take(self, raw: bytes) -> None:
        """Read a row that may be news."""
        identity = record = None
        try:
            record = decode_record(self._records.decoder.decode, raw)
            identity = name_of(self._records.identity(record))
            if self._context.names:
                self.batch.identities.add(identity)
            self._judge(record, identity, raw)
        except Unreadable as why:
            self._reject(raw, record, identity, str(why))
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file rejects the record, and blocks nobody
            self._reject(raw, record, identity, f"cannot be read: {type(error).__name__}: {error}")

    def _judge(self, record: Any, identity: str, raw: bytes) -> None:
        key, raw_hash = key_of(identity), xxh3_64_intdigest(raw)
        doubted = key in self._context.doubts and key not in self.batch.seen.entries
        known = self.batch.seen.entries.get(key) or self.batch.seen.touched.get(key) or self._seen.get(key, self._now)
        if self._context.history and (known is None or known.flags & BASELINE):
            if not self._context.history.holds(self._own_time(record)):
                self.batch.counts.duplicates += 1
                return
            known = None
        if known and known.raw == raw_hash and known.projection == self._projections.number and not doubted:
            self.batch.counts.duplicates += 1
            return
        entry = self._entry(record, raw_hash, known)
        if known and not doubted and self._is_old(known, key, record, entry, raw):
            return
        self._add_news(record, identity, raw, key, entry, known, silent=not (known or doubted))

    def _entry(self, record: Any, raw_hash: int, known: Entry | None) -> Entry:
        """Build the entry that this showing leaves, if it is news."""
        content = self._projections.of(record)
        spelt = digest_of_known_spelling(content)
        return Entry(
            known.digest if known and spelt and known.spelt == spelt else digest_of_content(content),
            raw_hash,
            microseconds(self._records.modified(record)),
            known.revision + 1 if known else 1,
            int(self._now),
            DELETED if self._records.deleted(record) else 0,
            self._projections.number,
            spelt,
        )

    def _is_old(self, known: Entry, key: int, record: Any, entry: Entry, raw: bytes) -> bool:
        """Return True, and count it, if this is no news: the content last delivered, or an older one."""
        if self._is_same(known, record, entry, raw):
            self.batch.counts.duplicates += 1
            newest = max(entry.modified, known.modified)
            noted = entry._replace(
                revision=known.revision, delivered=known.delivered, flags=known.flags, modified=newest
            )
            moved = newest != known.modified or entry.projection != known.projection
            (self.batch.seen.entries if moved else self.batch.seen.touched)[key] = noted
            return True
        if UNSTAMPED < entry.modified < known.modified and self._now - known.delivered <= TRUTH_AFTER:
            self.batch.counts.stale += 1
            return True
        return False

    def _is_same(self, known: Entry, record: Any, entry: Entry, raw: bytes) -> bool:
        """Compare by the projection that `known` was made with: after an upgrade the former one decides once."""
        if known.raw == entry.raw:
            return True
        former = self._projections.former_digest(record, raw, known.projection)
        return known.digest == (entry.digest if former is None else former)

    def _add_news(
        self, record: Any, identity: str, raw: bytes, key: int, entry: Entry, known: Entry | None, *, silent: bool
    ) -> None:
        own = self._own_time(record)
        if silent and _is_before(self._context.baseline, own, entry):
            self.batch.seen.entries[key] = entry._replace(flags=entry.flags | BASELINE)
            return
        if silent and _is_before(self._context.left_alone_before, own, entry):
            self.batch.counts.duplicates += 1
            return
        what = "deleted" if entry.flags & DELETED else "updated" if known else "created"
        message, type_ = self._message(record, entry, raw, identity, what, own)
        self._count_news(raw, known, own)
        self.batch.seen.entries[key] = entry
        self.batch.seen.delivered.add(key)
        self.batch.messages.append(message)
        self.batch.counts.events[type_] += 1

    def _own_time(self, record: Any) -> datetime:
        try:
            return self._records.time(record) or self._context.now
        except (ValueError, OverflowError) as error:
            raise Unreadable(f"its own time cannot be read: {error}") from None

    def _message(
        self, record: Any, entry: Entry, raw: bytes, identity: str, what: str, own: datetime
    ) -> tuple[Message, str]:
        try:
            data = self._records.normalize(record)
            time = own if what == "created" else self._records.modified(record) or self._context.now
            revision = Revision(identity, entry.revision, entry.digest, time)
            return self._writer.event(data, what, revision, self._compacted(raw))
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file rejects the record, and blocks nobody
            raise Unreadable(f"cannot be normalized: {type(error).__name__}: {error}") from None

    def _compacted(self, raw: bytes) -> bytes:
        """Return the record without white space between its tokens: one serializer prints a page, so one record tells.

        A line break is looked for in each, for one would tear a line.
        """
        if self._compact and b"\n" not in raw and b"\r" not in raw:
            return raw
        compact = compact_json(raw)
        if self._compact is None:
            self._compact = compact == raw
        return compact

    def _count_news(self, raw: bytes, known: Entry | None, own: datetime) -> None:
        context = self._context
        if known is None and not context.history:
            self.batch.counts.lateness.append(max(0.0, self._now - own.timestamp()))
        if context.is_audit and context.reached:
            reason = "edited" if known else "late" if own < context.reached else "skipped"
            self.batch.counts.found[reason] += 1
            self.batch.counts.found_ages.append((reason, self._now - own.timestamp()))
        if not len(self.batch.messages) % _SAMPLED and (shown := look_at(raw, self._records.decoder.type)):
            self.batch.counts.samples.append(shown[0])
            self.batch.counts.drifted |= shown[1]

    def _reject(self, raw: bytes, record: Any, identity: str | None, reason: str) -> None:
        digests = self._digests(raw, record)
        keys = [key_of_reject(digest) for digest in digests]
        if any(key in self.batch.seen.entries or self._seen.get(key, self._now) for key in keys):
            self.batch.counts.duplicates += 1
            return
        digest, key = digests[-1], keys[-1]
        self.batch.seen.entries[key] = Entry(digest, 0, UNSTAMPED, 0, int(self._now), REJECT, self._projections.number)
        self.batch.seen.delivered.add(key)
        now = self._context.now
        self.batch.messages.append(
            reject(self._info, identity=identity, reason=reason, digest=digest, observed=now, raw=raw)
        )
        self.batch.counts.rejects += 1

    def _digests(self, raw: bytes, record: Any) -> list[int]:
        """Return what a reject is remembered by: its content in every projection, today's last; else its bytes."""
        try:
            found = self._projections.digests(record, raw) if record is not None else []
        except Exception:  # noqa: BLE001  this may be the very bug that rejects it
            found = []
        return found or [xxh3_64_intdigest(raw)]


def _is_before(time: datetime | None, own: datetime, entry: Entry) -> bool:
    """Return whether a record lies wholly before a time: both its own time and its stamp."""
    return time is not None and own < time and entry.modified < microseconds(time)
