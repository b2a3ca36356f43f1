"""Decide which records of a page are news, and turn those into messages.

The life of a page: its rows are named, and their bytes compared with those that `seen` holds of these identities, all
at once; most are known, and go no further. Nor do those that differ in what is volatile only, from the second time on.
Any other row is decoded, and its content compared. Equal content is a
duplicate; an older stamp than the one delivered is a stale word of a lagging replica, and dropped for an hour; a new
record of the first complete pass that lies before `start` is noted in silence. All else is news: it is normalized and
becomes an event. Whatever breaks on the way makes this one record a reject.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Raw
from msgspec.structs import replace
from xxhash import xxh3_64_intdigest

from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import EventWriter, Revision, StreamInfo
from poller.events.digest import Projections, digest_of_content, microseconds
from poller.events.drift import look_at
from poller.events.raw_json import compact_json
from poller.events.reading import Hashes, Row, Unreadable, compare_rows, decode_record, name_of
from poller.events.rejects import reject
from poller.events.seen import BASELINE, DELETED, REJECT, UNSTAMPED, Entry, Seen, key_of, key_of_reject
from poller.plugin.stream import Stream
from poller.redaction import SECRETS

_LINE_FEED, _CARRIAGE_RETURN = b"\n\r"

TRUTH_AFTER = 3600
"""Seconds after a delivery from which an older revision is taken for the truth, no longer for a lagging replica."""


def transform(
    stream: Stream, info: StreamInfo, records: Sequence[bytes | Raw], seen: Seen, context: PageContext
) -> Batch:
    """Read a page's records in the order given. Never raises for what a vendor sent."""
    page = _Page(stream, info, seen, context)
    counts, update = page.batch.counts, page.batch.seen
    compared = page.compared(records)
    counts.records, counts.duplicates = len(records), len(records) - len(compared)
    for row, identity, key, hashes, same in compared:
        if same and key not in update.entries and key not in update.touched:
            counts.duplicates += 1
        else:
            page.take(row, identity, key, hashes, same)
    return page.batch


