"""Events as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec)."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from xxhash import xxh3_64_intdigest

from outputs import Message
from poller.events.raw_json import encode, remove_path
from poller.plugin.kinds import KINDS, Kind

SCHEMA_VERSION = 1
"""The version in `dataschema`: rises when a field of `data` changes its meaning or goes, not when one is added."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream's constants in its events. `drop` holds dotted paths, split, without their leading `data`.

    `kinds` has the one that `kind` names, which may be a source's own.
    """

    source: str
    vendor: str
    stream: str
    kind: str
    raw: bool = True
    drop: tuple[tuple[str, ...], ...] = ()
    kinds: tuple[type[Kind], ...] = KINDS


class Event(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A CloudEvent, one line of output. `data` is encoded already."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str | UnsetType = UNSET
    time: datetime
    datacontenttype: str = "application/json"
    dataschema: str
    stream: str
    revision: int | UnsetType = UNSET
    observedtime: datetime
    partitionkey: str
    data: Raw


class Revision(Struct, frozen=True, gc=False):
    """One state of a record: its identity, its number, the digest of its content, and when it happened."""

    identity: str
    number: int
    digest: int
    time: datetime


class _Type(NamedTuple):
    """A type of events, and the parts of its lines that are the same for all: before the id, the subject, the rest."""

    name: str
    kind: str
    head: bytes
    source: bytes
    schema: bytes


class EventWriter:
    """Writes the events of a stream that are observed at one time. The parts that all of them share are made once.

    A line is put together from encoded parts, for all outputs, and the vendor's record is spliced in as it is. It is
    what encoding an `Event` gives: a property test holds the two together.
    """

    def __init__(self, info: StreamInfo, observed: datetime) -> None:
        self._info, self._observed = info, observed
        self._key = f"{info.source}/{info.stream}/"
        self._observed_json = b',"observedtime":%b,"partitionkey":"%b' % (encode(observed), _inside(self._key))
        self._types: dict[tuple[str, str], _Type] = {}

    def event(self, data: Kind, what: str, revision: Revision, raw: bytes) -> tuple[Message, str]:
        """Return the message of a record's revision, and its type.

        `what` is created, updated or deleted, `raw` the record as sent (compact JSON). Raises ValueError where the data
        is not what its stream declares.
        """
        if data.id != revision.identity:  # type: ignore[attr-defined]  # every kind has one
            raise ValueError(f"the id of its data is not the record's own, which is {revision.identity!r}")
        body = (encode(data)[:-1], b',"raw":', raw, b"}") if self._info.raw else (encode(data),)
        type_ = self._types.get((data.KIND, what)) or self._type(data.KIND, what)
        return self._message(type_, revision, body), type_.name

    def deletion(self, revision: Revision) -> tuple[Message, str]:
        """Return the message that a record is gone from its list, and its type: it has an `id`, all else is null."""
        kind = next(kind for kind in self._info.kinds if self._info.kind == kind.KIND)
        fields = {field.encode_name: None for field in msgspec.structs.fields(kind)} | {"id": revision.identity}
        body = encode(fields | {"raw": None} if self._info.raw else fields)
        type_ = self._type(self._info.kind, "deleted")
        return self._message(type_, revision, (body,)), type_.name

    def _message(self, type_: _Type, revision: Revision, body: tuple[bytes, ...]) -> Message:
        info, identity, number, time = self._info, revision.identity, revision.number, encode(revision.time)
        name = encode(identity)[1:-1]
        if info.drop:
            body = (_without(b"".join(body), info.drop),)
        value = b"".join((
            b'%b%b/%d-%016x%b%b","time":%b%b%d' % (
                type_.head, name, number, revision.digest, type_.source, name, time, type_.schema, number
            ),
            self._observed_json, name, b'","data":', *body, b"}",
        ))  # fmt: skip
        return Message(value, self._key + identity, info.source, info.stream, type_.kind, self._observed)

    def _type(self, kind: str, what: str) -> _Type:
        info, name = self._info, f"{kind}.{what}"
        if kind not in (declared := [one.KIND for one in info.kinds]):
            raise ValueError(f"its data is of the kind {kind!r}, and its stream declares {', '.join(declared)} only")
        found = self._types[kind, what] = _Type(
            name,
            kind,
            b'{"specversion":"1.0","id":"' + _inside(f"{info.stream}/"),
            b'","source":%b,"type":%b,"subject":"' % (encode(f"/{info.vendor}/{info.source}"), encode(name)),
            b',"datacontenttype":"application/json","dataschema":%b,"stream":%b,"revision":'
            % (encode(f"urn:poller:schema:{kind}:{SCHEMA_VERSION}"), encode(info.stream)),
        )
        return found


class _Progress(Struct, frozen=True):
    """The `data` of a progress event; `gaps` is the number of those that are open."""

    covered_until: datetime
    settled_until: datetime | None
    gaps: int


PROGRESS = "stream"
"""The kind of progress events in types, topics and paths."""


def progress_event(
    info: StreamInfo, *, covered_until: datetime, settled_until: datetime | None, gaps: int, observed: datetime
) -> Message:
    """Return the message that says how far a stream is complete. It is about no record, so it has no subject."""
    data, key = encode(_Progress(covered_until, settled_until, gaps)), f"{info.source}/{info.stream}"
    line = Event(
        id=f"{info.stream}/progress/{xxh3_64_intdigest(data):016x}",
        source=f"/{info.vendor}/{info.source}",
        type=f"{PROGRESS}.progress",
        time=observed,
        dataschema=f"urn:poller:schema:{PROGRESS}:{SCHEMA_VERSION}",
        stream=info.stream,
        observedtime=observed,
        partitionkey=key,
        data=Raw(data),
    )
    return Message(encode(line), key, info.source, info.stream, PROGRESS, observed, last=True)


def _inside(text: str) -> bytes:
    """Return a text as it stands between the quotes of a JSON string."""
    return encode(text)[1:-1]


def _without(body: bytes, paths: tuple[tuple[str, ...], ...]) -> bytes:
    for path in paths:
        body = remove_path(body, path)
    return body
