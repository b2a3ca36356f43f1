"""An exported state: one JSON object a line, the same wherever a state lies; read whole and believed only as such."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, BinaryIO

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, json

from poller import VERSION
from poller.errors import ConfigError
from poller.events.seen import KEY, require_entries
from poller.state.offline import StateDump
from poller.state.rows import (
    ACCOUNT,
    CHECKPOINT,
    CHUNK,
    IN_DOUBT,
    MARK,
    PROOF,
    TOKEN,
    WRITER,
    Bytes,
    Row,
    encode,
    letter_of,
    name_of,
)

_LONGEST_LINE = 2**28
_LATEST = 2**32 - 1
"""Seconds since 1970: entries of seen have four bytes for their time, and a chunk has the time of its entries."""
FORMAT = 2
"""Since format 2 contents are compared as they are meant, which format 1 would deliver again as changes."""
_TYPED: Mapping[str, Row[Any]] = {"owner": ACCOUNT, "checkpoint": CHECKPOINT, "token": TOKEN}
_PLAIN = {"doubts": IN_DOUBT, "mark": MARK}
_WORDS = {row.letter: word for word, row in (*_TYPED.items(), *_PLAIN.items())}
"""The name that the lines of a kind have, by its letter, in the order in which they are written."""
_OUR_OWN = frozenset(row.letter for row in (PROOF, WRITER, CHUNK))
"""Kinds that say nothing to another place: proofs, who wrote it, and chunks, which have lines of their own."""


class _Header(Struct, forbid_unknown_fields=True):
    format: int
    version: str
    written: datetime


class _End(Struct, forbid_unknown_fields=True):
    end: int


class _Line(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """`value` is JSON of a type we know; `data` is bytes (base64), of chunks of seen with the time of their commit."""

    kind: str
    name: str
    value: Raw | UnsetType = UNSET
    data: bytes | UnsetType = UNSET
    at: Annotated[int, Meta(ge=0, le=_LATEST)] | UnsetType = UNSET


def export_lines(state: StateDump, now: datetime) -> Iterator[bytes]:
    """Yield the lines of an export: a header, one for each row and chunk, and an end that counts them."""
    yield encode(_Header(FORMAT, VERSION, now)) + b"\n"
    count = 0
    for line in _lines(state):
        count += 1
        yield encode(line) + b"\n"
    yield encode(_End(count)) + b"\n"


def _lines(state: StateDump) -> Iterator[_Line]:
    rank = {letter: number for number, letter in enumerate(_WORDS)}
    for key in sorted(state.rows, key=lambda key: (rank.get(letter_of(key), len(rank)), key)):
        letter, name = letter_of(key), name_of(key)
        kind = _WORDS.get(letter, letter)
        if kind in _TYPED:
            yield _Line(kind, name, value=Raw(state.rows[key]))
        elif letter not in _OUR_OWN:
            yield _Line(kind, name, data=state.rows[key])
    for stream, at, data in state.chunks:
        yield _Line("seen", stream, data=data, at=at)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's lines; one that is longer than any of an export comes in pieces, which are no lines of one."""
    return iter(lambda: file.readline(_LONGEST_LINE), b"")


def read_export(lines: Iterable[bytes], place: str) -> StateDump:
    """Read an export. Raises ConfigError where a line is not as `export_lines` writes it, or where some are missing."""
    state, chunks, count, ended = StateDump(), list[tuple[str, int, bytes]](), -1, False
    for number, line in enumerate(lines, 1):
        try:
            if ended:
                raise ValueError("something follows its end")
            if number == 1:
                _judge(json.decode(line, type=_Header))
            elif line.startswith(b'{"end"'):
                ended = _ends(json.decode(line, type=_End), count)
            else:
                _take(state, chunks, json.decode(line, type=_Line))
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise ConfigError(f"{place}:{number}: this is no export of a state, or a damaged one: {error}") from None
        count += 1
    if not ended:
        raise ConfigError(f"{place}: its end is missing, so the rest of it may be, too: export the state again")
    state.chunks = chunks
    return state


def _judge(header: _Header) -> None:
    if header.format > FORMAT:
        raise ValueError(
            f"poller {header.version} wrote it (format {header.format}, this one knows {FORMAT}); run that"
        )


def _ends(end: _End, count: int) -> bool:
    if end.end != count:
        raise ValueError(f"it ends after {count} entries and says {end.end}: some are missing")
    return True


def _take(state: StateDump, chunks: list[tuple[str, int, bytes]], line: _Line) -> None:
    if line.kind == "seen":
        if line.data is UNSET or line.at is UNSET:
            raise ValueError(f"{line.kind} {line.name}: not what an entry of this version looks like")
        require_entries(line.data)
        chunks.append((line.name, line.at, line.data))
        return
    key, value = _row(line)
    if key in state.rows:
        raise ValueError(f"{line.kind} {line.name} is there twice")
    state.rows[key] = value


def _row(line: _Line) -> tuple[str, bytes]:
    if line.kind in _TYPED and line.value is not UNSET:
        row = _TYPED[line.kind]
        return row.key(line.name), encode(row.decode(bytes(line.value)))
    kind = _PLAIN.get(line.kind, Bytes(line.kind))
    if len(kind.letter) != 1 or kind.letter in _OUR_OWN or line.data is UNSET:
        raise ValueError(f"{line.kind} {line.name}: not what an entry of this version looks like")
    if kind == IN_DOUBT and len(line.data) % KEY:
        raise ValueError(f"{line.kind} {line.name} is cut short")
    return kind.key(line.name), line.data
