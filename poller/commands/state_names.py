"""`poller state rename` and `accept`: a source goes on under another name, or at another address.

Everything that a state holds of a source stands under its name, and belongs to one account at one address. Both may
change while the records stay the same: then the rows move to the new name, or the account's row is written anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from poller.commands.state import offline, writing
from poller.config.settings import Settings, is_name, source_named
from poller.errors import ConfigError
from poller.state.account import account_id
from poller.state.offline import StateDump
from poller.state.rows import ACCOUNT, PROOF, encode, is_of_source, renamed, source_of, stream_of


@dataclass(frozen=True, slots=True)
class Renamed:
    """A source that has a new name now, and its streams, as `NEW/stream`. `unfamiliar`: it is not configured."""

    old: str
    new: str
    streams: list[str]
    unfamiliar: bool


async def rename(settings: Settings, old: str, new: str) -> Renamed:
    """Move all that is known of a source to another name. Raises ConfigError where that is not possible.

    Where the state is in Kafka and this was cut short, the same command finishes it.
    """
    if not is_name(new) or old == new:
        raise ConfigError(f"{new}: another name goes here, of letters, digits, '.', '_' and '-'")
    async with offline(settings, "rename") as state:
        whole = state.all()
        before, there = _of(whole, old), _of(whole, new)
        if not before.rows and not before.chunks:
            known = ", ".join(sorted({source_of(key) for key in whole.rows if is_of_source(key)})) or "nothing"
            raise ConfigError(f"{old}: the state holds no source of that name; it holds {known}")
        after = StateDump(
            {renamed(key, new): value for key, value in before.rows.items() if not PROOF.has(key)},
            [(_stream(stream, new), at, data) for stream, at, data in before.chunks],
        )
        if not _is_part(there, after):
            raise ConfigError(
                f"{new}: the state holds a source of that name already; `poller state reset {new}` forgets it, if it "
                "may be forgotten"
            )
        with writing():
            await state.move(after, list(before.rows), sorted({stream for stream, _, _ in before.chunks}))
    streams = {stream_of(key) for key in after.rows if "/" in key} | {stream for stream, _, _ in after.chunks}
    return Renamed(old, new, sorted(streams), unfamiliar=new not in settings.sources)


async def accept(settings: Settings, source: str) -> bool:
    """Let a source's state belong to the account that the configuration names now; False where it does already.

    Raises ConfigError where there is no such source, or it is of another type.
    """
    now = account_id(source_named(settings, source))
    async with offline(settings, "accept") as state:
        was = ACCOUNT.read(state.all().rows, source)
        if was is None:
            raise ConfigError(f"{source}: the state holds no source of that name: there is nothing to accept")
        if was.type != now.type:
            raise ConfigError(
                f"sources.{source}.type: the state under this name is of the type {was.type}: another type names its "
                "records in another way, so give this source another name"
            )
        if was == now:
            return False
        with writing():
            await state.move(StateDump({ACCOUNT.key(source): encode(now)}), [], [])
    return True


def _of(whole: StateDump, source: str) -> StateDump:
    rows = {key: value for key, value in whole.rows.items() if is_of_source(key) and source_of(key) == source}
    return StateDump(rows, [chunk for chunk in whole.chunks if chunk[0].partition("/")[0] == source])


def _stream(stream: str, source: str) -> str:
    return f"{source}/{stream.partition('/')[2]}"


def _is_part(there: StateDump, after: StateDump) -> bool:
    """Return True if what is there is nothing but what a rename that was cut short has written."""
    polled: Mapping[str, bytes] = {key: value for key, value in there.rows.items() if not ACCOUNT.has(key)}
    rows = all(after.rows.get(key) == value for key, value in polled.items() if not PROOF.has(key))
    return rows and {data for _, _, data in there.chunks} <= {data for _, _, data in after.chunks}
