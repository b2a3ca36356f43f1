"""One sentence that says whether all is complete, and if not, since when and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from poller.humanize import format_clock
from poller.server.overview import Overview, StreamOverview
from poller.telemetry.status import rfc3339


class Verdict(NamedTuple):
    """A judgement on all that is polled here.

    `complete` is None where it is not known. `headline` stays the same while nothing changes; `detail` may move on with
    the clock. `until` is the time up to which everything is complete, None where that cannot be said.
    """

    complete: bool | None
    headline: str
    detail: str
    until: datetime | None

    @property
    def sentence(self) -> str:
        """The headline and the detail, as one sentence."""
        return f"{self.headline} {self.detail}".strip()


def verdict(overview: Overview) -> Verdict:
    """Judge the streams that are polled here; those that other replicas poll are only counted."""
    ours = [stream for stream in overview.urgent_first() if stream.status.here]
    until = _earliest(ours)
    if overview.reasons:
        since = min((output.since for output in overview.outputs if not output.up), default=None)
        when = f" since {format_clock(since, overview.now, seconds=False)}" if since else ""
        return Verdict(False, f"Not complete: nothing is delivered{when}: {overview.reasons[0]}", "", until)
    if troubled := [stream for stream in ours if stream.troubled]:
        return Verdict(False, _trouble(troubled[0], overview.now), _others(len(troubled) - 1, len(ours)), until)
    if unread := [stream for stream in ours if stream.status.covered_until is None]:
        headline = f"Not complete yet: {unread[0].name} was not read to its end so far"
        return Verdict(False, headline, _others(len(unread) - 1, len(ours)), until)
    if not ours:
        return Verdict(None, "Nothing is polled here", _elsewhere(overview.streams), None)
    detail = " ".join(filter(None, (_until(ours, overview.now), _barren(ours), _elsewhere(overview.streams))))
    return Verdict(True, "Complete", detail, until)


def verdict_json(overview: Overview) -> dict[str, Any]:
    """Return the verdict as `/api/status` has it."""
    judged = verdict(overview)
    until = rfc3339(judged.until) if judged.until else None
    return {"complete": judged.complete, "sentence": judged.sentence, "covered_until": until}


def _trouble(worst: StreamOverview, now: datetime) -> str:
    since = f" since {format_clock(worst.since, now, seconds=False)}" if worst.since else ""
    return f"Not complete: {worst.name}{since}: {worst.diagnosis.reason}"


def _others(number: int, streams: int) -> str:
    return f"(and {number} more of {streams} streams)" if number else ""


def _until(ours: Sequence[StreamOverview], now: datetime) -> str:
    """Say up to when all is complete; of reference lists apart, which are read seldom and would hide the rest."""
    lists = [stream for stream in ours if _is_list(stream)]
    others = [stream for stream in ours if not _is_list(stream)]
    until = [f"up to {format_clock(moment, now)}" for moment in [_earliest(others)] if moment]
    if lists and (moment := _earliest(lists)):
        until.append(f"reference lists up to {format_clock(moment, now)}")
    return ", ".join(until)


def _barren(ours: Sequence[StreamOverview]) -> str:
    """Name a stream of which no record is known: that it is complete says little."""
    names = [stream.name for stream in ours if stream.status.is_barren]
    more = f" and {len(names) - 1} more" if names[1:] else ""
    return f"(no record is known yet of {names[0]}{more})" if names else ""


def _is_list(stream: StreamOverview) -> bool:
    return [sweep.name for sweep in stream.status.sweeps] == ["snapshot"]


def _elsewhere(streams: Sequence[StreamOverview]) -> str:
    number = sum(not stream.status.here for stream in streams)
    return f"({number} of {len(streams)} streams are not polled here)" if number else ""


def _earliest(streams: Sequence[StreamOverview]) -> datetime | None:
    moments = [stream.since for stream in streams if stream.since]
    return min(moments, default=None)
