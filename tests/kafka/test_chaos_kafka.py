"""The short version of `make chaos-kafka`: whatever fails, a reader of what is committed has every word once."""

from pathlib import Path

import anyio
import pytest

from poller.sandbox.oauth import Tokens
from tests.chaos_kafka import chaos
from tests.kafka.broker import NoKafka

LEAST = {"kills": 3, "freezes": 1, "broken Produce": 1, "broken EndTxn": 1}


@pytest.mark.slow
def test_replicas_that_fail_all_the_time_deliver_everything_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poller.sandbox.flextell.Tokens", Tokens)  # it puts in others
    try:
        result = anyio.run(lambda: chaos(tmp_path, seconds=15, seed=20260315, settling=120, least=LEAST, patience=0.4))
    except NoKafka as error:
        pytest.skip(f"NOTHING WAS TESTED ON A REAL KAFKA: {error}")
    assert all(result.troubles[what] >= times for what, times in LEAST.items()), result.troubles
    assert result.events > 500
    assert result.good, str(result)
