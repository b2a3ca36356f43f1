"""What a vendor says does no harm: in lines, file names, logs, pages, metrics, terminals, paths and headers.

Killed: a text that is shown as it came, at a terminal or on the page; JSON in which a control of eight bits, or one
that turns a line around, stands as it came; a query that cannot be sent, as if it were a bug.
"""

import io
import json
import os
import pty
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from outputs import Message
from outputs.stdout import StdoutOutput
from poller.cli.terminal import cell, line, print_json
from poller.errors import Unexpected
from poller.server.overview import TelemetryLookup, overview_of
from poller.server.page import page
from poller.sources.rest import Rest
from poller.telemetry.status import StreamStatus, SweepStatus
from poller.testing.simulation import BIRTH, Simulation
from tests.http.wire import answer, saying, session, vendor

HOSTILE = (
    "<script>alert(1)</script>", "\x1b[2J\x1b]0;owned\x07", "a\nb\r\nc\u2028d\x85e", "\0", "../../etc/passwd",
    "{source}/..", "\u202egnp.exe", "%s%n{0}${HOME}", "' OR 1=1 --", "a\r\nX-Injected: 1", "\ud800", "x" * 5000,
    "\x9b2J\x9d0;owned\x9c\x7f", "\u2066evil\u2069\ufeff",
)  # fmt: skip


class Hostile:
    """A list whose every text is hostile, the last page's cursor too; `asked` are the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        self.asked.append((request.url.path, request.url.query, request.headers))
        at = request.query_params.get("cursor")
        number = 0 if at is None else HOSTILE.index(at) + 1 if at in HOSTILE else len(HOSTILE)
        rows = [
            {"id": text, "created_at": f"{BIRTH:%FT%TZ}", "name": text, text: text, "kind": text} for text in HOSTILE
        ]
        cursors = [text for text in HOSTILE[number:] if text != "\ud800"]
        body = json.dumps({"leads": rows, "next": cursors[0] if cursors else None})
        answer = JSONResponse(None, headers={"x-said": "hostile"})
        answer.body = body.encode()
        answer.headers["content-length"] = str(len(answer.body))
        await answer(scope, receive, send)


def described(**paging: str) -> Rest:
    stream = {"kind": "lead", "params": {"cursor": "{cursor}"}, "paging": paging, "modified": None,
              "fields": {"full_name": "name"}}  # fmt: skip
    return Rest.model_validate({"type": "rest", "base_url": "http://hostile.example/v1", "streams": {"leads": stream}})


def test_records_and_cursors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    poller, double = Simulation(tmp_path, {"acme": described(next="next")}), Hostile()
    poller.app = double
    poller.poll(120)
    told = {event["subject"] for event in [*poller.events("acme"), *poller.rejects("acme")] if "subject" in event}
    assert told >= {text for text in HOSTILE if text not in {"\ud800", "\0"}}
    assert {path for path, *_ in double.asked} == {"/v1/leads"}
    assert not [headers for *_, headers in double.asked if "x-injected" in headers]
    assert len({query for _, query, _ in double.asked}) > 5, "its cursors are followed"
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("state.db")} <= {"events/acme.jsonl", "rejects/acme.jsonl"}
    raw = (tmp_path / "events/acme.jsonl").read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]", raw)
    assert "\x1b[2J" not in capsys.readouterr().out


@pytest.mark.parametrize("query", ["a=b\r\nX-Injected: 1", "a=\0", {"cursor": "\ud800"}])
async def test_where_no_request_can_be_made_none_is(query: str | dict[str, str]) -> None:
    async with vendor(saying(answer())) as server, session(server.url) as ours:
        with pytest.raises(Unexpected, match="no request can be made"):
            await ours.ask("/leads", query)
        await ours.ask("/leads", {"cursor": "b\r\nX-Injected: 1"})
    assert [asked.target for asked in server.asked] == ["/leads?cursor=b%0D%0AX-Injected%3A+1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_terminals(text: str) -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True, soft_wrap=True, highlight=False, color_system=None).print(line((text, "")))
    for shown in (out.getvalue().removesuffix("\n"), cell(text)):
        assert [sign for sign in shown if not sign.isprintable()] == []


@pytest.mark.parametrize("text", HOSTILE)
async def test_json_that_a_terminal_may_show(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.dumps({"text": text[:1000]}, ensure_ascii=False).encode(errors="replace")
    print_json(value)
    master, slave = pty.openpty()
    await StdoutOutput(slave).write([Message(value, "", "acme", "leads", "lead", BIRTH)])
    os.close(slave)
    shown = [capsys.readouterr().out, os.read(master, 1 << 16).decode().replace("\r\n", "\n")]
    os.close(master)
    for line_of_json in shown:
        assert [sign for sign in line_of_json.removesuffix("\n") if not sign.isprintable()] == []
        assert json.loads(line_of_json)["text"] == text[:1000].replace("\ud800", "?")


@pytest.mark.parametrize("text", HOSTILE)
def test_pages_and_metrics(text: str) -> None:
    now = datetime.now(UTC)
    status = StreamStatus(
        source="acme", stream="leads", state="ok", lag_seconds=1.0, gaps=[], last_error=text, owner=text,
        sweeps=[SweepStatus("live", now, now, text)], seen=1, gap_seconds=0.0,
    )  # fmt: skip
    html = page(
        overview_of([status], [], [text], TelemetryLookup(lambda *_: {}, lambda *_: [0] * 60), now), guarded=False
    )
    assert b"<script>alert" not in html
    assert b"\x1b" not in html
