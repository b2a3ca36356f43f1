"""The source that docs/adding-a-source.md shows works as it stands there."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from poller.errors import Unexpected
from poller.events.batch import PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.seen import Seen
from poller.events.transform import transform
from poller.plugin.source import Source
from poller.plugin.stream import Stream
from tests.commands.running import ROOT
from tests.sources.scripted import NOW, Said, Scripted, read

PAGE = ROOT / "docs/adding-a-source.md"


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    [code] = re.findall(r"(?s)```python\n(.*?)```", PAGE.read_text())
    module: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, PAGE, "exec"), module)  # noqa: S102  it is ours
    return module


@pytest.fixture
def stream(shown: dict[str, Any]) -> Stream:
    source: Source = shown["Example"].model_validate({"type": "example", "api_key": "k"})
    [stream] = source.build_streams()
    return stream


def lead(number: int) -> dict[str, object]:
    stamp = "2026-03-14T16:00:00Z"
    return {"id": number, "name": "Ann", "email": "a@b.example", "created_at": stamp, "updated_at": stamp}


def listed(leads: Sequence[object], page: int, pages: int, total: int) -> dict[str, object]:
    return {"leads": leads, "page": page, "per_page": 100, "pages": pages, "total": total}


async def test_it_reads_every_page_and_earns_a_cursor(stream: Stream, shown: dict[str, Any]) -> None:
    rows = [lead(number) for number in range(130)]
    http = Scripted([Said(listed(rows[:100], 1, 2, 130)), Said(listed(rows[100:], 2, 2, 130))])
    done = await read(stream, "live", http)
    assert done.error is None
    assert done.records() == rows
    assert done.end.cursor
    assert done.end.cursor.until == NOW - shown["LAG"]
    assert http.queries()[1] == {
        "updated_since": "2026-03-14T15:30:40Z",
        "sort": "updated_at",
        "page": "2",
        "per_page": "100",
    }


async def test_an_answer_to_another_question_is_not_believed(stream: Stream) -> None:
    done = await read(stream, "live", Scripted([Said(listed([lead(1)], 2, 2, 101))]))
    assert isinstance(done.error, Unexpected)


async def test_its_records_become_events(stream: Stream) -> None:
    done = await read(stream, "audit", Scripted([Said(listed([lead(7)], 1, 1, 1))]))
    info = StreamInfo("acme", "example", "leads", "lead")
    batch = transform(stream, info, done.pages[0].records, Seen(None), PageContext(now=NOW))
    [message] = batch.messages
    assert not message.reject
    assert b'"full_name":"Ann"' in message.value


async def test_a_touched_stamp_makes_no_revision(stream: Stream, shown: dict[str, Any]) -> None:
    decode = stream.records.decoder.decode
    first, later = decode(b'{"id": 1, "updated_at": "a"}'), decode(b'{"id": 1, "updated_at": "b"}')
    assert shown["contents"](first) == shown["contents"](later)
