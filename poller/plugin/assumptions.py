"""What a source assumes of its vendor because the documentation leaves it open, and how that is put to the test.

`poller check --deep` asks each probe. A probe reads, and reads little: see `Asking`.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from poller.plugin.stream import Http

Says: TypeAlias = Literal["holds", "fails", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found; `unknown` where what came cannot tell.

    `evidence` holds counts, times and differences, and nothing of a record. `remedy` takes the place of the
    assumption's consequence where the probe knows more.
    """

    says: Says
    evidence: str
    remedy: str = ""


def holds(evidence: str) -> Verdict:
    """Return the verdict that nothing contradicts the assumption, and something speaks for it."""
    return Verdict("holds", evidence)


def fails(evidence: str, remedy: str = "") -> Verdict:
    """Return the verdict that an answer contradicts the assumption."""
    return Verdict("fails", evidence, remedy)


def unknown(evidence: str) -> Verdict:
    """Return the verdict that what came cannot tell."""
    return Verdict("unknown", evidence)


class Asking(Http):
    """The session of a probe. The requests of all probes of a source are counted, and limited in number.

    A question that was asked before, by whatever probe, has its former answer and costs nothing. Raises SourceError
    where no request is left.
    """

    @property
    @abstractmethod
    def later(self) -> Http:
        """The same session a while later: a question asked of both has two answers, some time apart."""


Probe: TypeAlias = Callable[[Asking], Awaitable[Verdict]]
"""Put an assumption to the test. A SourceError that it raises means that nothing can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Something that the documentation leaves open, by a name that is the vendor's own.

    `stream` is what it is about ("" for the whole source), `says` the assumption in a sentence, `rests` what would be
    lost or repeated if it were wrong, `guard` what poller does by itself at run time where a breach shows,
    `consequence` what the operator should set or do. `asks` is what the `probe` asks for; both are left out where
    nothing that can be asked would tell.
    """

    name: str
    says: str
    rests: str
    guard: str
    consequence: str
    asks: str = ""
    probe: Probe | None = None
    stream: str = ""
