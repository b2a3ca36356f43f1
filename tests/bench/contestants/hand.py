"""What one would write by hand: new calls by their id, mapped, one event a line: `hand.py ADDRESS OUT`.

Ids are kept in a set, in memory; times are read, numbers are put together from their digits. Nothing is compared,
saved or checked, and it starts from nothing each time.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}
ZONE = ZoneInfo("US/Arizona")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def number(text: str) -> str:
    return "+1" + text.replace("-", "")


def event(call: dict[str, Any], observed: datetime) -> dict[str, Any]:
    campaign, caller, outcome = call["accounts"]["campaign"], call["caller"], call["callsurance"]
    data = {
        "id": call["call_id"],
        "direction": campaign["direction"],
        "status": call["action"].lower(),
        "started_at": instant(call["start_datetime"]),
        "ended_at": instant(call["end_datetime"]),
        "updated_at": instant(call["last_modified"]),
        "duration_seconds": call["duration"],
        "caller_number": number(caller["caller_id"]),
        "called_number": number(campaign["dialed_number"]),
        "tracking_number": number(campaign["callcap_number"]),
        "destination_number": number(campaign["destination_number"]),
        "caller": {"name": caller["name"], "city": caller["city"], "region": caller["state"]},
        "campaign": {"id": str(campaign["id"]), "name": campaign["name"]},
        "disposition": outcome["minor"]["label"],
        "recording_url": call["recording"],
        "revenue": call["revenue"],
        "raw": call,
    }
    return {"id": call["call_id"], "type": "call.created", "time": data["started_at"], "seen": observed, "data": data}


def main(address: str, out: Path) -> None:
    seen = set[str]()
    with httpx.Client() as client, out.open("wb") as file:
        page, last = 0, 1
        while page < last:
            page += 1
            answer = client.get(f"{address}/v2/get/calls/", params={**QUERY, "page": f"{page}"})
            found, observed = orjson.loads(answer.content), datetime.now(UTC)
            for call in found["call"]:
                if call["call_id"] not in seen:
                    seen.add(call["call_id"])
                    file.write(orjson.dumps(event(call, observed), option=orjson.OPT_APPEND_NEWLINE))
            last = found["pagination"]["last_page"]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
