"""History that is to be read once: what an order comes to, which slice is next, and what reading it made true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from poller.errors import ConfigError
from poller.plugin.stream import History, Window
from poller.polling.progress.slices import adapt, factor, first_step, slice_window
from poller.state.checkpoint import Backfill, Checkpoint

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Order:
    """The range that somebody wants, in whole seconds (aware, UTC), and in the words of whoever typed it.

    `again`: also what is older than `keep`, which is delivered anew; `instead`: of another order that is not done;
    `cancel`: nothing, and give up the order that is not done.
    """

    words: tuple[str, str]
    start: datetime
    end: datetime
    again: bool = False
    instead: bool = False
    cancel: bool = False


def accept_order(
    name: str, checkpoint: Checkpoint, history: History | None, keep: timedelta | None, order: Order, now: datetime
) -> Backfill:
    """Return an order's backfill: the rest of the last one, if that was the same and is not done. Raises ConfigError.

    `name` is `source.stream`.
    """
    if history is None:
        raise ConfigError(f"{name}: a reference list is always delivered whole; there is no history to read")
    before = checkpoint.backfill
    if order.cancel:
        if before is None or before.done:
            raise ConfigError(f"{name}: no history is being read, so there is nothing to cancel")
        return replace(before, end=before.at, error=None, done=now)
    if keep and order.start < now - keep and not order.again:
        raise ConfigError(
            f"--from: {order.start:%F %T} is further back than {name} remembers what it delivered ({keep.days} days, "
            "`keep`): what was delivered from there would come again, as created; name a later time, or add --again"
        )
    if before and before.done is None and before.words == order.words:
        return replace(before, error=None)
    if before and before.done is None and not order.instead:
        raise ConfigError(
            f"{name}: {order_text(before)} is still to be read, from {before.at:%F %T} UTC on: the same words go on "
            "with it, --instead gives it up for this one"
        )
    whole = (order.end - order.start).total_seconds()
    step = whole if history.smallest is None else first_step(history)
    return Backfill(order.words, order.start, order.end, order.start, step, now)


def order_text(backfill: Backfill) -> str:
    """An order in the words of whoever gave it."""
    since, until = backfill.words
    return f"--from {since} --to {until}" if until else f"--from {since}"


def next_window(backfill: Backfill) -> Window:
    """Return the slice that is read next."""
    return slice_window(backfill.at, backfill.end, backfill.step)


def slice_read(backfill: Backfill, history: History, window: Window, records: int, now: datetime) -> Backfill:
    """Return the order after a slice was read to its end, and brought so many records."""
    return replace(
        backfill,
        at=window.end,
        step=adapt(backfill.step, history, factor(records)),
        slices=backfill.slices + 1,
        error=None,
        done=now if window.end >= backfill.end else None,
    )


def slice_failed(backfill: Backfill, history: History, why: str, *, shorter: bool) -> Backfill:
    """Return the order after a slice failed: it will be read again, half as long where it failed on the way."""
    return replace(backfill, error=why, step=adapt(backfill.step, history, 0.5 if shorter else 1.0))


def page_delivered(backfill: Backfill, records: int, events: int, unreadable: Sequence[Window]) -> Backfill:
    """Return the order after a page of a slice was delivered; `unreadable` is what its list does not reach."""
    beyond = tuple((part.start, part.end) for part in unreadable)
    known = tuple(part for part in backfill.unreadable if part not in beyond)
    return replace(
        backfill,
        records=backfill.records + records,
        events=backfill.events + events,
        unreadable=known + beyond,
    )
