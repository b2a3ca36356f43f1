"""Orders for history that a running loop was given: each is accepted, and saved, or refused."""

import anyio

from poller.clock import Now
from poller.errors import ConfigError
from poller.events.batch import Batch
from poller.polling.progress.backfill import Order, accept_order
from poller.polling.runtime import StreamRuntime
from poller.polling.step import Step
from poller.retry import Retry


class Waiting:
    """An order that is not yet accepted."""

    def __init__(self, stream: StreamRuntime, order: Order) -> None:
        self.stream, self.order = stream, order
        self._refused: ConfigError | None = None
        self._over = anyio.Event()

    async def wait(self) -> None:
        """Return once the order is saved. Raises ConfigError where it is refused."""
        await self._over.wait()
        if self._refused:
            raise self._refused

    def end(self, refused: ConfigError | None = None) -> None:
        """Let go of who waits: the order is saved, or `refused`."""
        self._refused = refused
        self._over.set()


class Orders:
    """The orders of one source that wait to be accepted, the first one first."""

    def __init__(self, step: Step, now: Now) -> None:
        self._step, self._now = step, now
        self._waiting: list[Waiting] = []

    def add(self, stream: StreamRuntime, order: Order) -> Waiting:
        """Have an order wait until its stream is free."""
        waiting = Waiting(stream, order)
        self._waiting.append(waiting)
        return waiting

    def next(self) -> Waiting | None:
        """Return the first order whose stream is free; None where there is none."""
        return next((waiting for waiting in self._waiting if not waiting.stream.busy), None)

    async def take(self, waiting: Waiting) -> None:
        """Save what is to be read, or refuse it; who waits for it learns which."""
        self._waiting.remove(waiting)
        refused: ConfigError | None = _gone(waiting)
        try:
            await self.accept(waiting.stream, waiting.order)
            refused = None
        except ConfigError as error:
            refused = error
        finally:
            waiting.end(refused)

    async def accept(self, stream: StreamRuntime, order: Order) -> None:
        """Save what is to be read. Raises ConfigError where it is not to be had."""
        name, history = stream.name.replace("/", "."), stream.stream.history
        checkpoint = stream.checkpoint.draft()
        checkpoint.backfill = accept_order(name, stream.checkpoint, history, stream.keep, order, self._now())
        if stream.slice:
            await stream.slice.close()
        stream.slice, stream.slice_retry, stream.slice_shifts, stream.given_up = None, Retry(), 0, False
        await self._step.save(stream, checkpoint, Batch())

    def refuse_all(self) -> None:
        """Let go of all who wait: the source is not polled here any more."""
        for waiting in self._waiting:
            waiting.end(_gone(waiting))


def _gone(waiting: Waiting) -> ConfigError:
    return ConfigError(f"{waiting.stream.name} is not polled here any more; ask again")
