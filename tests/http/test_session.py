"""One source's session on real sockets: whole answers or named errors, whatever the other end does.

Killed: no limit on the body, or only on its compressed size; a limit on the first byte instead of the whole exchange;
redirects followed; a connection not given back; a status outside of `accept` taken; cookies kept; a query encoded by
hand; a path remembered for every record that is read by itself.
"""

import asyncio
import gzip
import traceback
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import timedelta

import anyio
import pytest
import structlog
import zstandard
from pydantic import SecretStr

from poller.errors import Throttled, Unavailable, Unexpected
from poller.http import session as http
from poller.http.auth import FixedAuth
from poller.plugin.credentials import StaticHeaders
from poller.plugin.stream import Response
from tests.http.wire import NOON, Asked, Script, answer, reset, saying, session, vendor

MIB = 1 << 20


async def _silence(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _nothing_after_the_head(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(answer()[:-2])
    await asyncio.sleep(60)


async def _drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Always something, never all: no limit on a single read notices."""
    writer.write(answer(body=b" " * 1000)[:-1000])
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _short(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(body=b"[1, 2, 3]")[:-4])
    writer.close()


async def _short_chunks(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[1,2\r\n")
    writer.close()


async def _reset(asked: Asked, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def _reset_half_way(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(body=b"[1, 2, 3]")[:-4])
    await writer.drain()
    await asyncio.sleep(0.05)
    reset(writer)


async def _close(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.close()


GZIPPED = gzip.compress(b'{"calls": [' + b"1234567," * 1000 + b"0]}")
UNAVAILABLE: list[Script] = [
    _silence, _nothing_after_the_head, _drip, _short, _short_chunks, _reset, _reset_half_way, _close,
    saying(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
]  # fmt: skip
UNEXPECTED = {
    "no gzip at all": saying(answer(body=b"{}", Content_Encoding="gzip")),
    "a gzip stream with a broken middle": saying(
        answer(body=GZIPPED[:40] + b"\xff" * 20 + GZIPPED[60:], Content_Encoding="gzip")
    ),
    "a gzip stream that ends early": saying(answer(body=GZIPPED[:-20], Content_Encoding="gzip")),
    "a compression not asked for": saying(answer(body=b"{}", Content_Encoding="br")),
    "a larger body than the limit": saying(answer(body=b" " * (MIB + 1))),
}


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_LIMIT", MIB)


@pytest.mark.parametrize("script", UNAVAILABLE)
async def test_a_broken_exchange_is_unavailable_and_costs_no_connection(script: Script) -> None:
    async with vendor(script) as server, session(server.url, patience=0.5) as ours:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await ours.get("/calls", {})
        server.script = saying(answer(body=b"[]"))
        assert (await ours.get("/calls", {})).body == b"[]"


async def test_nobody_listens() -> None:
    async with vendor(_silence) as server:
        url = server.url
    async with session(url) as ours:
        with pytest.raises(Unavailable) as raised:
            await ours.get("/calls", {"key": "secret"})
    assert str(raised.value).startswith(f"the connection failed: ConnectError (to {url.partition('//')[2]}: ")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("vice", UNEXPECTED)
async def test_an_answer_that_cannot_be_read_is_unexpected_and_costs_no_connection(vice: str) -> None:
    async with vendor(UNEXPECTED[vice]) as server, session(server.url) as ours:
        for _ in range(2):
            with pytest.raises(Unexpected):
                await ours.get("/calls", {})
        server.script = saying(answer(body=b"[]"))
        assert (await ours.get("/calls", {})).body == b"[]"


BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
}


@pytest.mark.parametrize("encoding", BOMBS)
async def test_a_bomb_is_unexpected_before_it_fills_the_memory(encoding: str) -> None:
    bomb = BOMBS[encoding](b" " * (128 * MIB))
    async with vendor(saying(answer(body=bomb, Content_Encoding=encoding))) as server, session(server.url) as ours:
        tracemalloc.start()
        try:
            with pytest.raises(Unexpected):
                await ours.get("/calls", {})
            assert tracemalloc.get_traced_memory()[1] < 16 * MIB
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("told", [b"Content-Length: 999999999999", b"Transfer-Encoding: chunked", b"X: ends with me"])
async def test_a_body_without_end_is_unexpected_before_it_fills_the_memory(told: bytes) -> None:
    part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0

    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + told + b"\r\n\r\n")
        while True:  # until nobody reads it any more
            writer.write(part)
            await writer.drain()
            sent += len(part)

    async with vendor(script) as server, session(server.url) as ours:
        tracemalloc.start()
        try:
            with pytest.raises(Unexpected, match="larger than 1 MiB"):
                await ours.get("/calls", {})
            assert tracemalloc.get_traced_memory()[1] < 16 * MIB
        finally:
            tracemalloc.stop()
    assert sent < 64 * MIB


async def test_a_body_of_just_the_limit_is_read_whole() -> None:
    body = b"[" + b" " * (MIB - 2) + b"]"
    plain, packed = answer(body=body), answer(body=gzip.compress(body), Content_Encoding="gzip")
    async with vendor(saying(plain, packed)) as server, session(server.url) as ours:
        assert (await ours.get("/calls", {})).body == body
        assert (await ours.get("/calls", {})).body == body


@pytest.mark.parametrize("packed", [GZIPPED, gzip.compress(b"[1,") + gzip.compress(b"2]")], ids=["one", "two"])
async def test_gzip_is_unpacked_whole_however_it_is_cut(packed: bytes) -> None:
    async def bit_by_bit(asked: Asked, writer: asyncio.StreamWriter) -> None:
        whole = answer(body=packed, Content_Encoding="gzip")
        for at in range(0, len(whole), 29):
            writer.write(whole[at : at + 29])
            await writer.drain()
            await asyncio.sleep(0)

    async with vendor(bit_by_bit) as server, session(server.url) as ours:
        assert (await ours.get("/calls", {})).body == gzip.decompress(packed)
        assert server.asked[0].headers["accept-encoding"] == "gzip", "what else there is, we do not unpack"


async def test_nothing_is_nothing_in_any_compression() -> None:
    async with vendor(saying(answer(503, b"", Content_Encoding="gzip"))) as server, session(server.url) as ours:
        with pytest.raises(Unavailable):
            await ours.get("/calls", {})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    async with vendor(saying(answer())) as elsewhere:
        away = saying(answer(status, Location=f"{elsewhere.url}/calls"))
        async with vendor(away) as server, session(server.url) as ours:
            with pytest.raises(Unexpected, match="redirect"):
                await ours.get("/calls", {})
        assert len(server.asked) == 1
        assert elsewhere.asked == []


async def test_only_what_is_accepted_is_an_answer() -> None:
    async with vendor(saying(answer(404, b"gone"))) as server, session(server.url) as ours:
        assert (await ours.get("/calls", {}, accept=(200, 404))).status == 404
        assert not ours.answered("/calls"), "only a 200 shows that a path is right"
        with pytest.raises(Unexpected, match="404"):
            await ours.get("/calls", {})
        server.script = saying(answer(body=b"[]", Date="Sat, 14 Mar 2026 11:59:00 GMT"))
        found = await ours.get("/calls", {})
        assert (found.body, found.date) == (b"[]", NOON - timedelta(minutes=1))
        assert ours.answered("/calls")
        assert not ours.answered("/leads")


async def test_records_that_are_read_by_themselves_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_PATHS", 2)
    async with vendor(saying(answer(body=b"[]"))) as server, session(server.url) as ours:
        paths = ["/leads", "/leads/1", "/leads/2", "/leads/3"]
        for path in paths:
            await ours.get(path, {})
        assert [ours.answered(path) for path in paths] == [True, True, False, False]


async def test_the_wait_that_is_asked_for_arrives() -> None:
    date, later = "Sat, 14 Mar 2026 15:00:00 GMT", "Sat, 14 Mar 2026 15:02:00 GMT"
    async with vendor(saying(answer(429, Date=date, Retry_After=later))) as server, session(server.url) as ours:
        with pytest.raises(Throttled) as caught:
            await ours.get("/calls", {})
        assert caught.value.retry_after == 120
        server.script = saying(answer(429, Retry_After="Sat, 14 Mar 2026 12:02:00 GMT"))
        with pytest.raises(Throttled) as caught:
            await ours.get("/calls", {})
        assert caught.value.retry_after == 120, "by our clock, where it shows none"


async def test_requests_keep_the_sources_pace_whoever_asks() -> None:
    async with vendor(saying(answer())) as server, session(server.url, per_minute=600) as ours:
        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ours.get, "/calls", {})
        assert 0.3 <= anyio.current_time() - began < 3
        assert ours.delay() <= 0.1


async def test_a_query_arrives_as_it_was_meant() -> None:
    async with vendor(saying(answer())) as server, session(f"{server.url}/api/v1") as ours:
        await ours.get("/calls", {"since": "2026-03-14T12:00:00+01:00", "name": "a&b=c d%é"})
        await ours.get("/calls", {})
        await ours.ask("/calls", {"name": ["a&b=c d%é", "since"]})
    assert server.asked[0].target == "/api/v1/calls?since=2026-03-14T12%3A00%3A00%2B01%3A00&name=a%26b%3Dc+d%25%C3%A9"
    assert server.asked[1].target == "/api/v1/calls"
    assert server.asked[2].target == "/api/v1/calls?name=a%26b%3Dc+d%25%C3%A9&name=since"


@pytest.mark.parametrize(
    ("name", "value"), [("X Key", "the-secret"), ("X-Key", "the-secret "), ("X-Key", "the\rsecret")]
)
async def test_a_header_that_no_request_can_hold_is_named_without_its_value(name: str, value: str) -> None:
    """None gets here: the configuration refuses it, and so does the token endpoint's reader. h11 would quote it."""
    auth = FixedAuth(StaticHeaders({name: SecretStr(value)}), {})
    async with vendor(saying(answer())) as server, session(server.url, auth) as ours:
        with pytest.raises(Unavailable) as raised:
            await ours.get("/calls", {})
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert not server.asked


async def test_a_200_that_is_not_believed_counts_as_what_it_is_instead() -> None:
    answers = [answer(), answer(body=b'{"errors": [1]}'), answer(404), answer(410)]

    def believed(response: Response) -> bytes:
        if response.sent != b"{}" or response.status != 200:
            raise Unexpected("no answer")
        return response.sent

    async with vendor(saying(*answers)) as server, session(server.url) as ours:
        assert await ours.read("/calls", {}, believed, accept=(200, 404)) == b"{}"
        for _ in range(3):
            with pytest.raises(Unexpected):
                await ours.read("/calls", {}, believed, accept=(200, 404))
        lines = ours._telemetry.render().decode().splitlines()
    counted = [line.partition("{")[2] for line in lines if line.startswith("poller_requests_total{")]
    codes = ("200", "unexpected", "404", "410")
    assert counted == [f'code="{code}",source="acme"}} 1.0' for code in codes]


async def test_no_cookie_comes_back() -> None:
    sets = answer(Set_Cookie="session=1; Path=/")
    async with vendor(saying(sets)) as server, session(server.url) as ours:
        for _ in range(2):
            await ours.get("/calls", {})
    assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]


async def test_a_body_that_is_hardly_json_is_repaired_and_told_once() -> None:
    body = b'\xef\xbb\xbf{"a": NaN, "b": "Zo\xe9, NaN"}'
    with structlog.testing.capture_logs() as lines:
        async with vendor(saying(answer(body=body))) as server, session(server.url) as ours:
            for _ in range(3):
                assert (await ours.get("/calls", {})).body == '{"a": null, "b": "Zoé, NaN"}'.encode()
    told = [line["repaired"] for line in lines if line["event"] == "body.repaired"]
    assert told == [["byte order mark", "encoding"], ["not a number"]]
