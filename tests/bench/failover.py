"""Simulates the fail-over of a large fleet: `make simulate-failover`, or `python -m tests.bench.failover --help`.

It is a model, not a run: the time of a hundred thousand sources is computed in steps of ten milliseconds from the
`Figures`, which were measured one by one. Partitions are those that the names of the sources hash to; a replica has
one core, which its polls and its restores share evenly while both wait; all replicas share the brokers.
"""

import argparse
import random
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

from poller.state.kafka import KafkaState
from poller.state.kafka.owners import partition_of

_STEP = 0.01
_LONGEST = 600.0


@dataclass(frozen=True)
class Figures:
    """What was measured, each with the command that measures it; docs/scale.md has the machine and the day."""

    poll: float = 2.2e-3
    """CPU seconds of a poll that brings nothing, scrapes of `/metrics` included: `make bench CELL=sources`."""
    commit: float = 1.0e-3
    """CPU seconds of a transaction: `python -m tests.bench.transactions`."""
    claim: float = 9.2e-3
    """CPU seconds to claim a partition: the same command."""
    claimed: float = 0.75
    """Seconds until sixteen partitions are claimed at once, nearly empty: the same command."""
    identity: float = 0.75e-6
    """CPU seconds to read one identity and have it in memory: `make bench-restore`."""
    configure: float = 0.18e-3
    """CPU seconds to read the configuration of a source, at a start."""
    start: float = 0.2e-3
    """CPU seconds to make a source ready to poll."""
    elsewhere: float = 24.5e-6
    """CPU seconds of a scrape for a source that another replica polls."""
    scraped: float = 15.0
    """Seconds between two scrapes, as configured."""
    identity_bytes: float = 48.0
    """Bytes of memory of an identity: `make bench-restore`."""
    source_bytes: float = 41e3
    """Bytes of memory of a source: `make bench CELL=sources`."""
    configured_bytes: float = 5.7e3
    """Bytes of memory of a source that is only configured."""
    process_bytes: float = 85e6
    """Bytes of memory of a process without any: `make bench-restore`."""
    stored: float = 63.0
    """Bytes in the topic of an identity: 42, and half as much that is superseded. Assumed."""
    brokers: float = 300e6
    """Bytes a second that all brokers together read out. Assumed: three of them, a gigabit each."""
    heartbeat: float = 0.5
    """Seconds between two heartbeats, as configured."""
    joined: float = 1.0
    """Seconds in which the group shares the partitions out anew: less than two in the tests, with claims."""


@dataclass(frozen=True)
class Fleet:
    """What is simulated: each source is polled once in `every` seconds, and remembers so many `identities`."""

    sources: int = 100_000
    identities: int = 1_000
    every: float = 60.0
    replicas: int = 10
    partitions: int = 128
    session_timeout: float = 10.0
    lost: int = 1


@dataclass
class Claim:
    """A partition on its way to a replica: bytes to be read, and CPU seconds until its sources run."""

    sources: int
    unread: float
    work: float


@dataclass
class Replica:
    """A replica. `waiting` are the CPU seconds of what is due, `claims` the partitions that come to it.

    `full` are the seconds for which its core had nothing to spare.
    """

    sources: int
    partitions: int
    waiting: float = 0.0
    claims: deque[Claim] = field(default_factory=deque)
    full: float = 0.0

    def load(self, fleet: Fleet, figures: Figures) -> float:
        """Return the share of the core that polls, commits and scrapes take."""
        polls = self.sources / fleet.every * figures.poll + self.partitions * figures.commit
        return polls + (fleet.sources - self.sources) * figures.elsewhere / figures.scraped

    def memory(self, fleet: Fleet, figures: Figures) -> float:
        """Return the bytes of memory, in steady state."""
        source = figures.source_bytes + fleet.identities * figures.identity_bytes
        return figures.process_bytes + fleet.sources * figures.configured_bytes + self.sources * source

    def step(self, fleet: Fleet, figures: Figures, bandwidth: float) -> int:
        """Pass one step; return how many sources became ready to poll in it."""
        self.waiting += self.load(fleet, figures) * _STEP
        ready = [claim for claim in self.claims if claim.unread <= 0]
        share = min(sum(claim.work for claim in ready), max(_STEP / 2, _STEP - self.waiting))
        polled = min(self.waiting, _STEP - share)
        self.waiting -= polled
        self.full += _STEP if polled + share > 0.99 * _STEP else 0.0
        for claim in self.claims:
            claim.unread -= bandwidth * _STEP
        return self._work(ready, share)

    def _work(self, ready: Sequence[Claim], share: float) -> int:
        begun = 0
        for claim in ready:
            done = min(claim.work, share)
            claim.work, share = claim.work - done, share - done
            if claim.work <= 1e-12:
                self.claims.remove(claim)
                self.sources += claim.sources
                self.partitions += 1
                begun += claim.sources
        return begun


