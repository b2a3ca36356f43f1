"""One record that a sweep named is read by itself, transformed and delivered; or it failed, and waits."""

import copy
from collections.abc import Callable
from datetime import datetime

from poller.events.batch import Batch
from poller.http.session import Session
from poller.plugin.stream import Page
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.progress import passes
from poller.polling.runtime import SweepRuntime
from poller.polling.step import Steps, outcome
from poller.state.ledger import OwnershipLost
from poller.telemetry import Telemetry


class Rereads:
    """The single records of one source. A stream takes one step at a time; the pipeline sees to that."""

    def __init__(
        self, steps: Steps, session: Session, telemetry: Telemetry, now: Callable[[], datetime], breaker: CircuitBreaker
    ) -> None:
        self._steps, self._session, self._telemetry, self._now = steps, session, telemetry, now
        self._patience = breaker

    async def read(self, run: SweepRuntime, name: str) -> None:
        """Read one record that a sweep named, and deliver it."""
        asked_at, reread = self._now(), run.sweep.reread
        if reread is None:
            raise TypeError(f"{run.names}: it names records and cannot read them")
        try:
            page, over = await self._steps.ask(reread(self._session, name))
            if over:
                return
            batch = self._steps.judge(run, page or Page(()))
        except OwnershipLost:
            raise
        except Exception as error:  # noqa: BLE001  a bug in a vendor's file stays its sweep's trouble
            await self._fail(run, name, error, asked_at)
            return
        self._patience.accepted()
        run.reread_failures, run.reread_retry_at = 0, None
        checkpoint = copy.deepcopy(run.stream.checkpoint)
        passes.reread(checkpoint, run, name, self._now())
        await self._steps.commit(run.stream, checkpoint, batch)
        self._steps.tell(run.names, batch)

    async def _fail(self, run: SweepRuntime, name: str, error: Exception, asked_at: datetime) -> None:
        """The sweep, or its source, waits."""
        run.reread_failures += 1
        wait = self._steps.waits(error, self._patience.after_record(run, error, asked_at, self._now()))
        self._telemetry.poll_failed(*run.names, error=error, outcome=outcome(error), retry_in=wait)
        checkpoint = copy.deepcopy(run.stream.checkpoint)
        passes.unread(checkpoint, run, name, error, self._now())
        await self._steps.commit(run.stream, checkpoint, Batch())
