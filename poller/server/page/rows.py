"""The two tables of the page, outputs and streams, a row each; every text is escaped."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from poller.humanize import describe_throughput, format_ago, format_ahead, format_clock, format_seconds
from poller.server.overview import CatchUp, StreamOverview
from poller.telemetry.status import BackfillStatus, GapStatus, OutputStatus, State, SweepStatus

_LOOKS: dict[State, str] = {"ok": "good", "waiting": "wait", "late": "wait", "suspect": "wait"}
_HEIGHT = 20
"""Of a chart; a minute is one wide."""
_SHOWN = 5
"""Gaps of a stream that are listed; the rest is counted."""


def output_rows(outputs: Sequence[OutputStatus], now: datetime) -> str:
    """Return a row for each output."""
    return "".join(_output(output, now) for output in outputs)


def stream_rows(streams: Sequence[StreamOverview], now: datetime) -> str:
    """Return a row for each stream, in the order given."""
    return "".join(_stream(stream, now) for stream in streams)


def catch_up_item(catch_up: CatchUp, now: datetime) -> str:
    """Return how far a range is read that is caught up with."""
    share = "" if catch_up.share is None else f"{catch_up.share:.0%}, "
    start, end = format_clock(catch_up.at, now), format_clock(catch_up.end, now)
    return f"{escape(catch_up.stream)} <small>{escape(catch_up.reader)}</small>: {share}read up to {start}, of {end}"


def _row(name: str, title: str, *cells: str) -> str:
    head = f'<th scope="row" role="rowheader">{title}</th>'
    return f'<tr role="row" id="{escape(name)}" tabindex="-1">{head}{"".join(cells)}</tr>\n'


def _cell(label: str, content: str) -> str:
    """Return a cell. A narrow screen shows its label in front, and leaves out a cell that is empty."""
    return f'<td role="cell" data-label="{label}">{content}</td>'


def _mark(look: str, word: str) -> str:
    return f'<b class="{look}">{word}</b>'


def _output(output: OutputStatus, now: datetime) -> str:
    return _row(
        f"o-{output.name}",
        escape(output.name),
        _cell("State", _mark("good", "up") if output.up else _mark("bad", "down")),
        _cell("Since", f"{format_clock(output.since, now)} <small>{format_ago(output.since, now)}</small>"),
        _cell("Error", escape(output.error or "")),
    )


def _stream(stream: StreamOverview, now: datetime) -> str:
    status, (fault, reason) = stream.status, stream.diagnosis
    told = "" if reason is None else f"<p>{escape(reason)}</p>"
    said = "" if status.last_error is None else f"<p><small>{escape(status.last_error)}</small></p>"
    found = "".join(f"<p><small>{escape(finding.text)}</small></p>" for finding in status.found)
    whose = f'<p class="fault">fault: {fault}</p>' if fault else ""
    return _row(
        f"s-{stream.name}",
        f"{escape(status.source)}/<wbr>{escape(status.stream)}",
        _cell("State", _mark(_LOOKS.get(status.state, "bad"), status.state)),
        _cell("Lag", _lag(stream, now)),
        _cell("Polls", _polls(stream, now)),
        _cell("Events a minute", _events(stream.events)),
        _cell("Gaps", _gaps(status.gaps, status.gap_seconds, now)),
        _cell("What is wrong", f"{whose}{told}{said}{found}"),
        _cell("Owner", escape(status.owner)),
    )


def _lag(stream: StreamOverview, now: datetime) -> str:
    lag = stream.status.lag_seconds
    if lag is None:
        return ""
    until = stream.status.covered_until if stream.troubled else None
    since = f"<small>covered up to {format_clock(until, now)}</small>" if until else ""
    return f"{format_seconds(lag)} {since}".strip()


def _polls(stream: StreamOverview, now: datetime) -> str:
    """Return the last success and the next poll of any sweep, those of each sweep on demand, and the backfill."""
    sweeps = stream.status.sweeps
    if not sweeps:
        return ""
    last = max((sweep.last_success for sweep in sweeps if sweep.last_success), default=None)
    following = min((sweep.next_poll for sweep in sweeps if sweep.next_poll), default=None)
    short = (
        f"{format_ago(last, now) if last else 'never'}{f', next {format_ahead(following, now)}' if following else ''}"
    )
    each = "".join(f"<li>{_sweep(sweep, now)}</li>" for sweep in sweeps)
    details = f'<details id="d-{escape(stream.name)}"><summary>{short}</summary><ul>{each}</ul></details>'
    return details + (_backfill(stream.status.backfill) if stream.status.backfill else "")


def _backfill(left: BackfillStatus) -> str:
    said = f": {escape(left.error)}" if left.error else ""
    return f"<small>backfill {left.share:.0%}, at {left.at:%F %H:%M} UTC{said}</small>"


def _sweep(sweep: SweepStatus, now: datetime) -> str:
    last = format_ago(sweep.last_success, now) if sweep.last_success else "never"
    following = f", next {format_ahead(sweep.next_poll, now)}" if sweep.next_poll else ""
    said = f": {escape(sweep.last_error)}" if sweep.last_error else ""
    return f"<b>{escape(sweep.name)}</b> {last}{following}{said}"


def _events(events: Sequence[int]) -> str:
    """Return a chart with a bar for each minute, the highest one as high as the chart."""
    highest = max(events)
    if not highest:
        return "<small>none in 60 min</small>"
    bars = "".join(f"M{at} {_HEIGHT}V{_HEIGHT - of * _HEIGHT / highest:.4g}" for at, of in enumerate(events) if of)
    size = f'viewBox="-.5 0 {len(events)} {_HEIGHT}" preserveAspectRatio="none"'
    return f'<svg role="img" aria-label="{describe_throughput(events)}" {size}><path d="{bars}"/></svg> {events[-2]}'


def _gaps(gaps: Sequence[GapStatus], seconds: float, now: datetime) -> str:
    if not gaps:
        return ""
    told = "".join(f"<li>{_gap(gap, now)}</li>" for gap in gaps[:_SHOWN])
    more = f"<li>and {len(gaps) - _SHOWN} more</li>" if len(gaps) > _SHOWN else ""
    return f"{format_seconds(seconds)}<ul>{told}{more}</ul>"


def _gap(gap: GapStatus, now: datetime) -> str:
    start, end = format_clock(gap.start, now).removesuffix(" UTC"), format_clock(gap.end, now)
    return f"{start} to {end} <small>{escape(gap.sweep)}, {escape(gap.kind)}</small>"
