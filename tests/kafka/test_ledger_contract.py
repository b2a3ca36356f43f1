"""What every ledger promises, held against the one in Kafka: with an output beside it that cannot be taken back.

The tests are those of tests/state/test_ledger.py, but for those about marks: no output here has any.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.kafka.ledgers import owner
from tests.kafka.reading import Place
from tests.state.ledgers import Ledger, OpenState, Sink
from tests.state.ledgers import Place as Before

pytestmark = pytest.mark.slow

Start = Callable[[Before], OpenState]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.01)


@pytest.fixture
def place(tmp_path: Path) -> Before:
    return Before(tmp_path, [Sink("console", exact=False)])


@pytest.fixture
def start(kafka: Place) -> Start:
    @asynccontextmanager
    async def started(place: Before) -> AsyncIterator[tuple[Ledger, Callable[[str], Mapping[str, bytes]]]]:
        sources = ("acme", "crm", "new", "other", "sound")
        async with owner(kafka, *sources, sinks=tuple(place.outputs), now=place.clock) as ledger:
            await ledger.claim(place.owners)
            yield ledger, lambda output: {}

    return started
