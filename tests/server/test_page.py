"""The page tells a person at a glance what is wrong, in words and lengths of time that people use."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from poller.page import page
from poller.status import OutputStatus, SweepStatus
from tests.server.conftest import NOON, House

AT = NOON + timedelta(minutes=2, seconds=5)


def text(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.decode()).split())


def test_trouble_stands_first(house: House) -> None:
    (gap,) = house.streams
    fine, paused = (replace(gap, stream=name, state=name) for name in ("ok", "paused"))
    told = text(page([fine, gap, paused], [], [], AT))
    assert told.index("acme paused") < told.index("acme calls") < told.index("acme ok")
    assert "3 streams: 1 paused, 1 gap, 1 ok" in told


def test_what_is_told_of_a_stream(house: House) -> None:
    told = text(page(house.streams, [], ["output bus is down"], AT))
    assert "not ready: output bus is down" in told
    assert "acme calls gap 12 s live: 03-14 12:00:00 to 03-14 12:00:00 unreadable" in told
    assert "live 2 min 5 s ago, next now audit never 1,234 here" in told


def test_a_poll_to_come(house: House) -> None:
    sweep = SweepStatus("live", None, AT + timedelta(seconds=9), None)
    assert "live never, next in 9 s" in text(page([replace(house.streams[0], sweeps=[sweep])], [], [], AT))


def test_outputs() -> None:
    outputs = [OutputStatus("bus", up=False, error="no route", since=NOON), OutputStatus("log", True, None, NOON)]
    told = text(page([], outputs, [], AT))
    assert "bus down 2 min 5 s ago no route" in told
    assert "log up 2 min 5 s ago" in told


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
    assert f"gap {words} live" in text(page([replace(house.streams[0], lag_seconds=seconds)], [], [], AT))


def test_half_a_surrogate_pair_breaks_nothing(house: House) -> None:
    assert b"gap" in page([replace(house.streams[0], last_error="\ud800")], [], [], datetime.now(UTC))
