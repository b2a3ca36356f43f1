"""What a request is counted as: what became of it, and how long its answer took."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from poller.errors import SourceError
from poller.telemetry import Telemetry


class Count:
    """One request that is under way, since now. `code` is what it counts as: an `error`, until more is known."""

    code = "error"

    def __init__(self) -> None:
        self._began = anyio.current_time()
        self._ended: float | None = None

    def answered(self, status: int) -> None:
        """Count it by the status of its answer, which is there, whole."""
        self.code, self._ended = str(status), anyio.current_time()

    @property
    def seconds(self) -> float:
        """The seconds until its answer was there, or until now."""
        return (anyio.current_time() if self._ended is None else self._ended) - self._began


@contextmanager
def counted(source: str, telemetry: Telemetry) -> Iterator[Count]:
    """Count a request that is sent within, and whose answer is judged there: a 200 that is none, by what it is."""
    count = Count()
    try:
        yield count
    except SourceError as error:
        if count.code == "200":
            count.code = error.outcome
        raise
    finally:
        telemetry.request_done(source, code=count.code, seconds=count.seconds)
