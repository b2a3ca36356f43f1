"""A file that is no recording, or a damaged one, is refused in words; it is neither read without end nor believed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from poller.commands.replay import load
from poller.errors import ConfigError
from poller.recording import file as recording

HEADER = {
    "poller_recording": 1, "type": "callcap", "base_path": "/v2", "recorded_at": "2026-03-14T10:00:00Z",
    "start": "2026-03-14T09:00:00Z", "source": {"api_key": "replay"}, "follow_changes": ["calls.changes"],
}  # fmt: skip
ANSWER = {"at": 1.0, "method": "GET", "path": "/calls", "query": "page=1", "status": 200, "headers": {"Date": "now"}}


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, "http://127.0.0.1:1")
    [problem] = caught.value.problems
    return problem.removeprefix(f"--replay: {path}: ")


def written(folder: Path, header: Any, answer: Any = ANSWER) -> Path:
    path = folder / "file.jsonl"
    path.write_text(f"{json.dumps(header)}\n{json.dumps(answer)}\n")
    return path


def test_a_whole_one_is_read(tmp_path: Path) -> None:
    _, [exchange], config = load(written(tmp_path, HEADER), "http://127.0.0.1:1")
    assert exchange.path == "/calls"
    assert "lookback" in config


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2026-13-14T09:00:00Z"}, {"start": "2026-03-14T09:00:00"}, {"recorded_at": "\x1b[2J"},
        {"type": "a\nb"}, {"base_path": "no path"}, {"poller_recording": 2}, {"source": {"streams": []}},
        {"source": {"streams": {"calls": None}}},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_that_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    assert "first line" in (told := refused(written(tmp_path, HEADER | change))) or "format" in told


@pytest.mark.parametrize(
    "change",
    [
        {"status": 20}, {"status": 1000}, {"headers": {"Näme": "x"}}, {"headers": {"": "x"}},
        {"headers": {"X": "a\r\nSet-Cookie: b"}}, {"headers": {"X": "\0"}}, {"body_base64": "A"}, {"path": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_that_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    assert refused(written(tmp_path, HEADER, ANSWER | change)).startswith("line 2 is no exchange: ")


def test_what_nests_too_deeply(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER)
    path.write_text(json.dumps(HEADER) + "\n" + "[" * 100_000 + "\n")
    assert "line 2 is no exchange" in refused(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end")
def test_a_file_without_an_end() -> None:
    assert "first line is not that of a recording" in refused(Path("/dev/zero"))


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, HEADER)
    monkeypatch.setattr(recording, "_LARGEST", path.stat().st_size)
    load(path, "http://127.0.0.1:1")
    os.truncate(path, 10_000)
    assert refused(path) == "it is larger than 1 GiB: record for a shorter time"
