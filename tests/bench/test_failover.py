"""The model of a fail-over keeps its books: no source is lost or doubled on the way, and what is more takes longer."""

from dataclasses import replace

import pytest

from tests.bench.failover import Figures, Fleet, Outcome, report, simulate

SMALL = Fleet(sources=2_000, identities=1_000, replicas=4, partitions=16)


def concerned(outcome: Outcome) -> int:
    return sum(one.sources for one in outcome.before) - sum(one.sources for one in outcome.before[1:])


def test_every_source_of_the_lost_replica_is_polled_again_once() -> None:
    outcome = simulate(SMALL, Figures())
    assert len(outcome.polled) == concerned(outcome) > 0
    assert sum(one.sources for one in outcome.after) == SMALL.sources
    assert sum(one.partitions for one in outcome.after) == SMALL.partitions
    assert SMALL.session_timeout - 1 < outcome.detected < outcome.restored < outcome.polled[-1]
    assert outcome.polled[-1] < outcome.restored + SMALL.every + 1


def test_where_all_are_lost_as_many_begin_anew() -> None:
    outcome = simulate(replace(SMALL, lost=4), Figures())
    assert len(outcome.polled) == SMALL.sources
    assert sum(one.sources for one in outcome.after) == SMALL.sources


@pytest.mark.parametrize(
    "changed",
    [{"identity": 1e-5}, {"brokers": 1e6}, {"stored": 6300.0}, {"start": 0.01}, {"claimed": 60.0}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_costs_more_takes_longer(changed: dict[str, float]) -> None:
    assert simulate(SMALL, replace(Figures(), **changed)).restored > simulate(SMALL, Figures()).restored + 0.1


def test_the_report_says_all_of_it() -> None:
    text = "".join(report(SMALL, Figures(), simulate(SMALL, Figures())))
    assert text.startswith("2,000 sources, a poll each 60 s, 2 M identities; 4 replicas, 16 partitions")
    assert "all  polled again after" in text
