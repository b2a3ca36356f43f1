"""Every vice, switched on, shows; and only then."""

from collections import Counter
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from poller.sandbox.sloppy.kinds import SLOPPY
from poller.sandbox.vendors import flextell
from poller.sandbox.world.vices import RATES, Vices

from . import vices_of_agendize as of_agendize
from . import vices_of_answers as of_answers
from . import vices_of_ipscape as of_ipscape
from . import vices_of_lists as of_lists
from .stage import LEADS, NOON, Stage, answers, both

CUT_OFF = dict.fromkeys(("stall", "reset", "short_body"), of_answers.cut_off)
OTHERS = [vice for vice in RATES if vice not in SLOPPY]
"""Sloppy kinds are checked in test_sloppy.py."""
CHECKS: dict[str, Any] = {**vars(of_lists), **vars(of_ipscape), **vars(of_agendize), **vars(of_answers), **CUT_OFF}


def test_every_vice_is_checked_here() -> None:
    assert set(OTHERS) <= CHECKS.keys()


@pytest.mark.parametrize("vice", OTHERS)
async def test_a_vice_shows(stage: Stage, vice: str) -> None:
    stage.world.vices.set({"*": {vice: 1.0, "stall_seconds": 0.001}})
    assert await CHECKS[vice](stage)


@pytest.mark.parametrize("vice", OTHERS)
async def test_without_the_vice_it_does_not(stage: Stage, vice: str) -> None:
    stage.world.vices.set({"*": dict.fromkeys(RATES, 0.0)})
    try:
        shows = await CHECKS[vice](stage)
    except KeyError:  # an answer that is no error has no `status: unauthorized`, no Retry-After ...
        shows = False
    assert not shows


async def test_a_vice_happens_as_often_as_its_rate_says() -> None:
    vices = Vices(5, {"*": {"reset": 0.25}, "callcap": {"reset": 0.75}}, vendors=("callcap",))
    counts = {name: sum(vices.strikes(name, "reset") for _ in range(4000)) for name in ("callcap", "flextell")}
    assert 2900 < counts["callcap"] < 3100
    assert 900 < counts["flextell"] < 1100


async def test_the_same_seed_misbehaves_the_same() -> None:
    runs = []
    for seed in (1, 1, 2):
        stage = both(Stage(seed))
        stage.vices(throttle=0.2, lagging_replica=0.3, wrong_zone=0.3)
        runs.append([answer.text for answer in await answers(stage)])
    assert runs[0] == runs[1] != runs[2]


async def test_a_cut_off_answer_is_a_failed_request_in_process(stage: Stage) -> None:
    stage.vices(reset=1.0)
    for _ in range(8):
        with pytest.raises(httpx.ReadError):
            await stage.leads()


async def test_a_refresh_that_took_effect_is_always_answered(stage: Stage) -> None:
    """Else the only good refresh token would be lost, which no client could help."""
    token = flextell.REFRESH_TOKEN
    for _ in range(60):
        stage.vices(token_rotation=1.0, reset=0.5, short_body=0.5, stall=0.3, server_error=0.2, stall_seconds=0.001)
        try:
            answer = await stage.refresh(token)
        except httpx.ReadError:
            continue
        if answer.status_code == 200:
            token = answer.json()["refresh_token"]
    stage.vices(token_rotation=1.0)
    assert token != flextell.REFRESH_TOKEN
    assert (await stage.refresh(token)).status_code == 200


async def test_a_throttled_client_is_told_when_to_come_back_as_a_date(stage: Stage) -> None:
    stage.vices(throttle=1.0, retry_seconds=90)
    dates = {answer.headers["Retry-After"] for answer in await answers(stage)} - {"90"}
    assert [parsedate_to_datetime(date) for date in dates] == [NOON + timedelta(seconds=90)]


async def test_bulk_imports_share_their_stamps() -> None:
    stage = Stage(rate=5)
    stage.vices(tied_stamps=0.8)
    stage.later(hours=1)
    starts = Counter(call.versions[0].record["created_at"] for call in stage.world.truth(LEADS).values())
    assert max(starts.values()) > 5
    assert len(starts) > 100
