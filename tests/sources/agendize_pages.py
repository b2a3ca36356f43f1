"""Agendize's answers and records, as its reference and its clients describe them; and an account with its vices."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from poller.plugin.stream import Response
from poller.sources.agendize import Agendize
from tests.sources.scripted import NOW, Said, json_bytes
from tests.support.getting import Getting

SETTINGS: dict[str, Any] = {"type": "agendize", "api_key": "k", "token": "t"}
ACCOUNT = Agendize.model_validate(SETTINGS)
(STREAM,) = ACCOUNT.build_streams()
WINDOWED = ("live", "settle", "audit")

CALL: dict[str, Any] = {
    "id": "418812",
    "buttonId": "77120",
    "clientId": "50113",
    "callerNumber": "+15145550101",
    "calledNumber": "+15145550199",
    "trackingNumber": "+18195550123",
    "start": {"dateTime": "2026-03-14T12:15:30", "timeZone": "US/Eastern"},
    "duration": 143,
    "status": "completed",
    "externalId": "crm-9981",
    "type": "callTracking",
    "record": {"mimeType": "audio/mpeg", "url": "https://recordings.example.com/418812.mp3"},
}


def rows(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"c{number}"} for number in range(start, start + count)]


def listing(*calls: object, page: str | None = None, sync: str | None = None) -> Said:
    """An answer, with the tokens of the next page and of the next sync, where there are any."""
    tokens = {"nextPageToken": page, "nextSyncToken": sync}
    return Said({"items": list(calls)} | {name: token for name, token in tokens.items() if token})


def refused(code: int, status: int = 200) -> Said:
    return Said({"error": {"code": code, "reason": "gone", "message": "hidden"}}, status=status)


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@dataclass
class Company(Getting):
    """Implements `Http`: calls by name and start, of which one answer holds `cap` at the most, and does
    not say so; both bounds are exclusive, and `endDate` is about the end. `keeps` says which ones are left."""

    starts: Mapping[str, datetime]
    cap: int
    keeps: str = "newest"
    lasts: timedelta = timedelta(minutes=3)
    asked: list[dict[str, str]] = field(default_factory=list)

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        self.asked.append(dict(params))
        since = instant(params["startDate"])
        ends = instant(params["endDate"]) if "endDate" in params else datetime.max.replace(tzinfo=UTC)
        found = [name for name, start in self.starts.items() if since < start and start + self.lasts < ends]
        found.sort(key=lambda name: self.starts[name], reverse=self.keeps == "newest")
        if self.keeps == "any":
            random.Random(len(found)).shuffle(found)
        body = {"items": [self.record(name) for name in found[: self.cap]]}
        return Response(200, json_bytes(body), NOW + timedelta(seconds=len(self.asked) - 1))

    def record(self, name: str) -> dict[str, Any]:
        return {"id": name, "start": {"dateTime": f"{self.starts[name]:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}}

    def answered(self, path: str) -> bool:
        return True


def spread(count: int, start: datetime, end: datetime) -> dict[str, datetime]:
    """So many calls, evenly over a range, on whole seconds."""
    step = (end - start) / count
    return {f"c{number}": (start + number * step).replace(microsecond=0) for number in range(count)}


def ids(records: Sequence[Any]) -> set[str]:
    return {record["id"] for record in records}
