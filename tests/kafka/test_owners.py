"""Who polls what, as the group says: by name; nobody where it cannot say, and the loop goes on meanwhile.

Killed: the names of an earlier answer kept once the group cannot be asked; a question although nothing is to be known.
"""

from collections.abc import Collection
from functools import partial
from typing import Any

import anyio
import pytest

from poller.state.kafka import owners as members
from poller.state.kafka.group import Group
from poller.state.kafka.owners import Owners, partition_of
from tests.kafka.broker import free_ports
from tests.kafka.ledgers import state
from tests.kafka.reading import DEADLINE, Place

SOURCES = [f"acme{number}" for number in range(8)]


async def test_each_source_is_its_owners_by_name(kafka: Place) -> None:
    kafka.create("state", 8)
    config, given = state(kafka, partitions=8), dict[str, set[int]]()

    def told(name: str, partitions: Collection[int]) -> None:
        given[name] = set(partitions)

    owners = Owners(config)
    await owners.ask()
    assert {owners(source) for source in SOURCES} == {""}, "nobody polls"
    async with anyio.create_task_group() as tasks:
        for name in ("one", "two"):
            tasks.start_soon(Group(config, name, partial(told, name), lambda *_: None).run)
        with anyio.fail_after(DEADLINE):
            while sorted(map(len, given.values())) != [4, 4]:  # noqa: ASYNC110  the group tells nobody else
                await anyio.sleep(0.01)
        await owners.ask()
        wanted = {part: name for name, parts in given.items() for part in parts}
        assert {source: owners(source) for source in SOURCES} == {
            source: wanted[partition_of(config, source)] for source in SOURCES
        }
        tasks.cancel_scope.cancel()


async def test_where_the_group_cannot_be_asked_nobody_is_named_and_nothing_raised(kafka: Place) -> None:
    owners = Owners(state(Place(f"127.0.0.1:{free_ports(1)[0]}")))
    owners._names = {0: "said before"}
    await owners.ask()
    assert owners("acme") == ""


async def test_an_answer_that_nobody_understands_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def group(_: Any) -> dict[str, set[int]]:
        raise ValueError("no assignment")

    monkeypatch.setattr(members, "_members", group)
    owners = Owners(state(Place("127.0.0.1:9")))
    await owners.ask()
    assert owners("acme") == ""


async def test_it_is_asked_only_while_there_is_something_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "EVERY", 0.001)
    asked, all_ours = 0, False

    async def group(_: Any) -> dict[str, set[int]]:
        nonlocal asked
        asked += 1
        return {"two": {0}}

    monkeypatch.setattr(members, "_members", group)
    owners = Owners(state(Place("127.0.0.1:9")))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(owners.watch, lambda: all_ours)
        with anyio.fail_after(DEADLINE):
            while asked < 3:  # noqa: ASYNC110
                await anyio.sleep(0.001)
        assert owners("acme") == "two"
        all_ours = True
        await anyio.sleep(0.01)
        before = asked
        await anyio.sleep(0.02)
        assert asked == before
        tasks.cancel_scope.cancel()
