"""Delivery: one batch into every output, however long that takes."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from functools import partial
from typing import Self, TypeAlias, TypeVar

import anyio

from outputs import (
    Marks,
    Message,
    Output,
    OutputClosed,
    OutputConfig,
    OutputError,
    StreamRef,
    Undeliverable,
    Unreachable,
)
from outputs.stdout import StdoutOutput
from poller.errors import PollerError
from poller.events.rejects import reject_too_large
from poller.redaction import SECRETS
from poller.retry import keep_trying
from poller.state.output_calls import bugs_told, checked, given_up_in_time, told_in_time
from poller.telemetry import Telemetry

T = TypeVar("T")

_CLOSING = 30.0
"""Seconds that an output has to close: what was delivered is durable."""

SaveMarks: TypeAlias = Callable[[Mapping[str, Marks]], Awaitable[None]]
"""Makes durable what outputs announce, by output."""


def output_key(name: str, error: OutputError) -> str:
    """Return the path of the key in the configuration that an output's error is about, such as outputs.archive.path."""
    return ".".join(filter(None, ("outputs", name, error.key)))


class OutputAway(PollerError):
    """An output was away for longer than a run that ends by itself waits."""


class Delivery:
    """The open outputs, by name. `patience`: seconds after which an output that is away ends the run; None: never."""

    def __init__(self, outputs: Mapping[str, Output], telemetry: Telemetry, patience: float | None = None) -> None:
        self._outputs = outputs
        self._telemetry = telemetry
        self._patience = patience
        self._stack = AsyncExitStack()
        self._away: list[str] = []
        self._failing: set[str] = set()
        self._told: dict[str, int] = {}  # how many of its notices

    async def __aenter__(self) -> Self:
        """Open all that can be reached. Raises OutputError where one can, and cannot be written to."""
        away: dict[str, Unreachable] = {}
        async with AsyncExitStack() as opened:  # where one cannot be opened, those before it are closed
            for name, output in self._outputs.items():
                try:
                    await self._enter(name, output, opened)
                except Unreachable as error:
                    away[name] = error
                except OutputError as error:
                    error.args = (f"{output_key(name, error)}: {error}",)  # the kind of error stays what it is
                    raise
            self._stack = opened.pop_all()
        self._telemetry.outputs(self._outputs)
        for name, why in away.items():
            self._telemetry.output_failed(name, error=str(why), retry_in=None)
        self._away, self._failing = list(away), set(away)
        return self

    async def arrive(self) -> None:
        """Return once all that was away at the start is there."""
        while self._away:
            name = self._away[0]
            await self._insist(name, partial(self._enter, name, self._outputs[name], self._stack))
            self._away.remove(name)

    async def _enter(self, name: str, output: Output, stack: AsyncExitStack) -> None:
        with self._in_time(name, "it has not opened", Unreachable), bugs_told():
            await output.__aenter__()
        stack.push_async_callback(self._close, name, output)
        self._told[name] = 0
        self._tell(name, output)

    async def _close(self, name: str, output: Output) -> None:
        """Close it. What that fails with is told, and no more: what was delivered is durable."""
        try:
            with anyio.fail_after(_CLOSING):
                await output.__aexit__(None, None, None)
        except Exception as error:  # noqa: BLE001  whatever an output's own code does
            why = (
                f"{type(error).__name__}: {error}" if str(error) else f"{type(error).__name__} (it has {_CLOSING:g} s)"
            )
            notice = f"it could not be closed: {why}"
            self._telemetry.notice("output.noticed", output=name, notice=notice)

    def _tell(self, name: str, output: Output) -> None:
        """Tell what it noticed since we last looked."""
        with bugs_told():
            notices = output.notices[self._told.get(name, 0) :]
        for notice in notices:
            self._telemetry.notice("output.noticed", output=name, notice=notice)
        self._told[name] = self._told.get(name, 0) + len(notices)

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def doubtful(self) -> bool:
        """Return True if an output cannot be taken back, so that a crash leaves in doubt what that output holds."""
        return not all(output.exact for output in self._outputs.values())

    async def announce(self, messages: Sequence[Message]) -> dict[str, Marks]:
        """Return what delivering this batch is about to touch, by output."""

        async def announced(name: str, output: Output) -> Marks:
            return self._announced(name, output, messages)

        return {name: await self._insist(name, partial(announced, name, out)) for name, out in self._outputs.items()}

    def _announced(self, name: str, output: Output, messages: Sequence[Message]) -> Marks:
        try:
            with bugs_told():
                return checked(output.announce(messages))
        finally:
            self._tell(name, output)

    async def deliver(self, messages: Sequence[Message], save: SaveMarks | None = None) -> dict[str, Marks]:
        """Announce the batch, and return once every output holds it; an output that holds it is not asked again.

        `save` makes durable what the outputs announce, before the first byte leaves, and again where it has changed.
        """
        announced = await self.announce(messages)
        if save:
            await save(announced)
        return {name: await self._deliver_to(name, messages, announced[name], save) for name in self._outputs}

    async def _deliver_to(
        self, name: str, messages: Sequence[Message], announced: Marks, save: SaveMarks | None
    ) -> Marks:
        output = self._outputs[name]

        async def put(batch: Sequence[Message]) -> Marks:
            with self._in_time(name, "it has not taken a batch"), bugs_told():
                return checked(await output.write(batch))

        async def write(batch: Sequence[Message]) -> Marks:
            nonlocal announced
            try:
                return await put(batch)
            except OutputError:
                again = self._announced(name, output, batch)
                if save is None or again == announced:
                    raise
                await save({name: again})
                announced = again
            return await put(batch)

        return await self.written(name, write, messages)

    async def written(
        self, name: str, write: Callable[[Sequence[Message]], Awaitable[T]], messages: Sequence[Message]
    ) -> T:
        """Write to one output, also one that is not ours to open, until it has the batch."""
        return await self._insist(name, partial(self._fitting, name, write, messages))

    async def _fitting(
        self, name: str, write: Callable[[Sequence[Message]], Awaitable[T]], messages: Sequence[Message]
    ) -> T:
        """Write; what the output can never take is there as a reject. Raises OutputError if it takes neither."""
        reduced: set[int] = set()
        while True:
            try:
                return await write(messages)
            except Undeliverable as error:
                refused = {id(message) for message in error.messages} & {id(message) for message in messages}
                if not refused - reduced:
                    raise OutputError(f"it takes neither a record nor the reject in its place: {error}") from error
                self._telemetry.notice("message.rejected", output=name, messages=len(error.messages), reason=str(error))
                smaller = {
                    number: reject_too_large(one, SECRETS.hide(str(error)))
                    for number, one in enumerate(messages)
                    if id(one) in refused
                }
                messages = [smaller.get(number, one) for number, one in enumerate(messages)]
                reduced |= {id(one) for one in smaller.values()}

    def _in_time(self, name: str, what: str, error: type[OutputError] = OutputError) -> AbstractContextManager[None]:
        """Bound what is asked of an output; whoever reads a pipe sets the pace, and is told of where that stands."""
        if isinstance(self._outputs[name], StdoutOutput):
            return told_in_time("whoever reads it has not taken a batch", partial(self._hangs, name))
        leave = None if self._patience is None else partial(self._leave, name)
        return given_up_in_time(what, partial(self._hangs, name), leave, error)

    def _hangs(self, name: str, why: str) -> None:
        self._failing.add(name)
        self._telemetry.output_failed(name, error=why, retry_in=None)

    def _leave(self, name: str, why: str) -> None:
        self._telemetry.notice("run.failed", reason=f"output {name} is away: {why}")
        self._telemetry.stopped()

    async def _insist(self, name: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it works."""
        report = partial(self._failed, name)
        try:
            done = await keep_trying(attempt, on=OutputError, report=report, give_up_after=self._patience)
        except OutputClosed:
            raise
        except OutputError as error:
            raise OutputAway(f"output {name} is away: {error}") from error
        if name in self._failing:
            self._failing.remove(name)
            self._telemetry.output_recovered(name)
        return done

    def _failed(self, name: str, error: OutputError, wait: float) -> None:
        if isinstance(error, OutputClosed):
            raise error
        self._failing.add(name)
        self._telemetry.output_failed(name, error=str(error), retry_in=wait)


def open_output(
    name: str, config: OutputConfig, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()
) -> Output:
    """Return the output, to be opened. Raises OutputError, with the path of its key in the configuration."""
    try:
        with bugs_told():
            return config.open(marks, places)
    except OutputError as error:
        error.args = (f"{output_key(name, error)}: {error}",)
        raise
