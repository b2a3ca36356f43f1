"""The status page for people: one HTML document, nothing loaded from anywhere, every text escaped."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from poller.status import STATES, GapStatus, OutputStatus, StreamStatus, SweepStatus

_REFRESH = 10
"""Seconds."""

_HEAD = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="{_REFRESH}">
<title>poller</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }}
body {{ margin: 1.5rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }}
td {{ overflow-wrap: anywhere; }}
.ok {{ color: light-dark(#17692f, #6fd08c); }}
.bad {{ color: light-dark(#b3261e, #ff8a80); font-weight: 600; }}
.wait {{ color: light-dark(#8a5a00, #f0b952); }}
small {{ opacity: .75; }}
</style>
</head>
<body>
"""
_LOOKS = {"ok": "ok", "waiting": "wait", "late": "wait"}


def page(
    statuses: Sequence[StreamStatus], outputs: Sequence[OutputStatus], reasons: Sequence[str], now: datetime
) -> bytes:
    """The whole page: what stands in the way (`reasons`), the outputs, and every stream, those in trouble first."""
    parts = [_HEAD, "<h1>poller</h1>\n", _summary(statuses)]
    parts += [f'<p class="bad">not ready: {escape(reason)}</p>\n' for reason in reasons]
    parts.append(_table(("output", "state", "since", "error"), (_output(output, now) for output in outputs)))
    troubled_first = sorted(statuses, key=lambda of: (STATES.index(of.state), of.source, of.stream))
    columns = ("source", "stream", "state", "lag", "gaps", "sweeps", "seen", "owner", "last error")
    parts.append(_table(columns, (_stream(status, now) for status in troubled_first)))
    parts.append(f"<p><small>{now:%Y-%m-%d %H:%M:%S} UTC</small></p>\n</body>\n</html>\n")
    return "".join(parts).encode("utf-8", "replace")


def _summary(statuses: Sequence[StreamStatus]) -> str:
    counts = Counter(status.state for status in statuses)
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"<p>{len(statuses)} streams{': ' if told else ''}{told}</p>\n"


def _table(columns: Iterable[str], rows: Iterable[str]) -> str:
    heads = "".join(f"<th>{column}</th>" for column in columns)
    return f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _output(output: OutputStatus, now: datetime) -> str:
    state = '<span class="ok">up</span>' if output.up else '<span class="bad">down</span>'
    return _row(escape(output.name), state, _ago(output.since, now), escape(output.error or ""))


def _stream(status: StreamStatus, now: datetime) -> str:
    return _row(
        escape(status.source),
        escape(status.stream),
        f'<span class="{_LOOKS.get(status.state, "bad")}">{status.state}</span>',
        "" if status.lag_seconds is None else _length(status.lag_seconds),
        "<br>".join(_gap(gap) for gap in status.gaps),
        "<br>".join(_sweep(sweep, now) for sweep in status.sweeps),
        f"{status.seen:,}",
        escape(status.owner),
        escape(status.last_error or ""),
    )


def _gap(gap: GapStatus) -> str:
    start, end = (f"{moment:%m-%d %H:%M:%S}" for moment in (gap.start, gap.end))
    return f"{escape(gap.sweep)}: {start} to {end} <small>{escape(gap.kind)}</small>"


def _sweep(sweep: SweepStatus, now: datetime) -> str:
    last = _ago(sweep.last_success, now) if sweep.last_success else "never"
    following = f", next {_ahead(sweep.next_poll, now)}" if sweep.next_poll else ""
    return f"{escape(sweep.name)} <small>{last}{following}</small>"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{_length((now - moment).total_seconds())} ago"


def _ahead(moment: datetime, now: datetime) -> str:
    seconds = (moment - now).total_seconds()
    return f"in {_length(seconds)}" if seconds > 0 else "now"


def _length(seconds: float) -> str:
    """The two largest units: `3 s`, `2 min 5 s`, `4 h 10 min`, `3 d 2 h`."""
    whole = max(0, round(seconds))
    for size, below, name, smaller in ((86400, 3600, "d", "h"), (3600, 60, "h", "min"), (60, 1, "min", "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name} {rest} {smaller}" if rest else f"{whole // size} {name}"
    return f"{whole} s"
