"""The addresses of a vendor's name, and a socket to the first of them that answers (RFC 8305).

`create_connection` of asyncio makes tasks and events for a race also where there is one address. Here one address is
connected to without any, and each of several is a task that begins when it is its turn.

A name whose servers are silent holds the thread that looks it up for half a minute and more, whoever still waits. So a
name is looked up once at a time, by threads that nobody else needs: asyncio's own are a handful, which a vendor or two
would fill, and all others, and Kafka's brokers, would wait behind them.
"""

import asyncio
import socket
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import ip_address
from itertools import zip_longest
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

Address: TypeAlias = tuple[int, tuple[Any, ...]]
"""A family of addresses, and what a socket of it connects to."""

_NEXT_ADDRESS = 0.25
"""Seconds after which the next address of a name is tried beside those before."""
_LOOKED_UP = 20.0
"""Seconds that a name may take; it is still being looked up then, and whoever tries again waits for the same."""

_threads = ThreadPoolExecutor(200, "names")
_under_way: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], "asyncio.Future[list[Address]]"]]
_under_way = WeakKeyDictionary()


async def reach(host: str, port: int) -> socket.socket:
    """Look a name up, and return a socket that is connected to it. Raises OSError, or UnicodeError for what is none."""
    family = _family(host)
    addresses = [(family, (host, port))] if family else await _look_up(host, port)
    return await (_connect(addresses[0]) if len(addresses) == 1 else _connect_to_first(addresses))


@lru_cache(1000)
def _family(host: str) -> int | None:
    """Return the family of what is an address already; None for a name, and for an address with a zone."""
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    return None if "%" in host else int(socket.AF_INET6 if version == 6 else socket.AF_INET)


async def _look_up(host: str, port: int) -> list[Address]:
    """Return a name's addresses, the families in turns (RFC 8305 §4)."""
    loop = asyncio.get_running_loop()
    known, place = _under_way.setdefault(loop, {}), (host, port)
    if not (found := known.get(place)):
        found = known[place] = loop.run_in_executor(_threads, _addresses, host, port)
        found.add_done_callback(lambda ended: (known.pop(place), ended.exception()))  # seen, whoever still waits
    try:
        async with asyncio.timeout(_LOOKED_UP):
            return await asyncio.shield(found)
    except TimeoutError:
        raise OSError(f"its name was not looked up within {_LOOKED_UP:g} s") from None


def _addresses(host: str, port: int) -> list[Address]:
    families: dict[int, list[Address]] = {}
    for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        families.setdefault(family, []).append((family, address))
    return [address for turn in zip_longest(*families.values()) for address in turn if address]


async def _connect(address: Address) -> socket.socket:
    family, place = address
    # Without its protocol's number asyncio would not set TCP_NODELAY.
    ours = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_connect(ours, place)
    except BaseException:
        ours.close()
        raise
    return ours


async def _connect_to_first(addresses: list[Address]) -> socket.socket:
    """Try the next address once one has failed, or after a while (RFC 8305 §5); one that answers ends all tries."""
    left, tries, errors = deque(addresses), set[asyncio.Task[socket.socket]](), list[str]()
    try:
        while left or tries:
            if left:
                tries.add(asyncio.create_task(_connect(left.popleft())))
            wait = _NEXT_ADDRESS if left else None
            done, _ = await asyncio.wait(tries, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                tries.remove(ended)
                if not (error := ended.exception()):
                    return ended.result()
                errors.append(str(error))
        raise OSError("; ".join(dict.fromkeys(errors)) or "it has no address")
    finally:
        for late in tries:
            late.cancel()
            late.add_done_callback(_close)


def _close(late: asyncio.Task[socket.socket]) -> None:
    """Close what was reached beside the first, or as nobody waited any more."""
    if not late.cancelled() and not late.exception():
        late.result().close()
