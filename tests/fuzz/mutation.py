"""Mutations of documents: JSON changed as a structure and printed again, and bytes changed as bytes."""

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.fuzz.oddities import DATES, NUMBERS, ODD, TEXTS


class Spelt(bytes):
    """A value as it is spelt."""


class Pairs(list[list[Any]]):
    """An object: pairs of a key and a value, of which two may have one key."""

    @classmethod
    def read(cls, pairs: list[tuple[str, Any]]) -> "Pairs":
        return cls(map(list, pairs))


def read(text: bytes) -> Any:
    """Read JSON; an object as its pairs."""
    return json.loads(text, object_pairs_hook=Pairs.read)


def spell(value: Any) -> bytes:
    """Print what `read` gave, changed or not."""
    match value:
        case Spelt():
            return value
        case Pairs():
            return b"{" + b",".join(json.dumps(key).encode() + b":" + spell(held) for key, held in value) + b"}"
        case list():
            return b"[" + b",".join(map(spell, value)) + b"]"
        case _:
            return json.dumps(value).encode()


def a_place(value: Any, rng: Random) -> tuple[Any, int] | None:
    """Return a place below the top of a value, what holds it and where: the deeper, the more there are of its like."""
    found = None
    while isinstance(value, list) and value and (found is None or rng.random() < 0.8):
        at = rng.randrange(len(value))
        found = (value[at], 1) if isinstance(value, Pairs) else (value, at)
        value = found[0][found[1]]
    return found


def odd(rng: Random) -> Spelt:
    return Spelt(rng.choice(rng.choice(ODD)))


def _like(value: Any, rng: Random) -> Any:
    """Return another value of the same sort."""
    match value:
        case bool() | None:
            return rng.choice([True, False, None, 0, 1, "true", "0", "", "yes"])
        case int() | float():
            changed = [value + 1, value - 1, -value, value * 1000, str(value), 0, value + 0.5]
            return rng.choice([*changed, Spelt(rng.choice(NUMBERS))])
        case str() if value[:1].isdecimal() and rng.random() < 0.6:
            return Spelt(rng.choice(DATES))
        case str():
            at = rng.randint(0, len(value))
            extra = json.loads(rng.choice(TEXTS[:-8]))
            return rng.choice(
                [value[:at], value[at:], value[:at] + extra + value[at:], value * 2, [value], value.upper()]
            )
        case _:
            return odd(rng)


def _add_key(pairs: Pairs, rng: Random) -> None:
    """Repeat a key with another value, rename one, or put in one that nobody knows."""
    key, value = rng.choice(pairs) if pairs else ("a", 1)
    chosen = rng.choice([key, key, key.upper(), key + " ", "", "\0", "__proto__", "id", json.loads(TEXTS[7])])
    pairs.insert(rng.randint(0, len(pairs)), [chosen, rng.choice([value, _like(value, rng), odd(rng)])])


def _within(held: Any, rng: Random) -> Any:
    """Return a container with its parts repeated, dropped, or in another order."""
    changed = type(held)(held)
    match rng.randrange(5):
        case 0:
            rng.shuffle(changed)
        case 1:
            del changed[rng.randint(0, len(changed)) :]
        case 2:
            changed.extend(changed[: rng.randint(0, len(changed))] * rng.choice([1, 1, 40]))
        case 3:
            return [*changed]  # an object as the list of its pairs
        case _:
            return Pairs([str(at), one] for at, one in enumerate(changed))
    return changed


def change_structure(value: Any, rng: Random) -> Any:
    """Change one place of a value in place; returns the value, or another one in its stead."""
    place = a_place(value, rng)
    if place is None or rng.random() < 0.02:
        return odd(rng)
    holder, at = place
    held = holder[at]
    match rng.randrange(8):
        case 0 | 1:
            holder[at] = _like(held, rng)
        case 2:
            holder[at] = odd(rng)
        case 3 if isinstance(held, list):
            holder[at] = _within(held, rng)
        case 4:
            other, there = a_place(value, rng) or place
            holder[at] = copy.deepcopy(other[there])
        case 5:
            holder[at] = rng.choice([[held], Pairs([["a", held]]), None])
        case 6 if isinstance(held, Pairs):
            _add_key(held, rng)
        case _:
            del holder[at:]
            if len(holder) == 1 and not isinstance(holder, Pairs):
                holder.append(Spelt(b"null"))  # a pair is a pair
    return value


_PIECES = [b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\r\n", b'"', b"\\", b"{", b"]"]
_BEFORE = [b"\xef\xbb\xbf", b"\xff\xfe", b")]}',\n", b"<!-- -->", b"jQuery(", b"\x1f\x8b\x08"]
_BEHIND = [b"\0", b");", b"\n\n", b"</html>", b"\x1a"]
_EXCHANGES = [(b" ", b"\xc2\xa0"), (b'"', b"'"), (b",", b",,"), (b":", b"="), (b"0", b"\xd9\xa0")]


def change_bytes(data: bytes, rng: Random) -> bytes:
    """Change a few bytes, or cut, repeat, or put something between."""
    at, length = rng.randint(0, len(data)), int(2 ** rng.uniform(0, 8))
    changes: Sequence[Callable[[], bytes]] = [
        lambda: data[:at],
        lambda: data[at:],
        lambda: data[:at] + data[at + length :],
        lambda: data[:at] + data[at : at + length] * rng.choice([2, 2, 50]) + data[at + length :],
        lambda: data[:at] + rng.randbytes(min(length, 16)) + data[at:],
        lambda: data[:at] + bytes(byte ^ 1 << rng.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :],
        lambda: data[:at] + rng.choice(rng.choice(ODD)) + data[at:],
        lambda: data[:at] + rng.choice(_PIECES) + data[at:],
        lambda: rng.choice(_BEFORE) + data,
        lambda: data + rng.choice([data, *_BEHIND]),
        lambda: data.replace(*rng.choice(_EXCHANGES)),
        lambda: data.decode("utf-8", "replace").encode(rng.choice(["utf-16", "utf-16-le", "utf-32", "utf-7"])),
    ]  # fmt: skip
    return rng.choice(changes)()


def mutated(document: bytes, rng: Random) -> bytes:
    """Change a JSON document once or a few times: most as a structure, some as bytes, some as both."""
    times = rng.choice([1, 1, 1, 2, 3, 8])
    if rng.random() < 0.75:
        try:
            value = read(document)
            for _ in range(times):
                value = change_structure(value, rng)
            document = spell(value)
        except (ValueError, RecursionError):  # it is no JSON, or what nests in it is too deep to print
            return change_bytes(document, rng)
        times = rng.random() < 0.1
    for _ in range(times):
        document = change_bytes(document, rng)
    return document
