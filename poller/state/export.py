"""An exported state: one JSON object a line, the same wherever a state lies; read whole and believed only as such."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, json

from poller import VERSION
from poller.errors import ConfigError
from poller.events.seen import ITEM
from poller.plugin.credentials import Token
from poller.plugin.source import AccountId
from poller.state.checkpoint import Checkpoint
from poller.state.offline import StateDump
from poller.state.rows import encode

FORMAT = 1
_TYPED: dict[str, tuple[str, Any]] = {"owner": ("a", AccountId), "checkpoint": ("c", Checkpoint), "token": ("t", Token)}
_PLAIN = {"doubts": "d", "mark": "o"}
_OF_KEYS = {letter: kind for kind, (letter, _) in _TYPED.items()} | {letter: kind for kind, letter in _PLAIN.items()}
_OUR_OWN = frozenset("pvf")
"""Keys that say nothing to another place: proofs, who wrote it, and chunks, which have lines of their own."""


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
    at: int | UnsetType = UNSET


def export_lines(state: StateDump, now: datetime) -> Iterator[bytes]:
    """All lines of an export."""
    yield encode(_Header(FORMAT, VERSION, now)) + b"\n"
    count = 0
    for line in _lines(state):
        count += 1
        yield encode(line) + b"\n"
    yield encode(_End(count)) + b"\n"


def _lines(state: StateDump) -> Iterator[_Line]:
    order = [*(letter for letter, _ in _TYPED.values()), *_PLAIN.values()]
    rank = {letter: number for number, letter in enumerate(order)}
    for key in sorted(state.rows, key=lambda key: (rank.get(key[0], len(order)), key)):
        kind, name = _OF_KEYS.get(key[0], key[0]), key[2:]
        if kind in _TYPED:
            yield _Line(kind, name, value=Raw(state.rows[key]))
        elif key[0] not in _OUR_OWN:
            yield _Line(kind, name, data=state.rows[key])
    for stream, at, data in state.chunks:
        yield _Line("seen", stream, data=data, at=at)


def read_export(lines: Iterable[bytes], place: str) -> StateDump:
    """What an export holds. Raises ConfigError where a line is not as we write it, or where some are missing."""
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
        except (ValueError, msgspec.MsgspecError) as error:
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
        if line.data is UNSET or line.at is UNSET or len(line.data) % ITEM:
            raise ValueError(f"{line.kind} {line.name} is cut short")
        chunks.append((line.name, line.at, line.data))
        return
    key, value = _row(line)
    if key in state.rows:
        raise ValueError(f"{line.kind} {line.name} is there twice")
    state.rows[key] = value


def _row(line: _Line) -> tuple[str, bytes]:
    if line.kind in _TYPED and line.value is not UNSET:
        letter, type_ = _TYPED[line.kind]
        return f"{letter}|{line.name}", encode(json.decode(line.value, type=type_))
    letter = _PLAIN.get(line.kind, line.kind)
    if len(letter) != 1 or letter in _OUR_OWN or line.data is UNSET:
        raise ValueError(f"{line.kind} {line.name}: not what an entry of this version looks like")
    if letter == "d" and len(line.data) % 8:
        raise ValueError(f"{line.kind} {line.name} is cut short")
    return f"{letter}|{line.name}", line.data
