"""Why a sweep asks when it does: what its checkpoint says, in words that are true of it."""

from datetime import timedelta
from typing import Any

import pytest

from poller.commands.explain import reasons
from poller.humanize import format_duration
from poller.plugin.stream import Cursor
from poller.polling.progress.passes import OFF
from poller.polling.runtime import SweepRuntime
from poller.polling.source import restore_streams
from poller.state.checkpoint import LastPass
from poller.state.delivery import Delivery
from poller.state.dry_run import DryLedger
from poller.telemetry import Telemetry
from tests.simulation import callcap
from tests.support.toy import NOON

SECOND = timedelta(seconds=1)
BEGAN = LastPass(NOON - timedelta(minutes=5), NOON, 1, 2, 3)
COMPLETE = {"complete": True, "last_success": NOON, "last_pass": BEGAN}


async def live(**state: Any) -> SweepRuntime:
    (run,) = await restore_streams("acme", callcap(), DryLedger(None, Delivery({}, Telemetry())), lambda: NOON)
    sweep = next(sweep for sweep in run.sweeps if sweep.sweep.name == "live")
    for name, value in state.items():
        setattr(sweep.state, name, value)
    return sweep


@pytest.mark.parametrize(
    ("state", "due", "now", "words"),
    [
        ({}, 0, 0, "every 30s; its first poll is due at once"),
        (COMPLETE, 30, 10, "every 30s; last began 2026-03-14 12:00:00Z"),
        (
            COMPLETE,
            30,
            150,
            "every 30s; last began 2026-03-14 12:00:00Z; overdue by 2 m: no poller runs, or it is behind",
        ),
        (
            COMPLETE | {"last_error": "HTTP 503"},
            30,
            31,
            "every 30s; last began 2026-03-14 12:00:00Z; backing off, as the last try failed: HTTP 503",
        ),
        ({"last_error": "HTTP 401"}, 0, 1, "every 30s; backing off, as the last try failed: HTTP 401"),
        (
            COMPLETE | {"last_error": "no tokens here"},
            OFF.total_seconds(),
            31,
            "it rests for a day, as the vendor offers no way for it: no tokens here",
        ),
    ],
)
async def test_why_then(state: dict[str, Any], due: float, now: float, words: str) -> None:
    found = reasons.why_then(await live(**state), NOON + due * SECOND, NOON + now * SECOND)
    assert found.replace(f"{NOON:%Y-%m-%d %H:%M:%S}", "2026-03-14 12:00:00") == words


async def test_why_there() -> None:
    assert "first poll: it reaches back to start" in reasons.why_there(await live())
    assert reasons.why_there(await live(cursor=Cursor(NOON), **COMPLETE)).endswith("less lookback 5m")
    first = {"origin": NOON - 290 * SECOND, "cursor": Cursor(NOON), **COMPLETE}
    assert reasons.why_there(await live(**first)).endswith("its first window did, 2026-03-14 11:55:10Z")
    assert "the answers have no date" in reasons.why_there(await live(**COMPLETE))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "500ms"), (30, "30s"), (90, "90s"), (86_400 * 3, "3d"), (60, "1m")]
)
def test_a_duration_is_spelt_as_a_configuration_has_it(seconds: float, words: str) -> None:
    assert format_duration(seconds * SECOND) == words
