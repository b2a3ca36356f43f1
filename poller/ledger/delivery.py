"""Delivery: one batch into every output, however long that takes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

import anyio

from outputs import Marks, Message, Output, OutputClosed, OutputError
from poller.backoff import backoff
from poller.errors import PollerError
from poller.telemetry import Telemetry

_LONGEST = 30.0
"""Seconds: all streams wait for an output, so it is tried again sooner than a vendor would be."""


class OutputAway(PollerError):
    """An output was away for longer than a run that ends by itself waits."""


class Delivery:
    """The open outputs, by name. `patience`: seconds after which an output that is away ends the run; None: never."""

    def __init__(self, outputs: Mapping[str, Output], telemetry: Telemetry, patience: float | None = None) -> None:
        self._outputs = outputs
        self._telemetry = telemetry
        self._patience = patience
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:  # where one cannot be opened, those before it are closed
            for output in self._outputs.values():
                await opened.enter_async_context(output)
            self._stack = opened.pop_all()
        self._telemetry.outputs(self._outputs)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def doubtful(self) -> bool:
        """Whether some output cannot be taken back, so that a crash leaves in doubt what it holds."""
        return not all(output.exact for output in self._outputs.values())

    async def announce(self, messages: Sequence[Message]) -> dict[str, Marks]:
        """What delivering this batch is about to touch, by output."""

        async def announced(output: Output) -> Marks:
            return output.announce(messages)

        return {name: await self._insist(name, partial(announced, out)) for name, out in self._outputs.items()}

    async def deliver(self, messages: Sequence[Message]) -> dict[str, Marks]:
        """Return once every output holds the batch; an output that holds it is not asked again."""
        return {name: await self._insist(name, partial(out.write, messages)) for name, out in self._outputs.items()}

    async def _insist(self, name: str, attempt: Callable[[], Awaitable[Marks]]) -> Marks:
        failures, since = 0, anyio.current_time()
        while True:
            try:
                marks = await attempt()
            except OutputError as error:
                if isinstance(error, OutputClosed):
                    raise
                failures += 1
                wait = min(backoff(failures), _LONGEST)
                self._telemetry.output_failed(name, error=str(error), retry_in=wait)
                if self._patience is not None and anyio.current_time() + wait - since > self._patience:
                    raise OutputAway(f"output {name} is away: {error}") from error
                await anyio.sleep(wait)
            else:
                if failures:
                    self._telemetry.output_recovered(name)
                return marks
