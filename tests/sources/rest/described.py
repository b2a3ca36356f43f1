"""Sources of the type rest for the tests, and what their vendors answer."""

from typing import Any

from poller.plugin.stream import Stream
from poller.sources.rest import Rest

NINE_LINES: dict[str, Any] = {
    "kind": "ticket",
    "params": {"updated_since": "{start}", "per_page": 100, "page": "{page}"},
}


def rest(stream: dict[str, Any] | None = None, name: str = "tickets", **source: Any) -> Rest:
    fixed = {"type": "rest", "base_url": "https://api.example.com/v1", "streams": {name: stream or NINE_LINES}}
    return Rest.model_validate(fixed | source)


def stream_of(stream: dict[str, Any], name: str = "tickets", **source: Any) -> Stream:
    (built,) = rest(stream, name, **source).built_streams
    return built


def ticket(number: int, at: str = "2026-03-14T16:00:00Z", **fields: Any) -> dict[str, Any]:
    return {"id": number, "created_at": at, "updated_at": at, **fields}
