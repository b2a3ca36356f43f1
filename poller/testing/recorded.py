"""A vendor's session that answers with pages that were kept, and notes what it was asked."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

from poller.errors import SourceError, Unexpected
from poller.http.response import read_http_date
from poller.plugin.stream import Cursor, End, Http, Page, Query, Response, Stream, Window
from poller.recording.file import read_recording
from poller.recording.matching import Tape

NOW = datetime(2026, 3, 14, 16, 30, 40, tzinfo=UTC)
"""The vendor's clock, at its first answer; each answer is a second later."""

HOUR = Window(NOW - timedelta(hours=1), NOW)


def json_bytes(body: object) -> bytes:
    """Return a value as JSON; bytes as they are."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass(frozen=True)
class Answer:
    """A kept answer: its body (a value, or bytes as they came), its status, with or without a date, its headers."""

    body: object
    status: int = 200
    dated: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Recorded(Http):
    """Answers in turn with `pages`, whatever is asked; `asked` are the paths and queries of all requests, in order.

    An answer whose status the caller does not accept raises Unexpected. It fails the test to ask for one more, or, with
    a `tape`, for what is like nothing on it.
    """

    pages: Iterable[Answer]
    known: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes | None] = field(default_factory=list)
    tape: Tape | None = None

    def __post_init__(self) -> None:
        self._left = iter(self.pages)

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Answer with the next page."""
        self.asked.append((path, _parameters(query)))
        self.bodies.append(body)
        page = self._of_tape(path, query, body) if self.tape else next(self._left, None)
        assert page is not None, f"asked for more than was kept: {path} {query}"
        if page.status not in accept:
            raise Unexpected(f"HTTP {page.status}")
        if page.status == 200:
            self.known.add(path)
        ours = NOW + timedelta(seconds=len(self.asked) - 1) if page.dated else None
        date = read_http_date(page.headers.get("date")) if self.tape else ours
        return Response(page.status, json_bytes(page.body), date, page.headers)

    def _of_tape(self, path: str, query: Query, body: bytes | None) -> Answer | None:
        assert self.tape
        asked = query if isinstance(query, str) else urlencode(query, doseq=True)
        sent = None if body is None else body.decode()
        found = self.tape.answer("GET" if body is None else "POST", path, asked, sent)
        return Answer(found.content, found.status, headers=found.headers) if found else None

    @classmethod
    def of_recording(cls, path: Path) -> Self:
        """Return a session that answers out of a recording, which `poller record` made, as a replay of it does.

        The vendor's clock is the recorded `Date`. Raises RecordingError where the file is no recording.
        """
        header, exchanges = read_recording(path)
        return cls((), tape=Tape(exchanges, header.credential_params))

    def answered(self, path: str) -> bool:
        """Return whether this path was answered with a 200."""
        return path in self.known

    def queries(self) -> list[dict[str, str]]:
        """Return the parameters of all requests, in order."""
        return [parameters for _, parameters in self.asked]


def _parameters(query: Query) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True) if isinstance(query, str) else query.items()
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in pairs}


@dataclass
class Pass:
    """What a pass came to: its pages, and the error that broke it off."""

    pages: list[Page] = field(default_factory=list)
    error: SourceError | None = None

    @property
    def cursors(self) -> list[Cursor | None]:
        """The cursor of each page."""
        return [page.end.cursor if page.end else None for page in self.pages]

    @property
    def end(self) -> End:
        """What the last page says of a complete pass."""
        end = self.pages[-1].end
        assert end, "the pass is not complete"
        return end

    @property
    def sizes(self) -> list[int]:
        """The number of records of each page."""
        return [len(page.records) for page in self.pages]

    def records(self) -> list[Any]:
        """Return all records, decoded."""
        return [json.loads(bytes(record)) for page in self.pages for record in page.records]


async def read_sweep(
    stream: Stream, sweep: str, http: Http, window: Window = HOUR, cursor: Cursor | None = None
) -> Pass:
    """Run a sweep's fetch to its end, over the last hour by default."""
    [chosen] = [found for found in stream.sweeps if found.name == sweep]
    done = Pass()
    try:
        async for page in chosen.fetch(http, cursor, window):
            done.pages.append(page)
    except SourceError as error:
        done.error = error
    return done
