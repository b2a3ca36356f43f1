"""Events as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec)."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from outputs import Message
from poller.events.raw_json import compact_json, encode, remove_path, with_raw
from poller.plugin.kinds import KINDS

SCHEMA_VERSION = 1
"""The version in `dataschema`: rises when a field of `data` changes its meaning or goes, not when one is added."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream's constants in its events. `drop` holds dotted paths, split, without their leading `data`."""

    source: str
    vendor: str
    stream: str
    kind: str
    raw: bool = True
    drop: tuple[tuple[str, ...], ...] = ()


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


def event(
    info: StreamInfo,
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
    """Write the message of one revision of a record.

    `what` is created, updated or deleted, `raw` the record as sent (JSON), `digest` that of its content.
    """
    kind: str = type(data).KIND  # type: ignore[attr-defined]
    body = with_raw(data, compact_json(raw)) if info.raw else encode(data)
    return _revision(info, kind, identity, what, revision, digest, time, observed, body)


def deletion_event(info: StreamInfo, *, identity: str, revision: int, observed: datetime) -> Message:
    """Write the message that a record is gone from its list: it has an `id`, all else is null."""
    kind = next(kind for kind in KINDS if info.kind == kind.KIND)
    fields = {field.encode_name: None for field in msgspec.structs.fields(kind)} | {"id": identity}
    body = encode(fields | {"raw": None} if info.raw else fields)
    return _revision(info, info.kind, identity, "deleted", revision, 0, observed, observed, body)


def _revision(
    info: StreamInfo,
    kind: str,
    identity: str,
    what: str,
    revision: int,
    digest: int,
    time: datetime,
    observed: datetime,
    body: bytes,
) -> Message:
    for path in info.drop:
        body = remove_path(body, path)
    key = f"{info.source}/{info.stream}/{identity}"
    line = Event(
        id=f"{info.stream}/{identity}/{revision}-{digest:016x}",
        source=f"/{info.vendor}/{info.source}",
        type=f"{kind}.{what}",
        subject=identity,
        time=time,
        dataschema=f"urn:poller:schema:{kind}:{SCHEMA_VERSION}",
        stream=info.stream,
        revision=revision,
        observedtime=observed,
        partitionkey=key,
        data=Raw(body),
    )
    return Message(encode(line), key, info.source, info.stream, kind, observed)
