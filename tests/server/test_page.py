"""The page tells a person at a glance what is wrong, in words and lengths of time that people use."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from poller.server.overview import TelemetryLookup, overview_of
from poller.server.page import page
from poller.telemetry.status import GapStatus, OutputStatus, StreamStatus, SweepStatus
from tests.server.conftest import NOON, House

AT = NOON + timedelta(minutes=2, seconds=5)
QUIET = [0] * 60


def shown(
    statuses: Sequence[StreamStatus],
    outputs: Sequence[OutputStatus] = (),
    reasons: Sequence[str] = (),
    now: datetime = AT,
    events: Sequence[int] = QUIET,
) -> str:
    asked = TelemetryLookup(lambda *_: {}, lambda *_: events)
    return page(overview_of(statuses, outputs, reasons, asked, now), guarded=False).decode()


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("</style>")[2]).split())


def test_trouble_stands_first(house: House) -> None:
    (gap,) = house.streams
    fine, paused, away = (replace(gap, stream=name, state="ok") for name in ("fine", "paused", "away"))
    paused = replace(paused, state="paused")
    away = replace(away, state="waiting", last_error=None, owner="poller-7", here=False)
    told = text(shown([away, fine, gap, paused]))
    order = [told.index(f"acme/ {name} ") for name in ("paused", "calls", "fine", "away")]
    assert order == sorted(order)
    assert "4 streams: 1 paused, 1 gap, 1 ok, 1 not polled here" in told
    assert "the replica poller-7 polls it poller-7" in told


def test_what_is_told_of_a_stream(house: House) -> None:
    told = text(shown(house.streams, reasons=["output bus is down"]))
    assert "1 stream: 1 gap" in told
    assert "Not ready: output bus is down" in told
    assert "acme/ calls gap 12 s covered up to 11:59:48 UTC 2 min 5 s ago, next now" in told
    assert "30 s 12:00:00 to 12:00:00 UTC live, unreadable" in told
    assert "fault: vendor the vendor&#x27;s list does not reach back so far &lt;script&gt;" in told


def test_each_sweep_is_told_of_on_demand(house: House) -> None:
    html = shown(house.streams)
    details = html[html.index("<details") : html.index("</details>")]
    assert "open" not in details.partition(">")[0]
    assert "live 2 min 5 s ago, next now audit never: &lt;script&gt;" in text(f"</style>{details}")


def test_a_poll_to_come(house: House) -> None:
    sweep = SweepStatus("live", None, AT + timedelta(seconds=9), None)
    assert "never, next in 9 s" in text(shown([replace(house.streams[0], sweeps=[sweep])]))


def test_many_gaps_are_counted_and_five_are_listed(house: House) -> None:
    gaps = [GapStatus("live", NOON - timedelta(days=day), NOON, "broken", NOON) for day in range(1, 9)]
    told = text(shown([replace(house.streams[0], gaps=gaps)]))
    assert told.count("live, broken") == 5
    assert "2026-03-13 12:00:00 to 12:00:00 UTC live, broken" in told
    assert "and 3 more" in told


def test_outputs() -> None:
    outputs = [OutputStatus("bus", up=False, error="no route", since=NOON), OutputStatus("log", True, None, NOON)]
    told = text(shown([], outputs))
    assert "bus down 12:00:00 UTC 2 min 5 s ago no route" in told
    assert "log up 12:00:00 UTC 2 min 5 s ago" in told


def test_a_chart_has_a_bar_a_minute_and_says_itself_in_words(house: House) -> None:
    html = shown(house.streams, events=[0] * 57 + [5, 10, 0])
    assert 'aria-label="Events a minute in the last hour: 10 last, 10 at most, 15 in all"' in html
    assert '<path d="M57 20V10M58 20V0"/></svg> 10' in html
    assert "none in 60 min" in shown(house.streams)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (90000, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_lengths_of_time(house: House, seconds: float, words: str) -> None:
    assert f"gap {words} covered up to 11:59:48" in text(shown([replace(house.streams[0], lag_seconds=seconds)]))


def test_the_roles_of_tables_are_said_aloud(house: House) -> None:
    """Some browsers take a table for none where it is laid out as something else."""
    html = shown(house.streams, [OutputStatus("bus", True, None, NOON)])
    parts = re.findall(r"<(?:table|thead|tbody|tr|th|td)\b[^>]*>", html)
    assert len(parts) > 25
    assert [part for part in parts if " role=" not in part] == []


def test_half_a_surrogate_pair_breaks_nothing(house: House) -> None:
    asked = TelemetryLookup(lambda *_: {}, lambda *_: QUIET)
    of = overview_of([replace(house.streams[0], last_error="\ud800")], [], [], asked, datetime.now(UTC))
    assert b"gap" in page(of, guarded=True)


def test_500_streams_are_drawn_in_a_blink(house: House) -> None:
    """A tenth of a second is the wish; a busy machine gets three times that."""
    events = list(range(60))
    many = [replace(house.streams[0], source=f"source-{n}") for n in range(500)]
    took = []
    for _ in range(5):
        began = datetime.now(UTC)
        assert len(shown(many, events=events)) > 500_000
        took.append((datetime.now(UTC) - began).total_seconds())
    assert min(took) < 0.3, took
