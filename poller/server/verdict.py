"""The one sentence that answers: is it complete, and if not, since when and why?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from poller.humanize import format_clock
from poller.server.overview import Overview, StreamOverview
from poller.telemetry.status import rfc3339


class Verdict(NamedTuple):
    """`said` stays the same while nothing changes; `more` may move on with the clock. `complete`: None is not known.

    `until` is the moment up to which everything that is polled here is complete, None where that cannot be said.
    """

    complete: bool | None
    said: str
    more: str
    until: datetime | None

    @property
    def sentence(self) -> str:
        """Both parts."""
        return f"{self.said} {self.more}".strip()


def verdict(of: Overview) -> Verdict:
    """Judge what is polled here; what other replicas poll is only counted."""
    ours = [stream for stream in of.urgent_first() if stream.status.here]
    until = _earliest(ours)
    if of.reasons:
        since = min((output.since for output in of.outputs if not output.up), default=None)
        when = f" since {format_clock(since, of.now, seconds=False)}" if since else ""
        return Verdict(False, f"Not complete: nothing is delivered{when}: {of.reasons[0]}", "", until)
    if troubled := [stream for stream in ours if stream.troubled]:
        return Verdict(False, _trouble(troubled[0], of.now), _others(len(troubled) - 1, len(ours)), until)
    if unread := [stream for stream in ours if stream.covered_until is None]:
        said = f"Not complete yet: {unread[0].name} was not read to its end so far"
        return Verdict(False, said, _others(len(unread) - 1, len(ours)), until)
    if not ours:
        return Verdict(None, "Nothing is polled here", _elsewhere(of.streams), None)
    return Verdict(True, "Complete", f"{_until(ours, of.now)} {_elsewhere(of.streams)}".strip(), until)


def verdict_json(of: Overview) -> dict[str, Any]:
    """The same in `/api/status`."""
    judged = verdict(of)
    until = rfc3339(judged.until) if judged.until else None
    return {"complete": judged.complete, "sentence": judged.sentence, "covered_until": until}


def _trouble(worst: StreamOverview, now: datetime) -> str:
    since = f" since {format_clock(worst.since, now, seconds=False)}" if worst.since else ""
    return f"Not complete: {worst.name}{since}: {worst.blame.reason}"


def _others(number: int, streams: int) -> str:
    return f"(and {number} more of {streams} streams)" if number else ""


def _until(ours: Sequence[StreamOverview], now: datetime) -> str:
    """Reference lists are read once in a while, and would hide how fresh all else is."""
    lists = [stream for stream in ours if _is_list(stream)]
    others = [stream for stream in ours if not _is_list(stream)]
    until = [f"up to {format_clock(moment, now)}" for moment in [_earliest(others)] if moment]
    if lists and (moment := _earliest(lists)):
        until.append(f"reference lists up to {format_clock(moment, now)}")
    return ", ".join(until)


def _is_list(stream: StreamOverview) -> bool:
    return [sweep.name for sweep in stream.status.sweeps] == ["snapshot"]


def _elsewhere(streams: Sequence[StreamOverview]) -> str:
    number = sum(not stream.status.here for stream in streams)
    return f"({number} of {len(streams)} streams are not polled here)" if number else ""


def _earliest(streams: Sequence[StreamOverview]) -> datetime | None:
    moments = [stream.since for stream in streams if stream.since]
    return min(moments, default=None)
