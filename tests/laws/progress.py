"""The law of progress: nothing that a progress event promised comes later as created, and no promise is taken back.

What was delivered as a reject by then kept the promise: a later answer may spell the record so that it can be read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from poller.plugin.stream import Stream
from poller.polling.progress.coverage import FINAL, FRESH
from tests.laws.laws import Life

PROGRESS = "stream.progress"
FOREVER = timedelta(days=100_000)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, made `at`: what the vendor showed everywhere before `until`, of `since` or later, is delivered."""

    name: str
    until: datetime
    since: datetime
    at: datetime

    def covers(self, shown: datetime, own: datetime) -> bool:
        return shown <= self.until and own >= self.since


def reaches(stream: Stream) -> Mapping[str, timedelta]:
    """Return how far the sweep behind each of the two values looks back; for ever where it reads the whole list."""
    by = {sweep.name: sweep for sweep in stream.sweeps}
    names = {"covered_until": FRESH, "settled_until": FINAL}
    sweeps = {value: next((by[name] for name in of if name in by), None) for value, of in names.items()}
    return {value: (sweep.lookback or FOREVER) for value, sweep in sweeps.items() if sweep}


def promises(event: Mapping[str, Any], reach: Mapping[str, timedelta]) -> Iterator[Promise]:
    """Yield what a progress event promises."""
    for name, lookback in reach.items():
        if told := event["data"][name]:
            until = datetime.fromisoformat(told)
            since = until - min(lookback, until - datetime.min.replace(tzinfo=until.tzinfo))
            yield Promise(name, until, since, datetime.fromisoformat(event["observedtime"]))


def broken_promises(
    lines: Sequence[Mapping[str, Any]],
    truth: Mapping[str, Life],
    reach: Mapping[str, timedelta],
    lag: timedelta = timedelta(),
    rejects: Iterable[Mapping[str, Any]] = (),
) -> list[str]:
    """Return what breaks the law in a stream's lines, which are in the order of their delivery; one line each.

    A record is shown everywhere `lag` after it is shown first: copies of the vendor's database may be behind.
    """
    found, told, rejected = [], dict[str, Promise](), _rejected(rejects)
    for line in lines:
        if line["type"] == PROGRESS:
            for promise in promises(line, reach):
                if promise.name in told and told[promise.name].until > promise.until:
                    found.append(f"{promise.name} goes back to {promise.until}")
                told[promise.name] = promise
        elif line["type"].endswith(".created") and (shown := _shown(truth.get(line["subject"]))):
            own = datetime.fromisoformat(line["time"])
            found += [
                f"{line['subject']}, shown {shown}, of {own}, came after {promise.name} {promise.until}"
                for promise in told.values()
                if promise.covers(shown + lag, own) and rejected.get(line["subject"], NEVER) > promise.at
            ]
    return found


def _rejected(rejects: Iterable[Mapping[str, Any]]) -> Mapping[str, datetime]:
    """Return by identity when a record was first delivered as a reject."""
    found: dict[str, datetime] = {}
    for reject in rejects:
        if subject := reject.get("subject"):
            found[subject] = min(found.get(subject, NEVER), datetime.fromisoformat(reject["observedtime"]))
    return found


def _shown(life: Life | None) -> datetime | None:
    """Return since when a record was shown in a way that can be read: a broken one is delivered as a reject."""
    versions = life.versions if life else ()
    broken = [number for number, version in enumerate(versions) if version.broken]
    readable = versions[broken[-1] + 1 if broken else 0 :]
    return readable[0].at if readable else None
