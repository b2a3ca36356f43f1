"""The limit: read a list of Callcap's and write every record, and nothing else. `echo.py ADDRESS OUT`."""

import sys
from pathlib import Path

import httpx
import orjson

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}


def main(address: str, out: Path) -> None:
    with httpx.Client() as client, out.open("wb") as file:
        page, last = 0, 1
        while page < last:
            page += 1
            answer = client.get(f"{address}/v2/get/calls/", params={**QUERY, "page": f"{page}"})
            found = orjson.loads(answer.content)
            for record in found["call"]:
                file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            last = found["pagination"]["last_page"]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
