"""The least that is known for a new call in Python: `least.py ADDRESS OUT`.

A page is a list of bytes, of which the identity is decoded first, then the twenty-odd fields that the event needs; an
event is encoded once, with the vendor's bytes in it; a digest of those fields and the row of `seen` are made. It knows
one spelling of each field only: what is odd fails, or is wrong. Nothing is compared, committed, counted or restored.
"""

import struct
import sys
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
from msgspec import Raw
from xxhash import xxh3_64_intdigest

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}
ZONE = ZoneInfo("US/Arizona")
STATUSES = {"Answer": "answered", "Missed": "missed", "Voicemail": "voicemail"}
AREAS = frozenset(str(area) for area in range(200, 1000))
DIGITS = 10


def thing(name: str, /, **fields: Any) -> Any:
    return msgspec.defstruct(name, list(fields.items()), gc=False)


Thing = thing("Thing", id=int, name=str)
Named = thing("Named", id=str, name=str)
Label = thing("Label", label=str)
Caller = thing("Caller", caller_id=str, name=str, city=str, state=str, zip=str)
Campaign = thing(
    "Campaign", id=int, name=str, callcap_number=str, dialed_number=str, destination_number=str, direction=str
)
Accounts = thing("Accounts", campaign=Campaign)
Outcome = thing("Outcome", minor=Label, csr=Thing)
Call = thing(
    "Call", call_id=str, recording=str, action=str, start_datetime=str, end_datetime=str, last_modified=str,
    duration=int, revenue=float, caller=Caller, callsurance=Outcome, accounts=Accounts,
)  # fmt: skip
Person = thing("Person", name=str, city=str, region=str, postal_code=str)
Data = thing(
    "Data", id=str, direction=str, status=str, vendor_status=str, started_at=str, ended_at=str, updated_at=str,
    duration_seconds=int, caller_number=str, called_number=str, tracking_number=str, destination_number=str,
    caller=Person, campaign=Named, agent=Named, disposition=str, recording_url=str, revenue=float, raw=Raw,
)  # fmt: skip
Page = thing("Page", last_page=int)

read_page = msgspec.json.Decoder(thing("Answer", pagination=Page, call=list[Raw])).decode
read_name = msgspec.json.Decoder(thing("Name", call_id=str)).decode
read_call = msgspec.json.Decoder(Call).decode
encode, pack = msgspec.json.Encoder().encode, msgspec.msgpack.Encoder().encode
row = struct.Struct("<QQQqIIBB").pack


@lru_cache(1 << 10)
def hour(text: str) -> str:
    return datetime.fromisoformat(f"{text}:00").replace(tzinfo=ZONE).astimezone(UTC).isoformat()[:13]


def time(text: str) -> str:
    return f"{hour(text[:13])}{text[13:]}Z"


def number(text: str) -> str:
    digits = text.replace("-", "")
    return f"+1{digits}" if len(digits) == DIGITS and digits[:3] in AREAS else text


def line(call: Any, raw: Raw, seen: dict[str, bytes]) -> bytes:
    """Return the event of a new call, which is noted in `seen`."""
    caller, campaign, outcome = call.caller, call.accounts.campaign, call.callsurance
    began, agent = time(call.start_datetime), outcome.csr
    data = Data(
        call.call_id, campaign.direction, STATUSES[call.action], call.action, began, time(call.end_datetime),
        time(call.last_modified), call.duration, number(caller.caller_id), number(campaign.dialed_number),
        number(campaign.callcap_number), number(campaign.destination_number),
        Person(caller.name, caller.city, caller.state, caller.zip), Named(str(campaign.id), campaign.name),
        Named(str(agent.id), agent.name), outcome.minor.label, call.recording, call.revenue, raw,
    )  # fmt: skip
    call.last_modified, call.recording = "", call.recording.partition("?")[0]
    name, digest = data.id.encode(), xxh3_64_intdigest(pack(call))
    seen[data.id] = row(digest, digest, xxh3_64_intdigest(raw), 0, 1, 1, 0, 0)
    return b'{"id":"calls/%b/1-%016x","time":"%b","data":%b}\n' % (name, digest, began.encode(), encode(data))


def main(address: str, out: Path) -> None:
    seen: dict[str, bytes] = {}
    with httpx.Client() as client, out.open("wb") as file:
        page, last = 0, 1
        while page < last:
            page += 1
            found = read_page(client.get(f"{address}/v2/get/calls/", params={**QUERY, "page": f"{page}"}).content)
            for raw in found.call:
                if read_name(raw).call_id not in seen:
                    file.write(line(read_call(raw), raw, seen))
            last = found.pagination.last_page


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
