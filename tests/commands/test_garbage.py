"""What lives as long as the process is kept out of the garbage collector's sight, and what a source leaves is not.

Killed: collections that walk over all sources; sources that come later left in sight; one that went never collected;
what a poll leaves behind never collected; full collections whenever Python thinks fit.
"""

import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest

from poller.commands import garbage
from poller.commands.garbage import spare_the_long_lived


@dataclass
class Sources:
    started: int = 0
    ended: int = 0


class Cycle:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "_EVERY", 0.001)
    gc.unfreeze()  # what was there when the tests were collected
    yield
    gc.unfreeze()


@asynccontextmanager
async def sparing(sources: Sources) -> AsyncIterator[None]:
    async with anyio.create_task_group() as group:
        group.start_soon(spare_the_long_lived, sources)
        await until(lambda: gc.get_freeze_count() > 0)
        yield
        group.cancel_scope.cancel()


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not true():  # noqa: ASYNC110  the collector tells nobody
            await anyio.sleep(0.001)


def in_sight(thing: object) -> bool:
    return any(found is thing for found in gc.get_objects())


async def test_what_is_there_is_frozen_and_so_are_sources_that_come_later() -> None:
    sources, early = Sources(), Cycle()
    async with sparing(sources):
        assert not in_sight(early)
        late = Cycle()
        assert in_sight(late)
        sources.started += 1
        await until(lambda: not in_sight(late))


async def test_what_a_source_leaves_behind_is_collected() -> None:
    sources, left = Sources(), Cycle()
    gone = weakref.ref(left)
    async with sparing(sources):
        del left
        gc.collect()
        assert gone() is not None, "it is frozen"
        sources.ended += 1
        await until(lambda: gone() is None)


async def test_what_polls_leave_behind_is_collected_by_the_clock_and_not_by_the_number_of_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with sparing(Sources()):
        gone = weakref.ref(Cycle())
        await until(lambda: gone() is None)
    monkeypatch.setattr(garbage, "_EVERY", 60.0)
    gc.unfreeze()
    whole: list[object] = []
    gc.callbacks.append(note := lambda phase, about: whole.append(phase) if about["generation"] == 2 else None)
    try:
        async with sparing(Sources()):
            whole.clear()
            kept = [[number] for number in range(200_000)]
            assert not whole
        kept += [[number] for number in range(200_000)]
        assert whole, "Python's own ways are back"
    finally:
        gc.callbacks.remove(note)