@dataclass
class Outcome:
    """What a fail-over came to: `polled` are the seconds from the crash to the first poll of each source concerned."""

    detected: float
    restored: float
    polled: list[float]
    before: list[Replica]
    after: list[Replica]
    moved: int


def replicas_of(fleet: Fleet) -> tuple[list[Replica], list[int]]:
    """Return the replicas before the crash, and how many sources each partition of the lost ones has."""
    state = KafkaState.model_validate(
        {"type": "kafka", "bootstrap_servers": "none:9092", "partitions": fleet.partitions}
    )
    held = Counter(partition_of(state, f"source-{number}") for number in range(fleet.sources))
    owned = [range(replica, fleet.partitions, fleet.replicas) for replica in range(fleet.replicas)]
    replicas = [Replica(sum(held[partition] for partition in mine), len(mine)) for mine in owned]
    return replicas, [held[partition] for mine in owned[: fleet.lost] for partition in mine]


def simulate(fleet: Fleet, figures: Figures, seed: int = 1) -> Outcome:
    """Let `lost` replicas die at the same moment, and follow the others until all is polled again.

    Where all die, as many start at that moment, and read the configuration first.
    """
    chance = random.Random(seed)
    before, orphans = replicas_of(fleet)
    all_lost = fleet.lost >= fleet.replicas
    after = [Replica(0, 0) for _ in before] if all_lost else []
    after += [Replica(one.sources, one.partitions) for one in before[fleet.lost :]]
    noticed = fleet.session_timeout - chance.uniform(0, figures.heartbeat)
    detected = fleet.sources * figures.configure if all_lost else noticed
    for sources in sorted(orphans, reverse=True):
        taker = min(after, key=lambda one: one.partitions + len(one.claims))
        taker.claims.append(_claim(sources, fleet, figures))
    now, polled = detected + figures.joined, list[float]()
    now += figures.claimed * max(len(one.claims) for one in after) / 16
    while any(one.claims for one in after) and now < _LONGEST:
        now += _STEP
        reading = sum(any(claim.unread > 0 for claim in one.claims) for one in after)
        for one in after:
            active = sum(claim.unread > 0 for claim in one.claims)
            begun = one.step(fleet, figures, figures.brokers / max(1, reading) / max(1, active))
            polled += (now + chance.uniform(0, min(fleet.every, 60.0)) + one.waiting for _ in range(begun))
    return Outcome(detected, now, sorted(polled), before, after, len(orphans))


def _claim(sources: int, fleet: Fleet, figures: Figures) -> Claim:
    identities = sources * fleet.identities
    work = figures.claim + identities * figures.identity + sources * figures.start
    return Claim(sources, identities * figures.stored, work)


def report(fleet: Fleet, figures: Figures, outcome: Outcome) -> Iterator[str]:
    """Yield the lines that say what a fail-over came to."""
    identities = fleet.sources * fleet.identities
    yield f"{fleet.sources:,} sources, a poll each {fleet.every:g} s, {identities / 1e6:,.0f} M identities; "
    yield f"{fleet.replicas} replicas, {fleet.partitions} partitions of the state; {fleet.lost} lost at once\n\n"
    for name, those in (("before", outcome.before), ("after", outcome.after)):
        busiest = max(those, key=lambda one: one.sources)
        yield f"busiest replica {name:<7} {busiest.sources:>8,} sources, {busiest.partitions:>3} partitions, "
        load, memory = busiest.load(fleet, figures), busiest.memory(fleet, figures)
        yield f"{load:>4.0%} of a core, {memory / 1e6:,.0f} MB\n"
    yield f"transactions a second      {fleet.partitions:>8,} at most, and one for each page of news\n"
    yield f"claims begin after         {outcome.detected:>8.1f} s\n"
    yield f"all restored after         {outcome.restored:>8.1f} s ({outcome.moved} partitions)\n"
    for name, share in (("half", 0.5), ("99 %", 0.99), ("all", 1.0)):
        after = outcome.polled[min(len(outcome.polled) - 1, int(share * len(outcome.polled)))]
        yield f"{name:<4} polled again after    {after:>8.1f} s\n"
    full = max(one.full for one in outcome.after)
    yield f"a core is full for         {full:>8.1f} s at most\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.failover", description="Simulate a fail-over.")
    for each in (*fields(Fleet), *fields(Figures)):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=type(each.default), default=each.default)
    parser.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args())
    fleet = Fleet(**{each.name: given[each.name] for each in fields(Fleet)})
    figures = Figures(**{each.name: given[each.name] for each in fields(Figures)})
    sys.stdout.writelines(report(fleet, figures, simulate(fleet, figures, given["seed"])))


if __name__ == "__main__":
    main()
