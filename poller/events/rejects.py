"""Records that cannot be normalized, or are too large for an output, as events of their own."""

from datetime import datetime

import msgspec
import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

from outputs import Message
from poller.events.cloudevent import SCHEMA_VERSION, Event, StreamInfo
from poller.events.raw_json import compact_json, encode, remove_path


class Rejected(Struct, frozen=True):
    """A reject's `data`: the record as sent (null where it cannot be shown), and its size in bytes."""

    reason: str
    record: Raw
    stream: str
    size: int


def reject(
    info: StreamInfo, *, identity: str | None, reason: str, digest: int, observed: datetime, raw: bytes
) -> Message:
    """Write the message of a record that cannot be normalized.

    `raw` is shown as JSON where it is JSON, else as a string; a stream that drops a part of its records shows null
    then, for that part cannot be found in a string. `identity` is None where it is not known.
    """
    body = encode(Rejected(reason, Raw(_shown(info, raw)), info.stream, len(raw)))
    if ("raw",) in info.drop:
        body = remove_path(body, ("record",))
    key = f"{info.source}/{info.stream}" + ("" if identity is None else f"/{identity}")
    line = Event(
        id=f"{info.stream}/reject/{digest:016x}",
        source=f"/{info.vendor}/{info.source}",
        type="record.rejected",
        subject=UNSET if identity is None else identity,
        time=observed,
        dataschema=f"urn:poller:schema:reject:{SCHEMA_VERSION}",
        stream=info.stream,
        observedtime=observed,
        partitionkey=key,
        data=Raw(body),
    )
    return Message(encode(line), key, info.source, info.stream, info.kind, observed, reject=True)


class _Body(Struct):
    raw: Raw = Raw(b"null")
    size: int | None = None


class _Line(Struct):
    id: str
    source: str
    data: _Body
    subject: str | UnsetType = UNSET


_LONGEST = 1000
"""The most characters of an identity that are still named in a reject of what was too large."""


_line = msgspec.json.Decoder(_Line).decode


def reject_too_large(message: Message, reason: str) -> Message:
    """Write the reject that replaces an event or a reject too large for an output: no record, but its size."""
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


def _shown(info: StreamInfo, raw: bytes) -> bytes:
    dropped = [path[1:] for path in info.drop if path[0] == "raw" and len(path) > 1]
    try:
        raw.decode()
        orjson.loads(b"[[[%b]]]" % raw)  # as deep as it will stand in our line
        shown = compact_json(raw)
        for path in dropped:
            shown = remove_path(shown, path)
    except (orjson.JSONDecodeError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return b"null" if dropped else encode(raw.decode("utf-8", "backslashreplace"))
    return shown
