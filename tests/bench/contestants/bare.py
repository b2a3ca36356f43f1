"""A bare request, again and again, until it is stopped: `bare.py ADDRESS`."""

import asyncio
import signal
import sys

import httpx

QUERY = {"search_range": "custom", "search_last_modified_start": "2026-01-01 00:00", "detail": "all", "show": "1000"}


async def main(address: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with httpx.AsyncClient() as client:
        while not stopped.is_set():
            answer = await client.get(f"{address}/v2/get/calls/", params={**QUERY, "page": "1"})
            assert answer.content


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
