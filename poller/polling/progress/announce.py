"""Progress events: how far a stream is complete, said to its consumers in the commit that makes it true.

A consumer waits for `covered_until` where it wants what is fresh, for `settled_until` where it wants what is final.
Neither ever goes back: the last ones announced are kept in the checkpoint.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

from poller.events.batch import Batch
from poller.events.cloudevent import StreamInfo, progress_event
from poller.polling.progress.coverage import FINAL, FRESH, complete_until
from poller.state.checkpoint import Announced, Checkpoint

Progress: TypeAlias = tuple[datetime, datetime | None, int]
"""What a stream is covered and settled by (None: not yet), and how many gaps it has."""


def announce(batch: Batch, info: StreamInfo, checkpoint: Checkpoint, every: timedelta, now: datetime) -> None:
    """Add a progress event to the batch, and note it in the checkpoint, where it is time and there is something new.

    It is time `every` so often, and whenever the stream is settled further.
    """
    last, found = checkpoint.announced, progress_of(checkpoint)
    if found is None or (last and found == (last.covered_until, last.settled_until, last.gaps)):
        return
    covered, settled, gaps = found
    if last and settled == last.settled_until and last.at <= now < last.at + every:
        return
    checkpoint.announced = Announced(covered, settled, gaps, now)
    batch.messages.append(progress_event(info, covered_until=covered, settled_until=settled, gaps=gaps, observed=now))


def progress_of(checkpoint: Checkpoint) -> Progress | None:
    """Return what the stream is covered and settled by, and its open gaps; None before its first complete pass."""
    covered, settled = complete_until(checkpoint, FRESH), complete_until(checkpoint, FINAL)
    if covered is None:
        return None
    last = checkpoint.announced
    said = (last.covered_until, last.settled_until, 0) if last else None
    return never_back((covered, settled, len(checkpoint.gaps)), said)


def never_back(found: Progress, last: Progress | None) -> Progress:
    """Return what was found, but for times that lie before what was said last."""
    if last is None:
        return found
    return max(found[0], last[0]), max(filter(None, (found[1], last[1])), default=None), found[2]
