"""The short version of `make chaos`: killed again and again, the files hold every word once, in order, and the last."""

from pathlib import Path

import anyio
import pytest

from poller.sandbox.api.oauth import Tokens
from tests.chaos.files import chaos


@pytest.mark.exhaustive
def test_a_poller_that_is_killed_all_the_time_delivers_everything_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poller.sandbox.vendors.flextell.Tokens", Tokens)  # it puts in others
    result = anyio.run(lambda: chaos(tmp_path, seconds=8, seed=20260314, settling=180, kills=5))
    assert result.troubles["kills"] >= 5
    assert result.events > 500
    assert result.good, str(result)
