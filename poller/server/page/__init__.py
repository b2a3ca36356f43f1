"""The status page for people: one HTML document that keeps itself up to date and loads nothing from anywhere else."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from poller import VERSION
from poller.server.overview import Overview, StreamOverview
from poller.server.page import rows
from poller.server.verdict import Verdict, verdict
from poller.telemetry.status import STATES


def _asset(name: str) -> str:
    return (files(__name__) / name).read_text("utf-8")


def _named(text: str) -> str:
    """Return the hash by which a Content-Security-Policy allows this very text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_STYLE, _SCRIPT = _asset("page.css"), _asset("page.js")
_FRAME = _asset("index.html").replace("{style}", _STYLE).replace("{script}", _SCRIPT)
_TOP, _, _REST = _FRAME.partition("{title}")
_MIDDLE, _, _BOTTOM = _REST.partition("{live}")

POLICY: Final = (
    f"default-src 'none'; script-src {_named(_SCRIPT)}; style-src {_named(_STYLE)}; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy: the page's own script and style, and answers of this very poller."""

_CONTROLS: Final = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n")}, "\N{REPLACEMENT CHARACTER}")
_OUTPUTS = ("Output", "State", "Since", "Error")
_STREAMS = ("Stream", "State", "Lag", "Polls", "Events a minute", "Gaps", "What is wrong", "Owner")
_SHOWN = 5
"""Ranges that are caught up with and listed; the rest is counted."""
_SEEN_BY = {
    True: "Only who shows server.token sees this page.",
    False: "Whoever reaches this address sees this page: server.token is not set.",
}
_LOOKS = {True: "good", False: "bad", None: "wait"}


def page(overview: Overview, *, guarded: bool) -> bytes:
    """Return the page: the verdict, what stands in the way, every stream, those in trouble first, and the outputs.

    It says who may see it: with `guarded`, who shows `server.token`.
    """
    judged = verdict(overview)
    title = f"{judged.headline.partition(':')[0]} - poller"
    live = _live(overview, judged, _SEEN_BY[guarded])
    return f"{_TOP}{_plain(escape(title))}{_MIDDLE}{_plain(live)}{_BOTTOM}".encode("utf-8", "replace")


def _plain(html: str) -> str:
    """Return it without what drives a terminal, where somebody reads the page on one."""
    return html.translate(_CONTROLS)


def _live(overview: Overview, judged: Verdict, seen_by: str) -> str:
    """Return the part of the page that its script keeps up to date."""
    streams = overview.urgent_first()
    parts = [
        f'<main id="live" data-now="{overview.now:%H:%M:%S} UTC">\n',
        _skip(streams),
        _verdict(judged),
        _catching_up(overview),
        "".join(f'<p class="bad">Not ready: {escape(reason)}</p>\n' for reason in overview.reasons),
        f"<h2>Streams</h2>\n<p>{_summary(overview.streams)}</p>\n{_FILTER}",
        _table("streams", "Streams, those in trouble first", _STREAMS, rows.stream_rows(streams, overview.now)),
        "<h2>Outputs</h2>\n",
        _table("outputs", "Outputs", _OUTPUTS, rows.output_rows(overview.outputs, overview.now)),
        f"<p><small>{overview.now:%Y-%m-%d %H:%M:%S} UTC, poller {escape(VERSION)}. {seen_by}</small></p>\n</main>\n",
    ]
    return "".join(parts)


_FILTER: Final = """<p id="finder" hidden>
<label>Show only <input id="filter" type="search" placeholder="a source, a state, a fault"></label> <span></span>
</p>
"""
"""A filter for the table of streams. It is hidden until the script, which it needs, shows it."""


def _skip(streams: Sequence[StreamOverview]) -> str:
    troubled = [stream for stream in streams if stream.troubled]
    to, words = (f"s-{troubled[0].name}", "Skip to trouble") if troubled else ("streams", "Skip to the streams")
    return f'<a class="skip" href="#{escape(to)}">{words}</a>\n'


def _verdict(judged: Verdict) -> str:
    """Return the heading. A screen reader hears a changed headline, and not each move of the clock in the detail."""
    said, more = escape(judged.headline), escape(judged.detail)
    return (
        f'<h1 class="{_LOOKS[judged.complete]}"><span id="said" role="status">{said}</span> <span>{more}</span></h1>\n'
    )


def _catching_up(overview: Overview) -> str:
    catch_ups = overview.catch_ups()
    if not catch_ups:
        return ""
    items = [f"<li>{rows.catch_up_item(catch_up, overview.now)}</li>" for catch_up in catch_ups[:_SHOWN]]
    more = [f"<li>and {len(catch_ups) - _SHOWN} more</li>"] if len(catch_ups) > _SHOWN else []
    return f"<p>Catching up:</p>\n<ul>{''.join(items + more)}</ul>\n"


def _summary(streams: Sequence[StreamOverview]) -> str:
    counts = Counter(stream.status.state for stream in streams if stream.status.here)
    elsewhere = sum(not stream.status.here for stream in streams)
    told = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    told += [f"{elsewhere} not polled here"] if elsewhere else []
    many = "stream" if len(streams) == 1 else "streams"
    return f"{len(streams)} {many}{': ' if told else ''}{', '.join(told)}"


def _table(name: str, caption: str, columns: tuple[str, ...], body: str) -> str:
    """Return a table with ARIA roles: on a narrow screen it is not laid out as one, and would lose its meaning."""
    heads = "".join(f'<th scope="col" role="columnheader">{column}</th>' for column in columns)
    return (
        f'<table id="{name}" role="table" tabindex="-1">\n<caption>{caption}</caption>\n'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{body}</tbody>\n</table>\n'
    )
