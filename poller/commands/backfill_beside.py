"""`poller backfill` beside a running poller: the poller does the work, and the command watches how far it is.

The command never takes the poller's place: where that goes away, the order stands in the state, and the poller that is
started next goes on with it. The command waits for that one a minute, and says so.
"""

from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import msgspec

from poller.commands.backfill import Show
from poller.errors import ConfigError
from poller.polling.progress.backfill import order_text
from poller.server.control import BACKFILL, BackfillRequest, Refusal, control_client
from poller.state.checkpoint import Backfill

_AGAIN = 0.5
"""Seconds between two looks."""
_ACCEPTED = 60.0
"""Seconds that a poller has to take an order: the page in hand comes first."""
_AWAY = 60.0
"""Seconds that a poller may be away meanwhile."""


class PollerGone(Exception):
    """A backfill that cannot be watched to its end; the text says why, and what becomes of the order."""


async def order_from_running(
    path: Path, asked: BackfillRequest, show: Show, say: Callable[[str], None]
) -> Backfill | None:
    """Have the poller that listens there read what is ordered; None where none does.

    Raises ConfigError where it refuses, PollerGone where it is not read to its end.
    """
    async with control_client(path, _ACCEPTED) as http:
        try:
            found = await _ask(http, asked)
        except httpx.ConnectError:
            return None
        except httpx.HTTPError:
            say(f"the poller went away before it took the order; a poller that comes back within {_AWAY:g} s gets it")
            found = await _ask_next(http, asked, "no poller came back: nobody knows whether the order stands")
        return await _watch(http, asked, found, show, say)


async def _watch(
    http: httpx.AsyncClient,
    asked: BackfillRequest,
    taken: Backfill | None,
    show: Show,
    say: Callable[[str], None],
) -> Backfill:
    look, found = BackfillRequest(asked.source, asked.stream), taken
    while found and not found.done:
        show(found)
        await anyio.sleep(_AGAIN)
        found = await _look(http, look, say)
        if found and taken and found.ordered != taken.ordered:
            raise PollerGone(f"given up for another order, {order_text(found)}")
        if found and taken and found.end != taken.end:
            raise PollerGone("given up, as `backfill --cancel` said")
    if found is None:
        raise PollerGone("the poller that runs now knows nothing of this order; give it again")
    show(found)
    return found


async def _look(http: httpx.AsyncClient, look: BackfillRequest, say: Callable[[str], None]) -> Backfill | None:
    """Return how far the backfill is; wait for a poller that is restarted meanwhile. Raises PollerGone."""
    try:
        return await _ask(http, look)
    except (httpx.HTTPError, ConfigError):
        say(f"the poller went away; the order stands, and the next poller goes on with it; waiting {_AWAY:g} s for it")
    return await _ask_next(http, look, "no poller came back; the order stands: it goes on when one is started")


async def _ask_next(http: httpx.AsyncClient, asked: BackfillRequest, gone: str) -> Backfill | None:
    """Ask until a poller answers. Raises PollerGone, or ConfigError where all that it did was to refuse."""
    refused: ConfigError | None = None
    with anyio.move_on_after(_AWAY):
        while True:
            await anyio.sleep(_AGAIN)
            try:
                return await _ask(http, asked)
            except httpx.HTTPError:
                continue
            except ConfigError as error:  # after a start the source is not polled at once
                refused = error
    raise refused or PollerGone(gone)


async def _ask(http: httpx.AsyncClient, asked: BackfillRequest) -> Backfill | None:
    answer = await http.post(BACKFILL, content=msgspec.json.encode(asked))
    if answer.status_code != 200:
        raise ConfigError(msgspec.json.decode(answer.content, type=Refusal).problems)
    return msgspec.json.decode(answer.content, type=Backfill | None)
