"""Who has a state is said, and waited for where it ends by itself or is just ending; a running poller is not."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from msgspec import json
from structlog.testing import capture_logs

from outputs.stdout import StdoutConfig
from poller.state.open import Opening, open_offline, open_state
from poller.state.sqlite import SqliteState, lock
from poller.state.sqlite.database import Database
from poller.state.sqlite.lock import ONCE, RUN, Holder, StateInUse
from poller.telemetry import Telemetry
from tests.support.toy import NOON

BACKFILL = "backfill"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "poller.db"


class Pauses:
    """Lets no time pass; does something at the third pause."""

    def __init__(self, third: Callable[[], None] = lambda: None) -> None:
        self.count, self.third = 0, third

    async def __call__(self, _: float) -> None:
        self.count += 1
        assert self.count < 1000, "it waits for ever"
        if self.count == 3:
            self.third()
        await anyio.sleep(0.001)


async def start(path: Path, command: str, pauses: Pauses) -> None:
    by = Opening(command, Telemetry(), lambda: NOON, pause=pauses)
    async with open_state(SqliteState(path=path), {"console": StdoutConfig(type="stdout")}, {}, by):
        pass


async def offline(path: Path, command: str, pauses: Pauses) -> None:
    async with open_offline(SqliteState(path=path), Opening(command, Telemetry(), lambda: NOON, pause=pauses)):
        pass


@pytest.mark.parametrize("command", [RUN, ONCE])
@pytest.mark.parametrize("holder", [BACKFILL, ONCE, "state export"])
async def test_a_poller_loudly_waits_for_a_command_that_ends_by_itself(path: Path, command: str, holder: str) -> None:
    first = Database.open(path, command=holder)
    pauses = Pauses(first.close)
    with capture_logs() as lines:
        await start(path, command, pauses)
    assert pauses.count == 3
    (line,) = [line for line in lines if line["event"] == "state.awaited"]
    assert f"`poller {holder}`, process {os.getpid()} on " in line["holder"]


async def test_a_running_poller_is_not_waited_for_and_named(path: Path) -> None:
    first, pauses = Database.open(path, command=RUN), Pauses()
    for opened, command in ((start, RUN), (start, ONCE), (start, BACKFILL), (offline, "state export")):
        with pytest.raises(StateInUse, match=rf"in use by another poller \(`poller run`, process {os.getpid()} on "):
            await opened(path, command, pauses)
    assert pauses.count == 0
    first.close()
    await start(path, RUN, pauses)


async def test_a_command_does_not_queue_behind_another_one(path: Path) -> None:
    first, pauses = Database.open(path, command=BACKFILL), Pauses()
    for opened, command in ((start, BACKFILL), (offline, "state reset")):
        with pytest.raises(StateInUse, match="`poller backfill`"):
            await opened(path, command, pauses)
    assert pauses.count == 0
    first.close()


async def test_a_predecessor_that_is_just_ending_is_waited_for(path: Path) -> None:
    first = Database.open(path, command=RUN)
    first.end()
    pauses = Pauses(first.close)
    await start(path, RUN, pauses)
    assert pauses.count == 3


async def test_a_predecessor_that_never_ends_is_refused_after_a_while(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_ENDING", 0.02)
    first, pauses = Database.open(path, command=RUN), Pauses()
    first.end()
    with pytest.raises(StateInUse):
        await start(path, RUN, pauses)
    assert pauses.count > 2
    first.close()


async def test_the_wait_for_one_that_is_ending_begins_when_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_ENDING", 5.0)
    monkeypatch.setattr("anyio.current_time", iter(range(0, 1000, 4)).__next__)
    first = Database.open(path, command=BACKFILL)

    def end() -> None:
        first.end()
        pauses.third, pauses.count = first.close, 2

    pauses = Pauses(end)
    await start(path, RUN, pauses)


async def test_a_holder_whose_process_is_gone_is_just_ending(path: Path) -> None:
    dead = await anyio.run_process([sys.executable, "-c", "import os; print(os.getpid())"])
    first = Database.open(path, command=RUN)
    file = path.with_name("poller.db.lock")
    holder = json.decode(file.read_bytes().strip(), type=Holder)
    file.write_bytes(json.encode({**json.decode(file.read_bytes().strip()), "pid": int(dead.stdout)}))
    pauses = Pauses(first.close)
    await start(path, RUN, pauses)
    assert (pauses.count, holder.is_ending) == (3, False)


async def test_one_that_does_not_say_who_it_is_has_a_moment_to_do_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_BEGINNING", 0.02)
    first, pauses = Database.open(path, command=RUN), Pauses()
    path.with_name("poller.db.lock").write_bytes(b"")
    with pytest.raises(StateInUse, match="in use by another poller; stop that one"):
        await start(path, RUN, pauses)
    assert pauses.count > 2
    first.close()
