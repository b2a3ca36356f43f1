"""The error tree: every error is named after what the one who meets it should do.

PollerError
├── ConfigError       the operator's move: exit 2, never retried
└── SourceError       the vendor's side; the sweep starts over from its checkpoint
    ├── Unavailable   timeouts, resets, 5xx: soon, with back-off and jitter
    ├── Throttled     429, or the vendor's own way of saying it: not before retry_after
    ├── Denied        401, 403: the whole source, slowly, loudly; after one try at a fresh token
    ├── Shifted       the list moved under the pass, so its totals contradict it: start over at once
    └── Unexpected    an answer we do not understand: slowly, loudly
        └── Lasting   the same request would soon be answered so again: not repeated within its pass
            └── TooLarge  an answer beyond the body limit
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

E = TypeVar("E", bound=BaseException)


class PollerError(Exception):
    """Anything this program raises on purpose."""


class ConfigError(PollerError):
    """A mistake that only the operator can mend: `problems` names each place and its remedy, one line each."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class SourceError(PollerError):
    """The vendor's side failed. The text is safe to show: no secret, no body of the vendor's.

    `said` is what the vendor said beside a refusal, without secrets of ours: `poller check` shows it, and nobody else.
    """

    outcome = "failed"
    said = ""


class Unavailable(SourceError):
    """Timeouts, connection resets, 5xx."""

    outcome = "unavailable"


class Throttled(SourceError):
    """The vendor asks for patience: `retry_after` seconds, None where it does not say."""

    outcome = "throttled"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Denied(SourceError):
    """The vendor refuses our credential: 401, 403, a dead refresh token."""

    outcome = "denied"


class Shifted(SourceError):
    """The pass is contradicted by its own totals: rows that shrink, ids that don't add up.

    `until` is the end the pass would have covered (aware, UTC; by the vendor's clock), None where it sent no date.
    `few` is what came (a `TooFew`) where nothing else contradicts the pass than that it is too few.
    """

    outcome = "shifted"

    def __init__(self, message: str, until: datetime | None = None, few: object = None) -> None:
        super().__init__(message)
        self.until, self.few = until, few


class Unexpected(SourceError):
    """An answer that is not the documented one: never to be read as "no news".

    `key` is the key of the stream's settings that the answer contradicts (`paging.total`); `check` tells where it is.
    """

    outcome = "unexpected"

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class Lasting(Unexpected):
    """The same request would soon be answered in the same way: it is not repeated within its pass."""


class TooLarge(Lasting):
    """An answer whose body is beyond the limit."""


def first(group: BaseExceptionGroup[E]) -> E:
    """One of the errors in a group of groups, to stand for all of them."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error
