"""Events and rejects as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

from outputs import Message
from poller.plugin.kinds import KINDS

SCHEMA_VERSION = 1
"""Rises when a field of `data` changes its meaning or goes, not when one is added."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is the same of all events of a stream. `drop` holds dotted paths, split, without their leading `data`."""

    source: str
    vendor: str
    stream: str
    kind: str
    raw: bool = True
    drop: tuple[tuple[str, ...], ...] = ()


class Event(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One line of output. `data` is encoded already."""

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


class Rejected(Struct, frozen=True):
    """`data` of a reject: why, the record as sent (null where it cannot be shown), its stream, its size in bytes."""

    reason: str
    record: Raw
    stream: str
    size: int


encode = msgspec.json.Encoder().encode


def compact(record: bytes) -> bytes:
    """A JSON value without white space between its tokens; values, key order and spelling stay."""
    return msgspec.json.format(record, indent=-1)


def with_raw(data: Struct, record: bytes) -> bytes:
    """The normalized fields, and the vendor's record (compact JSON) beside them as `raw`."""
    return b'%b,"raw":%b}' % (encode(data)[:-1], record)


def without(value: bytes, path: Sequence[str]) -> bytes:
    """Take what lies at `path` out of a JSON value, in every element of a list on the way; the rest is untouched."""
    if value[:1] == b"[":
        return encode([Raw(without(bytes(item), path)) for item in msgspec.json.decode(value, type=list[Raw])])
    fields = msgspec.json.decode(value, type=dict[str, Raw]) if value[:1] == b"{" else {}
    if path[0] not in fields:
        return value
    if len(path) > 1:
        fields[path[0]] = Raw(without(bytes(fields[path[0]]), path[1:]))
    else:
        del fields[path[0]]
    return encode(fields)


def event(
    shape: Shape,
    *,
    identity: str,
    what: str,
    revision: int,
    digest: int,
    time: datetime,
    observed: datetime,
    data: Struct,
    raw: bytes,
) -> Message:
    """One revision of a record; `what` is created, updated or deleted, `raw` the record as sent (JSON)."""
    kind: str = type(data).KIND  # type: ignore[attr-defined]
    body = with_raw(data, compact(raw)) if shape.raw else encode(data)
    return _revision(shape, kind, identity, what, revision, digest, time, observed, body)


def vanished(shape: Shape, *, identity: str, revision: int, observed: datetime) -> Message:
    """A record that its list no longer holds: its `id`, all else null."""
    kind = next(kind for kind in KINDS if shape.kind == kind.KIND)  # type: ignore[attr-defined]
    fields = {field.encode_name: None for field in msgspec.structs.fields(kind)} | {"id": identity}
    body = encode(fields | {"raw": None} if shape.raw else fields)
    return _revision(shape, shape.kind, identity, "deleted", revision, 0, observed, observed, body)


def _revision(
    shape: Shape,
    kind: str,
    identity: str,
    what: str,
    revision: int,
    digest: int,
    time: datetime,
    observed: datetime,
    body: bytes,
) -> Message:
    for path in shape.drop:
        body = without(body, path)
    key = f"{shape.source}/{shape.stream}/{identity}"
    line = Event(
        id=f"{shape.stream}/{identity}/{revision}-{digest:016x}",
        source=f"/{shape.vendor}/{shape.source}",
        type=f"{kind}.{what}",
        subject=identity,
        time=time,
        dataschema=f"urn:poller:schema:{kind}:{SCHEMA_VERSION}",
        stream=shape.stream,
        revision=revision,
        observedtime=observed,
        partitionkey=key,
        data=Raw(body),
    )
    return Message(encode(line), key, shape.source, shape.stream, kind, observed)


def reject(shape: Shape, *, identity: str | None, reason: str, digest: int, observed: datetime, raw: bytes) -> Message:
    """A record that cannot be normalized; `raw` is shown as JSON where it is JSON, else as a string.

    What is to be dropped cannot be found in a string, so then it is null.
    """
    body = encode(Rejected(reason, Raw(_shown(shape, raw)), shape.stream, len(raw)))
    if ("raw",) in shape.drop:
        body = without(body, ("record",))
    key = f"{shape.source}/{shape.stream}" + ("" if identity is None else f"/{identity}")
    line = Event(
        id=f"{shape.stream}/reject/{digest:016x}",
        source=f"/{shape.vendor}/{shape.source}",
        type="record.rejected",
        subject=UNSET if identity is None else identity,
        time=observed,
        dataschema=f"urn:poller:schema:reject:{SCHEMA_VERSION}",
        stream=shape.stream,
        observedtime=observed,
        partitionkey=key,
        data=Raw(body),
    )
    return Message(encode(line), key, shape.source, shape.stream, shape.kind, observed, reject=True)


class _Body(Struct):
    raw: Raw = Raw(b"null")
    size: int | None = None


class _Line(Struct):
    id: str
    source: str
    data: _Body
    subject: str | UnsetType = UNSET


_LONGEST = 1000
"""Letters of an identity that is still named where there is hardly room for anything."""
_line = msgspec.json.Decoder(_Line).decode


def too_large(message: Message, reason: str) -> Message:
    """The reject that stands for an event, or a reject, too large for an output: its record is null, its size told."""
    line = _line(message.value)
    size = line.data.size if line.data.size is not None else len(bytes(line.data.raw))
    named = line.subject if line.subject and len(line.subject) <= _LONGEST else UNSET
    key = f"{message.source}/{message.stream}" + (f"/{named}" if named else "")
    reduced = Event(
        id=f"{message.stream}/reject/{line.id[-16:]}",
        source=line.source,
        type="record.rejected",
        subject=named,
        time=message.observed,
        dataschema=f"urn:poller:schema:reject:{SCHEMA_VERSION}",
        stream=message.stream,
        observedtime=message.observed,
        partitionkey=key,
        data=Raw(encode(Rejected(reason, Raw(b"null"), message.stream, size))),
    )
    return Message(encode(reduced), key, message.source, message.stream, message.kind, message.observed, reject=True)


def _shown(shape: Shape, raw: bytes) -> bytes:
    dropped = [path[1:] for path in shape.drop if path[0] == "raw" and len(path) > 1]
    try:
        raw.decode()
        orjson.loads(b"[[[%b]]]" % raw)  # as deep as it will stand in our line
        shown = compact(raw)
        for path in dropped:
            shown = without(shown, path)
    except (orjson.JSONDecodeError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return b"null" if dropped else encode(raw.decode("utf-8", "backslashreplace"))
    return shown
