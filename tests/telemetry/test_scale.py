"""Five thousand streams are rendered aside: the event loop goes on, and what it counts meanwhile tears nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import anyio

from poller.events.batch import Counts
from poller.telemetry import Telemetry
from poller.telemetry.status import StreamGauges, StreamStatus, SweepStatus

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
STREAMS = [(f"source-{n // 5}", f"stream-{n % 5}") for n in range(5000)]


def status(source: str, stream: str) -> StreamStatus:
    sweeps = [SweepStatus(name, NOON, NOON, None) for name in ("live", "settle", "audit")]
    return StreamStatus(source, stream, "ok", 1.0, [], None, "here", sweeps, 100, 0.0)


async def test_the_loop_goes_on_while_metrics_are_rendered() -> None:
    telemetry = Telemetry()
    gauges = [status(*names).gauges for names in STREAMS]
    telemetry.watch(lambda: gauges)
    texts: list[bytes] = []

    async def scrape() -> None:
        texts.append(await anyio.to_thread.run_sync(telemetry.render))

    turns = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scrape)
        while not texts:
            # New label sets appear in the very dicts that the thread walks.
            telemetry.page_read(f"new-{turns}", "calls", Counts(records=1))
            telemetry.request_done(f"new-{turns}", code="200", seconds=0.1)
            turns += 1
            await anyio.sleep(0.001)
    assert texts[0].count(b"poller_stream_state{") == 7 * len(STREAMS)
    assert turns > 5, "the loop stood still"  # all is rendered in a tenth of a second; a thread gives way each 5 ms


def test_no_piece_of_a_scrape_takes_long() -> None:
    """Of five thousand streams each, the gauges are asked for, and lines are written, a few streams at a time."""
    telemetry = Telemetry()
    asked: list[int] = []

    def gauges() -> Iterator[StreamGauges]:
        for number, names in enumerate(STREAMS):
            asked.append(number)
            yield status(*names).gauges

    telemetry.watch(gauges)
    pieces, before, most_asked = list[bytes](), 0, 0
    for piece in telemetry.exposition():
        pieces.append(piece)
        before, most_asked = len(asked), max(most_asked, len(asked) - before)
    assert most_asked <= 50
    assert max(map(len, pieces)) < 50_000, "a twentieth of a megabyte takes about half a millisecond"
    assert b"".join(pieces).count(b"\n") > 25 * len(STREAMS)
