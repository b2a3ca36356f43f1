"""Progress events: how far a stream is complete, said to its consumers in the commit that makes it true.

A consumer waits for `covered_until` where it wants what is fresh, for `settled_until` where it wants what is final.
Neither ever goes back: the last ones announced are kept in the checkpoint.
"""

from datetime import datetime, timedelta

from poller.events.batch import Batch
from poller.events.cloudevent import StreamInfo, progress_event
from poller.polling.progress.coverage import FINAL, FRESH, complete_until
from poller.state.checkpoint import Announced, Checkpoint


def announce(batch: Batch, info: StreamInfo, checkpoint: Checkpoint, every: timedelta, now: datetime) -> None:
    """Add a progress event to the batch, and note it in the checkpoint, where it is time and there is something new.

    It is time `every` so often, and whenever the stream is settled further.
    """
    last, found = checkpoint.announced, _progress(checkpoint)
    if found is None or (last and found == (last.covered_until, last.settled_until, last.gaps)):
        return
    covered, settled, gaps = found
    if last and settled == last.settled_until and last.at <= now < last.at + every:
        return
    checkpoint.announced = Announced(covered, settled, gaps, now)
    batch.messages.append(progress_event(info, covered_until=covered, settled_until=settled, gaps=gaps, observed=now))


def _progress(checkpoint: Checkpoint) -> tuple[datetime, datetime | None, int] | None:
    """Return what the stream is covered and settled by, and its open gaps; None before its first complete pass."""
    last = checkpoint.announced
    covered, settled = complete_until(checkpoint, FRESH), complete_until(checkpoint, FINAL)
    if covered is None:
        return None
    if last:
        covered = max(covered, last.covered_until)
        settled = max(filter(None, (settled, last.settled_until)), default=None)
    return covered, settled, len(checkpoint.gaps)
