"""A vendor's session that answers from a script, and notes what it was asked."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from poller.errors import SourceError, Unexpected
from poller.plugin.stream import Cursor, End, Page, Response, Stream, Window
from tests.support.getting import Getting

NOW = datetime(2026, 3, 14, 16, 30, 40, tzinfo=UTC)
"""The vendor's clock, at its first answer; each answer is a second later."""

HOUR = Window(NOW - timedelta(hours=1), NOW)


def json_bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass(frozen=True)
class Said:
    """One line of the script: a body (bytes as they are), under a status, with or without a date."""

    body: object
    status: int = 200
    dated: bool = True


@dataclass
class Scripted(Getting):
    """Implements `poller.plugin.stream.Http`."""

    script: Iterable[Said]
    known: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = iter(self.script)

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        self.asked.append((path, dict(params)))
        line = next(self._lines, None)
        assert line is not None, f"asked for more than the script holds: {path} {params}"
        if line.status not in accept:
            raise Unexpected(f"HTTP {line.status}")
        if line.status == 200:
            self.known.add(path)
        date = NOW + timedelta(seconds=len(self.asked) - 1) if line.dated else None
        return Response(line.status, json_bytes(line.body), date)

    def answered(self, path: str) -> bool:
        return path in self.known

    def queries(self) -> list[dict[str, str]]:
        return [params for _, params in self.asked]


@dataclass
class Pass:
    """What a pass came to."""

    pages: list[Page] = field(default_factory=list)
    error: SourceError | None = None

    @property
    def cursors(self) -> list[Cursor | None]:
        return [page.end.cursor if page.end else None for page in self.pages]

    @property
    def end(self) -> End:
        """What the last page says of a complete pass."""
        end = self.pages[-1].end
        assert end, "the pass is not complete"
        return end

    @property
    def sizes(self) -> list[int]:
        return [len(page.records) for page in self.pages]

    def records(self) -> list[Any]:
        return [json.loads(bytes(record)) for page in self.pages for record in page.records]


async def read(stream: Stream, sweep: str, http: Scripted, window: Window = HOUR, cursor: Cursor | None = None) -> Pass:
    """Run a sweep's fetch to its end."""
    (chosen,) = [found for found in stream.sweeps if found.name == sweep]
    done = Pass()
    try:
        async for page in chosen.fetch(http, cursor, window):
            done.pages.append(page)
    except SourceError as error:
        done.error = error
    return done


def decoded(stream: Stream, record: object) -> Any:
    return stream.records.decoder.decode(json_bytes(record))


def without(mapping: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """A copy that lacks the key at `path`."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in mapping.items() if key != first}
    return {**mapping, first: without(mapping[first], *rest)}


def changed(mapping: Mapping[str, Any], value: object, *path: str) -> dict[str, Any]:
    """A copy with another value at `path`."""
    first, *rest = path
    return {**mapping, first: changed(mapping.get(first) or {}, value, *rest) if rest else value}


def numbered(prefix: str, count: int, start: int = 1) -> Sequence[str]:
    return [f"{prefix}{number}" for number in range(start, start + count)]


def leaves(record: dict[str, Any], *path: str) -> list[tuple[str, ...]]:
    """The path of every field of a record, those of objects within it too."""
    found: list[tuple[str, ...]] = []
    for key, value in record.items():
        found.append((*path, key))
        if isinstance(value, dict):
            found += leaves(value, *path, key)
    return found
