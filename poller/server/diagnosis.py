"""A guess at what is wrong with a stream: whose fault it is, and why, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from poller.telemetry.status import OutputStatus, StreamStatus

Fault: TypeAlias = Literal["vendor", "vendor or network", "configuration", "output", "state", "us", "unknown"]


class Diagnosis(NamedTuple):
    """Whose fault it is (None: nothing is wrong), and why (None: there is nothing to say)."""

    fault: Fault | None
    reason: str | None


_NOBODY: Final = Diagnosis(None, None)
_DENIED: Final = Diagnosis("configuration", "the vendor refuses our credential")
_SHIFTED: Final = Diagnosis("vendor", "the vendor's list moves while it is read")
_ANSWERS: Final = Diagnosis("vendor", "the vendor answers with an error")
_SILENT: Final = Diagnosis("vendor or network", "the vendor cannot be reached, or does not answer in time")
_OUTCOMES: Final[Mapping[str, Diagnosis]] = {
    "denied": _DENIED,
    "throttled": Diagnosis("vendor", "the vendor asks us to wait"),
    "shifted": _SHIFTED,
    "unexpected": Diagnosis("vendor", "the vendor's answer is not the documented one"),
    "bug": Diagnosis("us", "a bug in poller: the log has more"),
}
_HOLD: Final = frozenset({_DENIED, _ANSWERS, _SILENT, _OUTCOMES["throttled"], _OUTCOMES["unexpected"]})
"""The diagnoses of a stream that make the other streams of its source wait, too."""
_GAPS: Final[Mapping[str, Diagnosis]] = {
    "unreadable": Diagnosis("vendor", "the vendor's list does not reach back so far"),
    "shifted": _SHIFTED,
    "outage": Diagnosis("unknown", "what a long outage left out is being read, a slice at a time"),
}
_BROKEN: Final = Diagnosis("unknown", "a pass broke off and is not made up for yet")
_EARLIER: Final = Diagnosis("unknown", "it failed before this process began, and was not tried again yet")
_COLLAPSED: Final = Diagnosis("unknown", "the vendor shows less than half of what it did: is the credential narrowed?")
_SLOW: Final = Diagnosis("unknown", "polls do not keep up, and none of them fails: is requests_per_minute too low?")

NOTHING_YET: Final = (
    "no record of it is known yet: is there none, or does its filter let nothing through (its name, unit or zone)? "
    "`poller check --deep` finds out"
)


def diagnose(
    status: StreamStatus, failures: Mapping[str, str], outputs: Sequence[OutputStatus], reasons: Sequence[str]
) -> Diagnosis:
    """Judge a stream by its state and by how its sweeps failed last (`failures`: outcome by sweep).

    `reasons` say why nothing can be delivered now. Of a failure that an earlier process met only the text is known.
    """
    if not status.here and status.state != "paused":
        other = f"the replica {status.owner} polls it" if status.owner else "another replica polls it, or none does"
        return Diagnosis(None, other)
    if status.state == "paused":
        return _paused(outputs, reasons)
    if status.state == "denied":
        return _DENIED
    return _failing(status, failures) or _of_state(status)


def waits_behind(found: Diagnosis, siblings: Mapping[str, Diagnosis]) -> Diagnosis:
    """Return a stream's diagnosis in the light of those of its source's other streams, by name.

    A stream that only seems slow may wait for its turn behind one whose trouble holds up the whole source.
    """
    if found == _SLOW:
        for name, other in siblings.items():
            if other in _HOLD:
                return Diagnosis(other.fault, f"it waits behind {name}, which has the same source: {other.reason}")
    return found


def _paused(outputs: Sequence[OutputStatus], reasons: Sequence[str]) -> Diagnosis:
    down = any(not output.up for output in outputs)
    return Diagnosis(
        "output" if down else "state", reasons[0] if reasons else "an output, or the state, was down just now"
    )


def _failing(status: StreamStatus, failures: Mapping[str, str]) -> Diagnosis | None:
    """Judge by the failure that matters most: of a sweep whose gap is open, then of the main sweep, then of any."""
    first = [gap.sweep for gap in status.gaps] + ["live", "snapshot"]
    errors = {sweep.name: sweep.last_error for sweep in status.sweeps if sweep.name in failures}
    for name in [*first, *errors]:
        if error := errors.get(name):
            return _OUTCOMES.get(failures[name]) or (_ANSWERS if error.startswith("HTTP ") else _SILENT)
    return None


def _of_state(status: StreamStatus) -> Diagnosis:
    if status.state == "gap":
        return next((_GAPS[gap.kind] for gap in status.gaps if gap.kind in _GAPS), _BROKEN)
    if status.state == "suspect":
        return Diagnosis("unknown", status.suspicion) if status.suspicion else _COLLAPSED
    if status.state == "late":
        return _EARLIER if status.last_error else _SLOW
    if status.lag_seconds is None:
        return Diagnosis(None, "its first pass is not complete yet")
    return Diagnosis(None, NOTHING_YET) if status.is_barren else _NOBODY
