"""What was recorded replays to the same events, masked or not, for every vendor and every sort of described list.

Killed: answers out of order; an answer that is skipped; a mask that is not the same one for an id in a later request;
a page's number, a total or a time that is masked; a record that is masked otherwise where it is read by itself.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from poller.commands.replay_config import spelt_settings
from poller.plugin.stream import Cursor
from poller.recording.file import Exchange, Header, RecordingWriter
from poller.recording.masking import Mask
from poller.recording.matching import Tape
from poller.recording.words import is_count, is_time, is_vocabulary, words_in
from poller.testing import Recorded, read_sweep
from tests.recording.vendors import NAMES, recorded, replayed, shown, source_of
from tests.sources.rest.described import NINE_LINES, stream_of, ticket
from tests.sources.rest.test_list_server import SEARCH

SECONDS = 100
QUICK = {"ipscape", SEARCH}


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.exhaustive) for name in NAMES]
)
def test_a_recording_replays_masked_or_not(tmp_path: Path, name: str) -> None:
    first = recorded(tmp_path / "first", name, SECONDS)
    assert len(first.events("acme")) > 20
    again, unlike = replayed(tmp_path / "again", name, first.kept, SECONDS)
    assert unlike == []
    assert again.events("acme") == first.events("acme")

    mask = Mask(words_in(spelt_settings(source_of(name))))
    masked = [mask.exchange(exchange) for exchange in first.kept]
    hidden, unlike = replayed(tmp_path / "masked", name, masked, SECONDS)
    assert unlike == []
    assert shown(hidden) == shown(first)

    assert [pair for pair in leaves_of(first.kept, masked) if pair[0] == pair[1]] == []
    text = "\n".join(exchange.body for exchange in masked)
    names = {value for value, _ in leaves_of(first.kept, masked) if " " in value or "@" in value}
    names -= {value for one in masked for name, value in leaves(json.loads(one.body)) if is_vocabulary(name, value)}
    assert [name for name in names if len(name) > 7 and name in text] == []


def leaves_of(exchanges: Iterable[Exchange], masked: Iterable[Exchange]) -> Iterator[tuple[str, str]]:
    """What a record holds that a mask has to replace, and what stands for it."""
    for before, after in zip(exchanges, masked, strict=True):
        pairs = zip(leaves(json.loads(before.body)), leaves(json.loads(after.body)), strict=True)
        for (name, value), (_, image) in pairs:
            kept = is_time(name, value) or is_vocabulary(name, value) or is_count(name, value)
            says_nothing = re.fullmatch(r"NF|\W*|[+-]?[01](\.0*)?", value)
            if not kept and not says_nothing:
                yield value, image


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, name)
    elif isinstance(value, str | float | int) and not isinstance(value, bool):
        yield name, str(value)


def exchange(query: str, body: str, status: int = 200) -> Exchange:
    return Exchange(0.0, "GET", "/calls", query, status, body=body)


def test_like_requests_get_their_answers_in_order_and_none_is_skipped() -> None:
    tape = Tape(
        [exchange("page=1&since=2026-03-14T09:00:00Z", "a"), exchange("page=2&since=2026-03-14T09:00:00Z", "b"),
         exchange("since=2026-03-14T09:05:00Z&page=1", "c"), exchange("page=1&since=2026-03-14T09:06:00Z", "d", 500)]
    )  # fmt: skip

    def said(query: str) -> str | None:
        found = tape.answer("GET", "/calls", query)
        return found.body if found else None

    late = "page={}&since=2026-11-29T09%3A00%3A00%2B00%3A00"
    assert [said(late.format(1)) for _ in range(5)] == ["a", "c", "d", "c", "c"], "the last good one comes again"
    assert tape.left == 1
    assert [said(late.format(page)) for page in (2, 3)] == ["b", None]
    assert said("page=1") is None
    assert tape.answer("POST", "/calls", late.format(1), "{}") is None
    assert tape.answer("GET", "/other", late.format(1)) is None


def test_a_parameter_that_is_a_credential_does_not_count() -> None:
    tape = Tape([exchange("page=1", "a")], ["api_key"])
    assert tape.answer("GET", "/calls", "api_key=replay&page=1") is not None


async def test_a_recording_answers_in_a_test_of_a_source(tmp_path: Path) -> None:
    header = Header(1, "rest", "/v1", "2026-03-14T10:00:00Z", "2026-03-14T09:00:00Z")
    path, asked = tmp_path / "odd.jsonl", "updated_since=2026-03-14T08%3A59%3A59Z&per_page=100&page={}"
    with closing(RecordingWriter(path)) as file:
        file.write(header)
        dated = {"date": "Sat, 14 Mar 2026 10:00:05 GMT"}
        for number, rows in ((1, [ticket(1), ticket(2)]), (2, [])):
            body = json.dumps({"tickets": rows})
            file.write(Exchange(1.0, "GET", "/tickets", asked.format(number), 200, dated, body=body))
    session = Recorded.of_recording(path)
    done = await read_sweep(stream_of(NINE_LINES), "live", session)
    assert [record["id"] for record in done.records()] == [1, 2]
    assert done.end.cursor == Cursor(datetime(2026, 3, 14, 10, 0, 0, tzinfo=UTC))
    with pytest.raises(AssertionError, match="asked for more than was kept: /other"):
        await session.ask("/other", {})
