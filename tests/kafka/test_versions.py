"""Versions beside each other: each partition of the state says its format, and who cannot read it leaves it to others.

Killed: a newer partition that is claimed, written to, or ends the run; an older one that is not taken over; a share of
the partitions that goes to a member who cannot read them.
"""

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from poller.errors import ConfigError
from poller.state.kafka import manifest
from poller.state.kafka.assignor import RefusingAssignor
from poller.state.open import open_reader
from tests.kafka.ledgers import owner, replica, state
from tests.kafka.reading import Place
from tests.kafka.test_ledger_state import begin
from tests.state.ledgers import change, checkpoint

A = "acme/calls"


@pytest.mark.slow
async def test_a_partition_that_a_newer_version_wrote_is_left_untouched_and_told(
    kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "FORMAT", manifest.FORMAT + 1)
    await begin(kafka, "x")
    before = at_rest(kafka)
    monkeypatch.undo()
    async with replica(kafka, "acme") as one:
        await one.until(lambda _: "format 2, this one knows 1" in (one.ledger.trouble or ""))
        assert "partition 0 of the state is left to others" in (one.ledger.trouble or "")
        assert not one.ours
        await one.until(lambda _: one.ledger._assignment._group._assignor.refused == {0})
    assert at_rest(kafka) == before
    with pytest.raises(ConfigError, match=r"^state.topic: partition 0 of .* a newer version wrote it .*; run that"):
        async with open_reader(state(kafka)):
            pass
    monkeypatch.setattr(manifest, "FORMAT", manifest.FORMAT + 1)
    async with owner(kafka) as there:
        assert (await there.restore(A, None)).checkpoint == checkpoint(1)


@pytest.mark.slow
async def test_a_state_of_before_there_were_formats_is_taken_over(
    kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "row", lambda *_, **__: {"x|of an older version": b"{}"})
    await begin(kafka, "x")
    assert not [key for key, _ in at_rest(kafka) if key == manifest.KEY.encode()]
    monkeypatch.undo()
    async with owner(kafka) as there:
        assert (await there.restore(A, None)).checkpoint == checkpoint(1)
        await there.commit(change(A, 2, "y"))
    told = [value for key, value in at_rest(kafka) if key == manifest.KEY.encode()]
    assert told == list(manifest.row(1, 0, everywhere=False).values())


def at_rest(kafka: Place) -> list[tuple[bytes | None, bytes | None]]:
    return [(message.key(), message.value()) for message in kafka.read("state", committed=False)]


class Cluster:
    """A topic of eight partitions."""

    def topics(self) -> Collection[str]:
        return {"state"}

    def partitions_for_topic(self, _: str) -> Collection[int]:
        return range(8)


def shares(**members: Any) -> Mapping[str, set[int]]:
    """What each member gets of a leader that knows of refusals; those are assignors."""
    told = {name: member.metadata(["state"]) for name, member in members.items()}
    given = RefusingAssignor().assign(Cluster(), told)
    return {name: {place.partition for place in share.partitions()} for name, share in given.items()}


def refusing(*partitions: int) -> RefusingAssignor:
    found = RefusingAssignor()
    found.refused = {*partitions}
    return found


def test_what_a_member_refuses_goes_to_those_who_do_not() -> None:
    found = shares(one=refusing(0, 1, 2, 3, 4), two=refusing(0), three=StickyPartitionAssignor)
    assert set.union(*found.values()) == {*range(8)}
    assert sum(map(len, found.values())) == 8
    assert not found["one"] & {0, 1, 2, 3, 4}
    assert 0 in found["three"], "a member of an older version refuses nothing"


def test_what_all_refuse_stays_with_one_of_them() -> None:
    found = shares(one=refusing(*range(8)), two=refusing(*range(8)))
    assert sorted(map(len, found.values())) == [4, 4]
