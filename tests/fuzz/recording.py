"""A recording, changed: what `poller sandbox --replay` reads, and serves to whoever asks."""

from functools import cache
from pathlib import Path
from random import Random

import anyio
import httpx
import msgspec

from poller.commands.replay import load
from poller.commands.replay_config import TOKEN_PATH, make_header
from poller.errors import ConfigError
from poller.recording.file import Exchange, Header
from poller.recording.matching import Tape
from poller.sandbox.replay import Replay
from tests.fuzz.mutation import change_bytes, mutated
from tests.fuzz.polled import NOW
from tests.fuzz.target import Case, FileCase, Target
from tests.simulation import ACCOUNTS

AT = "http://127.0.0.1:8080"
_ANSWERS = (
    Exchange(0.0, "GET", "/leads", "page=1&since=2026-03-14T00:00:00Z", 200, {"date": "Sat"}, body='{"data": []}'),
    Exchange(0.5, "GET", "/leads", "page=1&since=2026-03-14T00:01:00Z", 503, {"retry-after": "1"}, body="busy"),
    Exchange(1.0, "POST", "/search", "", 200, sent='{"from": 1}', body_base64="H4sIAAAAAAAA/w=="),
)


@cache
def _lines(vendor: str) -> tuple[bytes, ...]:
    header = make_header(ACCOUNTS[vendor](start="1h"), (), NOW)
    header = msgspec.structs.replace(header, follow_changes=("leads.changes",), credential_params=("key",))
    return tuple(map(msgspec.json.encode, (header, *_ANSWERS)))


class _Replayed(FileCase):
    suffix = ".jsonl"

    def read(self, path: Path) -> None:
        """Read it; what was taken is served, and every answer of it is a whole one."""
        try:
            header, exchanges, _ = load(path, AT)
        except ConfigError as error:
            if not all(f"{path}" in one and len(one.splitlines()) == 1 for one in error.problems):
                raise AssertionError(f"a problem without its place, or of many lines: {error}") from error
        else:
            anyio.run(_ask_all, header, exchanges)


async def _ask_all(header: Header, exchanges: list[Exchange]) -> None:
    tape = Tape(exchanges, header.credential_params)
    app = Replay(tape, header.base_path, TOKEN_PATH, lambda _: None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AT) as client:
        for exchange in [*exchanges, *_ANSWERS]:
            try:
                url = httpx.URL(f"{AT}{header.base_path}{exchange.path}?{exchange.query}")
                request = client.build_request(exchange.method, url, content=exchange.sent)
            except (httpx.InvalidURL, UnicodeError, ValueError):
                continue  # that nobody can ask
            await (await client.send(request)).aread()


class Recording(Target):
    """The file of `sandbox --replay`."""

    name = "recording"

    def case(self, rng: Random) -> Case:
        """Change some lines, or what they are together."""
        lines = [*_lines(rng.choice([*ACCOUNTS]))]
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randrange(len(lines))
            lines[at] = mutated(lines[at], rng)
        if rng.random() < 0.1:
            rng.shuffle(lines)
        document = b"".join(line + b"\n" for line in lines)
        return _Replayed(change_bytes(document, rng) if rng.random() < 0.2 else document)
