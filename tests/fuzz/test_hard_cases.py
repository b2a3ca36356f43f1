"""What is hard to survive, by name: bodies and headers without end, bombs, depth, and lists that never end."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from itertools import count

import httpx
import pytest

from poller.errors import TooLarge, Unavailable
from poller.http.session import BODY_LIMIT
from poller.plugin.pagination import pages
from tests.fuzz.conversation import Kept, transport_of
from tests.fuzz.limits import limited
from tests.fuzz.polled import HISTORY, PROBE, poll
from tests.fuzz.sources import Conversations, in_no_time, recipe, vendor
from tests.http.wire import Asked, answer, saying, session
from tests.http.wire import vendor as server
from tests.simulation import ACCOUNTS

pytestmark = pytest.mark.slow
MIB = 1 << 20
DEEP = 100_000
VENDORS: dict[str, Callable[[], Conversations]] = {name: lambda name=name: vendor(name) for name in ACCOUNTS}  # type: ignore[misc]
RECIPES = {name: lambda name=name: recipe(name) for name in ("hubspot", "github")}
SOURCES = VENDORS | RECIPES


async def test_a_body_of_a_gigabyte_is_refused_at_the_limit() -> None:
    sent = 0

    async def endless(_: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 1 << 30:
            writer.write(b"100000\r\n" + b" " * MIB + b"\r\n")
            await writer.drain()
            sent += MIB

    with limited():
        async with server(endless) as there, session(there.url, patience=60) as ours:
            with pytest.raises(TooLarge, match="larger than 64 MiB"):
                await ours.get("/calls", {})
    assert sent < BODY_LIMIT + 16 * MIB, "what was on its way, and no more"


async def test_a_bomb_of_a_gigabyte_is_refused_at_the_limit() -> None:
    bomb = gzip.compress(b" " * (32 * MIB), 1) * 32
    with limited():
        async with server(saying(answer(body=bomb, Content_Encoding="gzip"))) as there, session(there.url) as ours:
            with pytest.raises(TooLarge, match="larger than 64 MiB"):
                await ours.get("/calls", {})


@pytest.mark.parametrize("headers", [b"X-A: " + b"a" * (8 * MIB), b"X-A: a\r\n" * MIB], ids=["one", "many"])
async def test_headers_of_megabytes_are_refused(headers: bytes) -> None:
    said = b"HTTP/1.1 200 OK\r\n" + headers + b"\r\nContent-Length: 2\r\n\r\n{}"
    with limited(memory=64 * MIB):
        async with server(saying(said)) as there, session(there.url) as ours:
            with pytest.raises(Unavailable, match="the connection failed"):
                await ours.get("/calls", {})


def _polls(known: Conversations, answer_to: Callable[[httpx.Request, Kept], Kept]) -> Iterator[tuple[str, int, int]]:
    """Poll a source over changed answers; yield a sweep of each stream, the requests that it took, and the events."""
    for part in {part.stream: part for part in reversed(known.parts) if part.sweep != HISTORY}.values():
        kept, asked = known.of(part), count()

        async def ask(request: httpx.Request, kept=kept, asked=asked) -> Kept:  # type: ignore[no-untyped-def]
            next(asked)
            return answer_to(request, kept.of(request))

        with limited():
            events = in_no_time(lambda part=part, ask=ask: poll(known.source, part, transport_of(ask)))  # type: ignore[misc]
        yield part.sweep, next(asked), events


NESTED = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
}


@pytest.mark.parametrize("what", NESTED)
@pytest.mark.parametrize("name", SOURCES)
def test_an_answer_nested_100_000_deep_is_no_answer(name: str, what: str) -> None:
    for _, _, events in _polls(SOURCES[name](), lambda _, kept: Kept(200, kept.headers, NESTED[what])):
        assert events == 0


@pytest.mark.parametrize("name", SOURCES)
def test_a_field_nested_100_000_deep_costs_no_more_than_the_answer_that_it_is_in(name: str) -> None:
    def deep(_: httpx.Request, kept: Kept) -> Kept:
        return Kept(kept.status, kept.headers, kept.body.replace(b"null", NESTED["lists"], 1))

    assert [*_polls(SOURCES[name](), deep)]


@pytest.mark.parametrize("name", ["agendize", "hubspot", "github"])
def test_a_cursor_that_repeats_ends_the_pass(name: str) -> None:
    for sweep, requests, _ in _polls(SOURCES[name](), lambda _, kept: _onward(kept, "the-same")):
        assert sweep == PROBE or requests <= 15, f"{sweep} asked {requests} times"


@pytest.mark.parametrize("name", ["agendize", "hubspot", "github"])
def test_an_endless_chain_of_pages_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGES", 40)
    numbers = count(1)

    def endless(_: httpx.Request, kept: Kept) -> Kept:
        number = next(numbers)
        return _onward(_renamed(kept, number), f"place-{number}")

    asked = [requests for _, requests, _ in _polls(SOURCES[name](), endless)]
    assert max(asked) == 40


def _renamed(kept: Kept, number: int) -> Kept:
    """Return an answer whose records are others: a list that repeats itself is given up for that."""
    body = json.loads(kept.body)
    lists = [body] if isinstance(body, list) else [part for part in body.values() if isinstance(part, list)]
    for place, row in enumerate(row for rows in lists for row in rows if isinstance(row, dict) and "id" in row):
        row["id"] = type(row["id"])(f"{number}{place:03}")
    return Kept(kept.status, kept.headers, json.dumps(body).encode())


def _onward(kept: Kept, place: str) -> Kept:
    """Return an answer that says that the list goes on at this place, in the words of these three vendors."""
    headers = [pair for pair in kept.headers if pair[0] != "link"]
    link = ("link", f'<https://api.github.com/repositories/1/issues?page={place}>; rel="next"')
    body = json.loads(kept.body)
    if isinstance(body, dict):
        body |= {"nextPageToken": place, "paging": {"next": {"after": place}}}
    return Kept(kept.status, [*headers, link], json.dumps(body).encode())
