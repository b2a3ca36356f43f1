"""Records of Kafka: the topic, key, value, headers and time of a message, as CloudEvents wants them."""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from outputs import Message, StreamRef, templates

Mode: TypeAlias = Literal["structured", "binary"]
Headers: TypeAlias = Sequence[tuple[str, bytes]]

_FIELDS = ("source", "stream", "kind")
_LONGEST = 249
_SEED, _MIX, _WORD = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_STRUCTURED: Headers = [("content-type", b"application/cloudevents+json")]
_attributes: Callable[[bytes], dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text: Callable[[msgspec.Raw], str] = msgspec.json.Decoder(str).decode


class ProducerRecord(NamedTuple):
    """A record to be sent. `timestamp` is in milliseconds since 1970; `partition` overrules that of the key.

    A record without a `value` is a tombstone: a compacted topic forgets its key.
    """

    topic: str
    key: bytes
    value: bytes | None
    timestamp: int
    headers: Headers = ()
    partition: int | None = None


class RecordBuilder:
    """A builder of records. See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md"""

    def __init__(self, topic: str, rejects_topic: str, mode: Mode) -> None:
        self._templates = {False: topic, True: rejects_topic}
        self._content = _binary if mode == "binary" else _structured
        self._topics: dict[tuple[StreamRef, bool], str] = {}

    def __call__(self, message: Message) -> ProducerRecord:
        """Return the record of a message, whose value is a CloudEvent."""
        value, headers = self._content(message.value)
        when = (message.observed - _EPOCH) // _MILLISECOND
        place = message.source, message.stream, message.kind
        return ProducerRecord(self.topic(place, reject=message.reject), message.key.encode(), value, when, headers)

    def topic(self, place: StreamRef, *, reject: bool) -> str:
        """Return the topic of the events, or rejects, of a stream."""
        found = self._topics.get((place, reject))
        if found is None:
            values = zip(_FIELDS, map(_harmless, place), strict=True)
            found = self._topics[place, reject] = self._templates[reject].format(**dict(values))
        return found


def partition(post: ProducerRecord, count: int) -> int:
    """Choose one of `count` partitions as Java's producer does, so that topics can be joined by key."""
    if post.partition is not None:
        return post.partition
    return murmur2(post.key) % count


def murmur2(key: bytes) -> int:
    """Hash as Java's clients do: 31 bits, never negative (https://kafka.apache.org/documentation, `Utils.murmur2`).

    aiokafka's own takes twice as long, byte by byte: it would be half of what a record costs on its way out.
    """
    words = len(key) // 4
    hashed = _SEED ^ len(key)
    for word in struct.unpack_from(f"<{words}I", key):
        mixed = word * _MIX & _WORD
        hashed = hashed * _MIX & _WORD ^ (mixed ^ mixed >> 24) * _MIX & _WORD
    if rest := key[4 * words :]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * _MIX & _WORD
    hashed = (hashed ^ hashed >> 13) * _MIX & _WORD
    return (hashed ^ hashed >> 15) & 0x7FFFFFFF


def template(text: str) -> str:
    """Check the template of a topic. Raises ValueError that says what would be right."""
    literally = "".join(literal for literal, _ in parts(text))
    if not text or text in {".", ".."} or not re.fullmatch(r"[A-Za-z0-9._-]*", literally):
        raise ValueError("a topic is letters, digits, '.', '_' and '-', such as poller.{kind}")
    if len(literally) > _LONGEST:
        raise ValueError(f"a topic has {_LONGEST} letters at most")
    return text


def pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that matches the topics of a template."""
    return re.compile("".join(re.escape(literal) + (".+" if field else "") for literal, field in parts(text)))


def parts(text: str) -> list[tuple[str, str | None]]:
    """Take the template of a topic apart; see `outputs.templates`."""
    return templates.parts(text, _FIELDS, "a topic")


def _harmless(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", value)


def _structured(value: bytes) -> tuple[bytes, Headers]:
    return value, _STRUCTURED


def _binary(value: bytes) -> tuple[bytes, Headers]:
    """Split an event: its `data` is the value, and every other attribute a header."""
    event: Mapping[str, msgspec.Raw] = _attributes(value)
    headers = [
        ("content-type" if name == "datacontenttype" else f"ce_{name}", _header(raw))
        for name, raw in event.items()
        if name != "data"
    ]
    return bytes(event["data"]), headers


def _header(raw: msgspec.Raw) -> bytes:
    data = bytes(raw)
    if not data.startswith(b'"'):
        return data
    return _text(raw).encode() if b"\\" in data else data[1:-1]
