"""Messages to be written by an output, and what keeps its marks as the state does."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from outputs import Marks, Message, Output

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
"""The time at which the messages were observed."""


def message(number: int, hours: float = 0, stream: str = "calls", *, reject: bool = False, size: int = 40) -> Message:
    """Make message `number`, a line of `size` bytes, observed so many hours after midnight."""
    text = f'{{"é": "{number:x>{size - 11}}"}}'
    observed = MIDNIGHT + timedelta(hours=hours)
    return Message(
        text.encode(), f"acme/{stream}/{number}", "acme", stream, stream.rstrip("s"), observed, reject=reject
    )


def messages(numbers: range, hours: float = 0, stream: str = "calls", *, size: int = 40) -> list[Message]:
    """Make messages of these numbers, as `message` does."""
    return [message(number, hours, stream, size=size) for number in numbers]


def values(batch: Sequence[Message]) -> list[bytes]:
    """Return the lines of a batch."""
    return [message.value for message in batch]


class Ledger:
    """Keeps marks as the state does: the announcement first, what `write` returns after."""

    def __init__(self) -> None:
        self.marks: dict[str, bytes] = {}
        self.history: list[dict[str, bytes]] = []

    def save(self, marks: Marks) -> None:
        """Save marks; a name whose mark is None is forgotten."""
        kept: Mapping[str, bytes | None] = self.marks | dict(marks)
        self.marks = {name: mark for name, mark in kept.items() if mark is not None}
        self.history.append(self.marks)

    async def deliver(self, output: Output, batch: Sequence[Message]) -> None:
        """Announce and write a batch."""
        self.save(output.announce(batch))
        self.save(await output.write(batch))