class _Page:
    """A page under way: a record met twice in it is compared with what its first showing left."""

    def __init__(self, stream: Stream, info: StreamInfo, seen: Seen, context: PageContext) -> None:
        self.batch = Batch()
        self._records, self._info, self._seen, self._context = stream.records, info, seen, context
        self._now = context.now.timestamp()
        loosely = getattr(stream.records.decoder, "decode_loosely", None)
        self._projections = Projections(stream.records.contents, loosely, stream.records.untyped)
        self._writer = EventWriter(info, context.now)
        self._decode, self._second = stream.records.decoder.decode, int(self._now)
        self._leaves_out = context.baseline is not None or context.left_alone_before is not None
        self._compact: bool | None = None
        self._looks = context.looks

    def compared(self, rows: Sequence[bytes | Raw]) -> Sequence[Row]:
        """Return the rows that may be news, named and compared."""
        names, compared = compare_rows(rows, self._records, self._seen, self._projections.number, self._context)
        if self._context.names:
            self.batch.identities.update(filter(None, names))
        return compared

    def take(self, row: bytes | Raw, identity: str | None, key: int, hashes: Hashes, same: bool | None) -> None:
        """Read a row that may be news."""
        raw, record, name = bytes(row), None, None
        try:
            known = None if same is None or identity is None else self._seen.get(key, self._now)
            record, name = decode_record(self._decode, raw), identity
            if name is None:
                name = name_of(self._records.identity(record))
                key = key_of(name)
                known = self._seen.get(key, self._now)
                if self._context.names:
                    self.batch.identities.add(name)
            self._judge(record, name, key, raw, hashes, known)
        except Unreadable as why:
            self._reject(raw, record, name, str(why))
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file rejects the record, and blocks nobody
            self._reject(raw, record, name, f"cannot be read: {type(error).__name__}: {error}")

    def _judge(self, record: Any, identity: str, key: int, raw: bytes, hashes: Hashes, known: Entry | None) -> None:
        context, update = self._context, self.batch.seen
        known = update.entries.get(key) or update.touched.get(key) or known
        doubted = key in context.doubts and key not in update.entries
        if context.history and (known is None or known.flags & BASELINE):
            own = self._known_time(record)
            if own and not context.history.holds(own):
                self.batch.counts.duplicates += 1
                return
            known = None
        if known and known.raw == hashes[0] and known.projection == self._projections.number and not doubted:
            self.batch.counts.duplicates += 1
            return
        entry = self._entry(record, hashes, known)
        if known and not doubted and self._is_old(known, key, record, entry, raw):
            return
        own = self._known_time(record) or context.now
        if self._leaves_out and not (known or doubted) and self._is_left_out(key, entry, own):
            return
        self._add_news(record, identity, raw, entry, known, own)
        update.entries[key] = entry
        update.delivered.add(key)

    def _entry(self, record: Any, hashes: Hashes, known: Entry | None) -> Entry:
        """Build the entry that this showing leaves, if it is news."""
        stamp = self._records.modified(record)
        return Entry(
            digest_of_content(self._projections.of(record)),
            hashes[0],
            UNSTAMPED if stamp is None else microseconds(stamp),
            known.revision + 1 if known else 1,
            self._second,
            DELETED if self._records.deleted(record) else 0,
            self._projections.number,
            hashes[1],
        )

    def _is_old(self, known: Entry, key: int, record: Any, entry: Entry, raw: bytes) -> bool:
        """Return True, and count it, if this is no news: the content last delivered, or an older one."""
        if self._is_same(known, record, entry, raw):
            self.batch.counts.duplicates += 1
            newest = max(entry.modified, known.modified)
            was = {"revision": known.revision, "delivered": known.delivered, "flags": known.flags}
            noted = replace(entry, modified=newest, **was)
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

    def _is_left_out(self, key: int, entry: Entry, own: datetime) -> bool:
        """Return True if a record that is new to us is an old one: it is noted in silence, or left alone."""
        if _is_before(self._context.baseline, own, entry):
            self.batch.seen.entries[key] = replace(entry, flags=entry.flags | BASELINE)
            return True
        if _is_before(self._context.left_alone_before, own, entry):
            self.batch.counts.duplicates += 1
            return True
        return False

    def _known_time(self, record: Any) -> datetime | None:
        """Return the record's own time; None where its kind has none, and all that was asked for is what was meant."""
        try:
            return self._records.time(record)
        except (ValueError, OverflowError) as error:
            raise Unreadable(f"its own time cannot be read: {error}") from None

    def _add_news(
        self, record: Any, identity: str, raw: bytes, entry: Entry, known: Entry | None, own: datetime
    ) -> None:
        what = "deleted" if entry.flags & DELETED else "updated" if known else "created"
        time = own if what == "created" else self._records.modified(record) or self._context.now
        try:
            data = self._records.normalize(record)
            revision = Revision(identity, entry.revision, entry.digest, time)
            message, type_ = self._writer.event(data, what, revision, self._compacted(raw))
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file rejects the record, and blocks nobody
            raise Unreadable(f"cannot be normalized: {type(error).__name__}: {error}") from None
        self._count_news(raw, entry, known, own)
        self.batch.messages.append(message)
        self.batch.counts.events[type_] += 1

    def _compacted(self, raw: bytes) -> bytes:
        """Return the record without white space between its tokens: one serializer prints a page, so one record tells.

        A line break is looked for in each, for one would tear a line.
        """
        if self._compact and _LINE_FEED not in raw and _CARRIAGE_RETURN not in raw:
            return raw
        compact = compact_json(raw)
        if self._compact is None:
            self._compact = compact == raw
        return compact

    def _count_news(self, raw: bytes, entry: Entry, known: Entry | None, own: datetime) -> None:
        context, counts = self._context, self.batch.counts
        age, timed = self._now - own.timestamp(), own is not context.now
        if known is None and timed and not context.history:
            counts.lateness.append(age if age > 0 else 0.0)
        reached = context.reached if context.is_audit else None
        if reached and not (context.live_by_modified and entry.modified >= microseconds(reached)):
            reason = "edited" if known else "late" if own < reached else "skipped"
            counts.found[reason] += 1
            if timed:
                counts.found_ages.append((reason, age))
        if self._looks:
            self._looks = False
            if shown := look_at(raw, self._records.decoder.type):
                counts.samples.append(shown[0])
                counts.drifted |= shown[1]

    def _reject(self, raw: bytes, record: Any, identity: str | None, reason: str) -> None:
        digests = self._digests(raw, record)
        keys = [key_of_reject(digest) for digest in digests]
        if any(key in self.batch.seen.entries or self._seen.get(key, self._now) for key in keys):
            self.batch.counts.duplicates += 1
            return
        digest, key, reason = digests[-1], keys[-1], SECRETS.hide(reason)
        self.batch.seen.entries[key] = Entry(digest, 0, UNSTAMPED, 0, int(self._now), REJECT, self._projections.number)
        self.batch.seen.delivered.add(key)
        self.batch.messages.append(
            reject(self._info, identity=identity, reason=reason, digest=digest, observed=self._context.now, raw=raw)
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
