"""A small vendor for the tests of the core: its records, its stream, and a page read as the loop reads one."""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import msgspec
import orjson

from outputs import Message
from poller.events.batch import Batch, PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.json_schema import event_schema
from poller.events.seen import Seen
from poller.events.transform import transform
from poller.plugin.fields.decoding import without_overflows
from poller.plugin.fields.scalars import read_id, read_text
from poller.plugin.fields.structs import identity_of
from poller.plugin.fields.times import read_time, require_time
from poller.plugin.kinds import Lead
from poller.plugin.record_type import JsonValue, RecordType
from poller.plugin.stream import Cursor, End, Http, Page, Response, Stream, Sweep, Window
from poller.polling.progress.passes import Pass
from poller.polling.progress.windows import window
from poller.polling.runtime import Reading, StreamRuntime, SweepRuntime
from poller.state.checkpoint import Checkpoint, Gap, SweepState
from tests.support.getting import Getting

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
SHAPE = StreamInfo("acme", "toy", "leads", "lead")
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class _Nowhere(Getting):
    """A vendor that nobody asks."""

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        raise AssertionError(path)

    def answered(self, path: str) -> bool:
        return False


NOWHERE: Http = _Nowhere()


class Record(msgspec.Struct, omit_defaults=True):
    """`noise` is volatile; `extra` is compared since the second projection only."""

    id: JsonValue = None
    at: JsonValue = None
    changed: JsonValue = None
    deleted: JsonValue = None
    text: JsonValue = None
    extra: JsonValue = None
    noise: JsonValue = None


def first_projection(record: Record) -> Any:
    return [record.id, record.at, record.deleted, record.text]


def second_projection(record: Record) -> Any:
    return [*first_projection(record), record.extra]


def _normalize(record: Record) -> Lead:
    if record.text == "cannot":
        raise ValueError("cannot be told")
    return Lead(id=read_id(record.id) or "", full_name=read_text(record.text), created_at=read_time(record.at))


async def _pages(http: Http, cursor: Cursor | None, window: Window) -> AsyncIterator[Page]:
    yield Page((), end=End())


def sweep(name: str, every: timedelta, lookback: timedelta | None = timedelta(minutes=5), **flags: Any) -> Sweep:
    return Sweep(name, every, lookback, _pages, **flags)


def running(*sweeps: Sweep, started: datetime = NOON) -> StreamRuntime:
    """A stream with these sweeps, at its first start: all are due."""
    states = {each.name: SweepState(origin=started - timedelta(days=1), due=started) for each in sweeps}
    first = Checkpoint(started, started - timedelta(days=1), states)
    run = StreamRuntime("acme", stream(2, *sweeps), SHAPE, first, Seen(None), set(), None)
    run.sweeps = [SweepRuntime(each, run) for each in sweeps]
    return run


def under_way(run: SweepRuntime, now: datetime, *, pages: int = 0, gap: Gap | None = None) -> Reading:
    """A pass of this sweep over its window, or a gap, with so many pages read."""
    asked = Window(gap.start, gap.end) if gap else window(run.sweep, run.state.origin, run.state.cursor, now)
    return Reading(Pass(asked, now, gap, pages=pages), _pages(NOWHERE, None, asked))


def stream(projections: int = 2, *sweeps: Sweep, names_rows: bool = True) -> Stream:
    records = RecordType(
        row_identity=identity_of("id") if names_rows else None,
        kind=Lead,
        decoder=msgspec.json.Decoder(Record),
        identity=lambda record: record.id,
        time=lambda record: require_time(record.at, "at"),
        contents=(first_projection, second_projection)[:projections],
        normalize=_normalize,
        modified=lambda record: read_time(record.changed),
        deleted=lambda record: bool(record.deleted),
    )
    return Stream("leads", sweeps, records)


def stamp(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def record(identity: Any = "1", *, at: datetime = NOON, changed: datetime | None = None, **fields: Any) -> bytes:
    """As the vendor sends one; fields that are None are left out."""
    found = {"id": identity, "at": stamp(at), "changed": stamp(changed) if changed else None, **fields}
    return orjson.dumps({name: value for name, value in found.items() if value is not None})


class Reader:
    """One stream's memory over several pages: what the loop does with a batch, after a commit that never fails."""

    def __init__(
        self,
        shape: StreamInfo = SHAPE,
        projections: int = 2,
        keep: float | None = None,
        *,
        checked: bool = True,
        names_rows: bool = True,
    ) -> None:
        self.shape, self.stream, self.seen, self.now = (
            shape,
            stream(projections, names_rows=names_rows),
            Seen(keep),
            NOON,
        )
        self.checked = checked
        self.told: list[dict[str, Any]] = []
        self.batch = Batch()

    def read(self, *records: bytes, **under: Any) -> list[dict[str, Any]]:
        """The events that this page makes."""
        self.batch = transform(self.stream, self.shape, records, self.seen, PageContext(self.now, **under))
        self.seen.put(self.batch.seen.touched)
        self.seen.put(self.batch.seen.entries)
        events = [
            parsed(message) if self.checked else orjson.loads(without_overflows(message.value))
            for message in self.batch.messages
        ]
        self.told += events
        return events

    def later(self, **units: float) -> None:
        self.now += timedelta(**units)


def parsed(message: Message) -> dict[str, Any]:
    """An event, once it is clear that it is one: a single line, valid, addressed as it says."""
    assert b"\n" not in message.value
    assert b"\r" not in message.value
    event: dict[str, Any] = orjson.loads(without_overflows(message.value))  # which stay in `raw`, as they were sent
    VALIDATOR.validate(event)
    assert message.key == event["partitionkey"]
    assert message.reject == (event["type"] == "record.rejected")
    return event


def _formats() -> jsonschema.FormatChecker:
    formats = jsonschema.FormatChecker(())
    formats.checks("date-time", ValueError)(_is_date_time)
    return formats


def _is_date_time(value: object) -> bool:
    """RFC 3339 in UTC, and a date that there is."""
    if isinstance(value, str):
        datetime.fromisoformat(value)
        return bool(DATE_TIME.fullmatch(value))
    return True


VALIDATOR = jsonschema.Draft202012Validator(event_schema(), format_checker=_formats())
