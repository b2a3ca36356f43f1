"""What every ledger promises, held against each one that is listed: delivered and saved as one, or nothing is true.

Killed: saved before it is delivered; the announcement or the doubts left out, saved too late, or cleared by whoever
comes next; an output asked twice; a transaction for each; a failed or cancelled commit that another one carries out
later; a token that waits for an output; tidying that forgets what is newer, or that ends the run.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from outputs import OutputClosed
from poller.errors import ConfigError
from poller.events.seen import BASELINE, REJECT, key_of
from poller.plugin.credentials import Token
from poller.state.account import AccountId
from poller.state.checkpoint import Gap
from poller.state.ledger import Change
from tests.state.ledgers import LEDGERS, Killed, Ledger, OpenState, Place, Sink, change, checkpoint, entry, names
from tests.support.toy import NOON

A, B = "acme/calls", "acme/calls2"
TOKEN = Token("configured", "refresh", "access", NOON)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poller.retry.backoff", lambda failures: 0.01)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, [Sink("files")])


@pytest.fixture(params=LEDGERS)
def start(request: pytest.FixtureRequest) -> Callable[[Place], OpenState]:
    """Start a process with this ledger; to leave it is to stop."""
    return LEDGERS[request.param]


Start = Callable[[Place], OpenState]


async def ready(ledger: Ledger, *streams: str) -> Ledger:
    for stream in streams or (A, B):
        await ledger.restore(stream, None)
    return ledger


async def test_a_stream_that_was_never_polled(start: Start, place: Place) -> None:
    async with start(place) as (ledger, marks):
        found = await ledger.restore(A, None)
        assert (found.checkpoint, len(found.seen), found.doubts) == (None, 0, frozenset())
        assert await ledger.token("acme") is None
        assert marks("files") == {}


async def test_what_is_committed_is_what_is_restored(start: Start, place: Place) -> None:
    whole = checkpoint(5)
    whole.gaps.append(Gap("live", NOON, NOON + DAY, "broken", NOON))
    whole.suspect = NOON
    first = change(A, 1, "x", "y")
    first.batch.seen.entries[7] = entry(7, flags=BASELINE | REJECT)
    async with start(place) as (ledger, _):
        await ready(ledger)
        await ledger.commit(first)
        await ledger.commit(change(A, 2, "y"))
        await ledger.commit(Change(A, whole))
        await ledger.commit(change(B, 3, "x"))
    async with start(place) as (ledger, marks):
        one, other = await ledger.restore(A, None), await ledger.restore(B, None)
        assert one.checkpoint == whole
        now = NOON.timestamp()
        assert one.seen.get(key_of("x"), now) == entry(2)
        assert one.seen.get(key_of("y"), now) == entry(3), "the later word"
        assert one.seen.get(7, now) == entry(7, flags=BASELINE | REJECT)
        assert (len(one.seen), len(other.seen)) == (3, 1)
        assert other.checkpoint == checkpoint(3)
        assert one.doubts == other.doubts == frozenset()
        assert marks("files") == {"at": b"4"}
    assert list(names(place.outputs[0].held)) == ["x", "y", "y", "x"]


async def test_nothing_is_true_before_it_is_delivered(start: Start, place: Place) -> None:
    async with start(place) as (ledger, _):
        await ready(ledger)
        await ledger.commit(change(A, 1, "x"))
        place.outputs[0].before = anyio.sleep_forever
        with anyio.move_on_after(0.1):
            await ledger.commit(change(A, 2, "y"))
        place.outputs[0].before = None
    async with start(place) as (ledger, marks):
        found = await ledger.restore(A, None)
        assert found.checkpoint == checkpoint(1)
        assert len(found.seen) == 1
        assert marks("files") == {"at": b"announced", "gone": b"not yet"}, "what a crashed batch may have touched"


async def test_a_commit_that_delivers_nothing_asks_no_output(start: Start, place: Place) -> None:
    place.outputs[0].closed = True
    async with start(place) as (ledger, marks):
        await ready(ledger)
        await ledger.commit(Change(A, checkpoint(1)))
        assert marks("files") == {}
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).checkpoint == checkpoint(1)


async def test_what_waits_together_is_delivered_together_in_its_order(start: Start, place: Place) -> None:
    sink, gate = place.outputs[0], anyio.Event()
    sink.before = gate.wait
    async with start(place) as (ledger, _):
        await ready(ledger)
        async with anyio.create_task_group() as group:
            for stream, name in ((A, "1"), (B, "2"), (A, "3"), (B, "4")):
                group.start_soon(ledger.commit, change(stream, int(name), name))
                await anyio.wait_all_tasks_blocked()
            gate.set()
        assert sink.batches == [1, 3]
        assert list(names(sink.held)) == ["1", "2", "3", "4"]
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).checkpoint == checkpoint(3)
        assert (await ledger.restore(B, None)).checkpoint == checkpoint(4)


async def test_an_output_that_holds_the_batch_is_not_asked_again(start: Start, place: Place) -> None:
    place.outputs = [Sink("one"), Sink("two"), Sink("three")]
    place.outputs[1].failures = 3
    async with start(place) as (ledger, marks):
        await ready(ledger)
        await ledger.commit(change(A, 1, "x"))
        assert [sink.attempts for sink in place.outputs] == [1, 4, 1]
        assert [len(sink.held) for sink in place.outputs] == [1, 1, 1]
        assert marks("two") == {"at": b"1"}


async def test_where_nobody_reads_any_more_the_commit_fails_and_nothing_is_saved(start: Start, place: Place) -> None:
    place.outputs = [Sink("console", exact=False)]
    place.outputs[0].closed = True
    async with start(place) as (ledger, _):
        await ready(ledger)
        with pytest.raises(OutputClosed):
            await ledger.commit(change(A, 1, "x"))
    async with start(place) as (ledger, _):
        found = await ledger.restore(A, None)
        assert found.checkpoint is None
        assert found.doubts == {key_of("x")}


async def test_a_commit_that_was_given_up_is_not_carried_out_by_another(start: Start, place: Place) -> None:
    sink, gate = place.outputs[0], anyio.Event()
    sink.before = gate.wait
    async with start(place) as (ledger, _):
        await ready(ledger)
        async with anyio.create_task_group() as group:
            group.start_soon(ledger.commit, change(A, 1, "first"))
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.02):
                await ledger.commit(change(B, 2, "given up"))
            gate.set()
        await ledger.commit(change(A, 3, "last"))
        assert list(names(sink.held)) == ["first", "last"]
        await ledger.commit(change(B, 2, "given up"))
        assert list(names(sink.held)) == ["first", "last", "given up"], "tried again, it comes once"


async def killed_while(start: Start, place: Place, *changes: Change) -> None:
    """The process dies in the last of these commits, before the output holds it."""

    async def die() -> None:
        raise Killed

    async with start(place) as (ledger, _):
        await ready(ledger)
        for one in changes[:-1]:
            await ledger.commit(one)
        place.outputs[-1].before = die
        with pytest.raises(Killed):
            await ledger.commit(changes[-1])
    place.outputs[-1].before = None


async def test_doubts_are_durable_before_the_first_byte_leaves(start: Start, place: Place) -> None:
    place.outputs = [Sink("files"), Sink("console", exact=False)]
    await killed_while(start, place, change(A, 1, "x"), change(A, 2, "y", "z"))
    async with start(place) as (ledger, _):
        found = await ledger.restore(A, None)
        assert found.doubts == {key_of("y"), key_of("z")}
        assert found.checkpoint == checkpoint(1)


async def test_a_doubt_is_cleared_by_the_commit_that_delivers_it_and_by_no_other(start: Start, place: Place) -> None:
    place.outputs = [Sink("console", exact=False)]
    await killed_while(start, place, change(A, 1, "x", "y"))
    await killed_while(start, place, change(B, 1, "x"))
    async with start(place) as (ledger, _):
        await ready(ledger)
        for harmless in (change(A, 2, "z"), Change(A, checkpoint(3)), change(B, 4, "y")):
            await ledger.commit(harmless)
        await ledger.commit(change(A, 5, "x"))
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).doubts == {key_of("y")}
        assert (await ledger.restore(B, None)).doubts == {key_of("x")}
    await killed_while(start, place, change(A, 6, "w"))
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).doubts == {key_of("w"), key_of("y")}
        await ready(ledger)
        for one in (change(A, 7, "w", "y"), change(B, 7, "x"), change(A, 8, "v"), Change(B, checkpoint(8))):
            await ledger.commit(one)
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).doubts == (await ledger.restore(B, None)).doubts == frozenset()


async def test_what_can_be_taken_back_is_not_doubted(start: Start, place: Place) -> None:
    await killed_while(start, place, change(A, 1, "x"))
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).doubts == frozenset()


async def test_a_doubt_is_cleared_also_after_the_doubtful_output_is_gone(start: Start, place: Place) -> None:
    place.outputs = [Sink("console", exact=False)]
    await killed_while(start, place, change(A, 1, "x"))
    place.outputs = [Sink("files")]
    async with start(place) as (ledger, _):
        await ready(ledger)
        await ledger.commit(change(A, 2, "x"))
    async with start(place) as (ledger, _):
        assert (await ledger.restore(A, None)).doubts == frozenset()


async def test_tokens(start: Start, place: Place) -> None:
    async with start(place) as (ledger, _):
        await ledger.save_token("acme", TOKEN)
        await ledger.save_token("other", Token("c", "r", "a", NOON + DAY))
    async with start(place) as (ledger, _):
        assert await ledger.token("acme") == TOKEN
        await ledger.save_token("acme", Token("c", "newer", "a", NOON))
        assert await ledger.token("acme") == Token("c", "newer", "a", NOON)
        assert await ledger.token("other") == Token("c", "r", "a", NOON + DAY)


async def test_a_rotated_token_is_durable_also_while_an_output_is_away(start: Start, place: Place) -> None:
    """The old one is spent: a process that ends while it waits would have lost the account."""
    place.outputs[0].before = anyio.sleep_forever
    async with start(place) as (ledger, _):
        await ready(ledger)
        async with anyio.create_task_group() as group:
            group.start_soon(ledger.commit, change(A, 1, "x"))
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(2):
                await ledger.save_token("acme", TOKEN)
            group.cancel_scope.cancel()
    async with start(place) as (ledger, _):
        assert await ledger.token("acme") == TOKEN


ACCOUNTS = [
    AccountId("flextell", "https://dev.flextell.ai/api/v1", "42"),
    AccountId("callcap", "https://elsewhere.example", "42"),
    AccountId("flextell", "https://elsewhere.example", "42"),
    AccountId("flextell", "https://dev.flextell.ai/api/v1", "43"),
]


@pytest.mark.parametrize("other", ACCOUNTS[1:])
async def test_the_state_of_another_account_is_refused(start: Start, place: Place, other: AccountId) -> None:
    async def claim(**owners: AccountId) -> None:
        place.owners = owners
        async with start(place):
            pass

    await claim(crm=ACCOUNTS[0], sound=ACCOUNTS[1])
    with pytest.raises(ConfigError, match=r"sources\.crm: .*another account") as caught:
        await claim(crm=other, sound=ACCOUNTS[1], new=other)
    assert len(caught.value.problems) == 1
    await claim(crm=ACCOUNTS[0])
    await claim(new=ACCOUNTS[2])


async def aged(start: Start, place: Place) -> None:
    """Two days, with one identity that comes back on the second; one commit a day."""
    async with start(place) as (ledger, _):
        await ready(ledger)
        await ledger.commit(change(A, 1, "x", "y"))
        await ledger.commit(change(B, 1, "x"))
        place.now = NOON + DAY
        await ledger.commit(change(A, 2, "y", "z", at=place.now))


async def test_tidying_forgets_what_is_old_and_nothing_else(start: Start, place: Place) -> None:
    keep = DAY.total_seconds()
    await aged(start, place)
    place.now = NOON + DAY + timedelta(hours=1)
    async with start(place) as (ledger, _):
        found = await ledger.restore(A, keep)
        await ledger.tidy(A, found.seen, place.now.timestamp() - keep)
        assert len(found.seen) == 2
    async with start(place) as (ledger, _):
        found, other = await ledger.restore(A, keep), await ledger.restore(B, None)
        now = place.now.timestamp()
        assert [bool(found.seen.get(key_of(name), now)) for name in "xyz"] == [False, True, True]
        assert (len(found.seen), len(other.seen)) == (2, 1)


async def test_what_is_written_over_and_over_is_rewritten_and_stays_the_same(start: Start, place: Place) -> None:
    async with start(place) as (ledger, _):
        found = await ledger.restore(A, None)
        for round_ in range(8):
            place.now = NOON + round_ * DAY
            many = change(A, round_)
            many.batch.seen.entries.update({number: entry(round_ + number, place.now) for number in range(5000)})
            found.seen.put(many.batch.seen.entries)
            await ledger.commit(many)
        await ledger.tidy(A, found.seen, 0)
        await ledger.commit(change(A, 99, "last", at=place.now))
    size = sum(file.stat().st_size for file in place.folder.iterdir())
    async with start(place) as (ledger, _):
        again = await ledger.restore(A, None)
        now = place.now.timestamp()
        assert len(again.seen) == 5001
        assert all(again.seen.get(number, now) == found.seen.get(number, now) for number in range(5000))
        assert again.seen.get(key_of("last"), now)
        await ledger.tidy(A, again.seen, 0)
    assert sum(file.stat().st_size for file in place.folder.iterdir()) <= size


async def test_outputs_are_open_as_long_as_the_ledger_is(start: Start, place: Place) -> None:
    async with start(place):
        assert (place.outputs[0].entered, place.outputs[0].left) == (1, 0)
    assert (place.outputs[0].entered, place.outputs[0].left) == (1, 1)


async def test_an_output_that_cannot_be_opened_closes_those_that_were(start: Start, place: Place) -> None:
    class Closed(Sink):
        async def __aenter__(self) -> "Closed":
            raise OutputClosed("no")

    place.outputs.append(Closed("broken"))
    with pytest.raises(OutputClosed):
        async with start(place):
            pass
    assert (place.outputs[0].entered, place.outputs[0].left) == (1, 1)
