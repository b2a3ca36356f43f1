"""What a poll costs that brings nothing."""

from tests.bench import calls, clients
from tests.bench.cell import Cell, Found, Goal
from tests.bench.records import by_unit, calls_list, script, workshop

POLLS, WARM = 420, 20


async def empty() -> Found:
    """Compare polls that bring nothing with bare requests, both without a rest between them."""
    async with workshop(calls_list([calls.EMPTY])) as (vendor, address, folder):
        await clients.run(script("bare", address), vendor, folder, requests=POLLS)
        bare = by_unit(vendor.marks, WARM, 1)
        sweeps = {"recent": {"every": "24h"}, "live": {"every": "1ms"}, "audit": {"every": "24h"}}
        clients.configure(folder, {"acme": clients.callcap(address, streams={"calls": {"sweeps": sweeps}})})
        await clients.run(clients.POLLER, vendor, folder, requests=POLLS)
        return {"bare": bare, "poller": by_unit(vendor.marks, WARM, 1)}


CELLS = (Cell("empty", "a poll that brings nothing", "µs a poll", empty, [Goal("poller", 1.3, "bare")]),)
