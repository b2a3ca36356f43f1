"""A whole poller over a long list that is sorted by its modification, newest first, and is edited all the time.

Killed: a list that is not read to its front again: of each range a gap was left.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from poller.testing.simulation import BIRTH, Simulation
from tests.sources.rest.described import rest

ROWS, SIZE = 40, 5
EDITED = timedelta(seconds=2)
"""Some row is edited each time so long after the one before."""
STREAM: dict[str, Any] = {
    "kind": "ticket",
    "params": {"since": "{start}", "page": "{page}"},
    "paging": {"total": "total"},
    "window_field": "updated_at",
    "sweeps": {"live": {"every": "20s", "lookback": "5m"}},
}


class Edited:
    """The list, as it is at the time of `now`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation, self._random, self._next = simulation, Random(1), BIRTH
        self.stamps = {number: BIRTH - timedelta(seconds=number) for number in range(1, ROWS + 1)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = self._simulation.now()
        while self._next < now:
            self.stamps[self._random.randint(1, ROWS)] = self._next
            self._next += EDITED
        query = Request(scope, receive).query_params
        since, page = datetime.fromisoformat(query["since"]), int(query["page"])
        found = sorted((at, number) for number, at in self.stamps.items() if at >= since)[::-1]
        rows = [{"id": number, "created_at": BIRTH.isoformat(), "updated_at": at.isoformat(), "edit": at.isoformat()}
                for at, number in found[SIZE * (page - 1) : SIZE * page]]  # fmt: skip
        headers = {"date": f"{now:%a, %d %b %Y %H:%M:%S GMT}"}
        await JSONResponse({"tickets": rows, "total": len(found)}, headers=headers)(scope, receive, send)


@contextmanager
def polled(stream: dict[str, Any]) -> Iterator[tuple[Simulation, Edited]]:
    """Yield what ten minutes came to, and the list."""
    with TemporaryDirectory() as folder:
        source = rest(stream, start="all", requests_per_minute=120)
        simulation = Simulation(Path(folder), {"desk": source})
        simulation.app = listed = Edited(simulation)
        simulation.poll(600)
        yield simulation, listed


def test_edits_leave_no_gap_and_the_last_word_on_each_record_arrives() -> None:
    with polled(STREAM) as (simulation, listed):
        (run,) = simulation.pipelines[0].streams
        live = run.checkpoint.sweeps["live"]
        assert (run.checkpoint.gaps, live.shifts, live.last_error) == ([], 0, None)
        assert live.cursor
        assert simulation.now() - live.cursor.until < timedelta(minutes=1)
        told = {event["subject"]: event["data"]["raw"]["edit"] for event in simulation.events("desk")}
        assert len(told) == ROWS
        for number, at in listed.stamps.items():
            assert at > live.cursor.until or told[str(number)] == at.isoformat()
