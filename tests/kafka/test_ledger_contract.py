"""What every ledger promises, held against the one in Kafka: with an output beside it that cannot be taken back.

The tests are those of tests/core/test_ledger.py, but for those about marks: no output here has any.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.core.ledgers import Ledger, Opened, Sink
from tests.core.ledgers import Place as Before
from tests.core.test_ledger import (  # noqa: F401  pytest finds them here
    test_a_commit_that_was_given_up_is_not_carried_out_by_another,
    test_a_doubt_is_cleared_also_after_the_doubtful_output_is_gone,
    test_a_doubt_is_cleared_by_the_commit_that_delivers_it_and_by_no_other,
    test_a_rotated_token_is_durable_also_while_an_output_is_away,
    test_a_stream_that_was_never_polled,
    test_doubts_are_durable_before_the_first_byte_leaves,
    test_the_state_of_another_account_is_refused,
    test_tidying_forgets_what_is_old_and_nothing_else,
    test_tokens,
    test_what_is_written_over_and_over_is_rewritten_and_stays_the_same,
    test_what_waits_together_is_delivered_together_in_its_order,
    test_where_nobody_reads_any_more_the_commit_fails_and_nothing_is_saved,
)
from tests.kafka.ledgers import owner
from tests.kafka.reading import Place

pytestmark = pytest.mark.slow

Start = Callable[[Before], Opened]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.state.delivery.backoff", lambda failures: 0.01)


@pytest.fixture
def place(tmp_path: Path) -> Before:
    return Before(tmp_path, [Sink("console", exact=False)])


@pytest.fixture
def start(kafka: Place) -> Start:
    @asynccontextmanager
    async def started(place: Before) -> AsyncIterator[tuple[Ledger, Callable[[str], Mapping[str, bytes]]]]:
        sources = ("acme", "crm", "new", "other", "sound")
        async with owner(kafka, *sources, sinks=tuple(place.outputs), now=place.clock) as ledger:
            yield ledger, lambda output: {}

    return started
