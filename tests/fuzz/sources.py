"""The vendors, and the recipes of `rest`, over doubles whose answers are changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import cache, partial
from random import Random
from typing import Any, TypeVar

import httpx
import looptime
import pytest
from starlette.types import ASGIApp

from poller.plugin.source import Source
from poller.sandbox.api import backend
from poller.sandbox.app import sandbox
from poller.sandbox.registry import new_world
from tests.fuzz.conversation import Changed, Conversation
from tests.fuzz.polled import NOW, Part, parts, poll
from tests.fuzz.target import Case, Target
from tests.simulation import ACCOUNTS
from tests.sources.rest.documented import Double, LateRows
from tests.sources.rest.recipes import source_of
from tests.sources.rest.test_recipes import DOUBLES

T = TypeVar("T")
_HOUR = timedelta(hours=1)
_SMALLER = {"callcap", "flextell", "trackdrive"}
"""Vendors of the sandbox that can make their pages smaller, and say so: then there are several, of a few rows."""
_ROWS = 8
_PACE = {"requests_per_minute": 1_000_000, "start": "2h", "proxy": None, "ca_file": None}


def in_no_time(work: Callable[[], Awaitable[T]]) -> T:
    """Run it on a clock that jumps over whatever is waited for."""

    async def main() -> T:
        return await work()

    with asyncio.Runner(loop_factory=partial(looptime.new_event_loop, noop_cycles=0)) as runner:
        return runner.run(main())


class Conversations:
    """A source, and what its vendor's double answers to each part of it."""

    def __init__(self, source: Source, app: ASGIApp) -> None:
        self.source, self._app = source, app
        self.parts = [*parts(source)]
        self.came: dict[Part, int] = {}

    @cache  # noqa: B019  they live as long as the program
    def of(self, part: Part) -> Conversation:
        """Return what is answered to a pass; it is asked once. Raises what a pass over good answers must not raise."""
        kept = Conversation()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(backend, "MOST_ROWS", _ROWS)
            came = in_no_time(lambda: poll(self.source, part, kept.recorder(httpx.ASGITransport(self._app))))
        self.came[part] = came
        return kept


class _Polled(Case):
    def __init__(self, source: Source, part: Part, vendor: Changed) -> None:
        self._source, self._part, self._vendor = source, part, vendor

    @property
    def document(self) -> bytes:
        """Return the answers that were changed; of a pass that did not come so far, what it was."""
        return b"\n\n".join([f"{self._source.type} {self._part}".encode(), *self._vendor.documents])

    def run(self) -> None:
        """Poll."""
        in_no_time(lambda: poll(self._source, self._part, self._vendor.transport()))


class Polled(Target):
    """Sources, polled over answers that are not what was documented."""

    def __init__(self, name: str, sources: Mapping[str, Callable[[], Conversations]]) -> None:
        self.name, self._sources = name, sources

    def case(self, rng: Random) -> Case:
        """Choose a source, what of it is polled, and which answers are changed."""
        known = self._sources[rng.choice([*self._sources])]()
        part = rng.choice(known.parts)
        return _Polled(known.source, part, known.of(part).changed(rng))


@cache
def vendor(name: str) -> Conversations:
    """Return a vendor of the sandbox, as it is at a time that stands still."""
    world = new_world(1, 0.5, lambda: NOW, _HOUR)
    if name in _SMALLER:
        world.vices.set({name: {"size_capped": 1.0}})
    settings: dict[str, Any] = {**ACCOUNTS[name]().model_dump(), **_PACE}
    source = ACCOUNTS[name](**{key: settings[key] for key in _PACE})
    return Conversations(source, sandbox(world))


@cache
def recipe(name: str) -> Conversations:
    """Return a recipe, and the double of its API."""
    api = DOUBLES[name]
    rows = LateRows(lambda: NOW, NOW - _HOUR, api.every)
    return Conversations(source_of(name).model_copy(update={"requests_per_minute": 1_000_000}), Double(api, rows))


VENDORS = [Polled(name, {name: lambda name=name: vendor(name)}) for name in ACCOUNTS]  # type: ignore[misc]
REST = Polled("rest", {name: lambda name=name: recipe(name) for name in DOUBLES})  # type: ignore[misc]
