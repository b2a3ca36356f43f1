"""The laws every delivery obeys, whatever failed on the way: checked against the sandbox's truth."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

HOUR = timedelta(hours=1)
Event = Mapping[str, Any]
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A state of a record, visible from `at` on."""

    at: datetime
    content: Any
    stamp: Any
    deleted: bool
    broken: bool


@dataclass(frozen=True, slots=True)
class Life:
    """A record's states, all of them; `deletion_event` is set if the vendor dropped the record without a mark."""

    versions: Sequence[Version]
    deletion_event: bool


@dataclass(slots=True)
class Verdict:
    """A verdict: everything that was found wrong, one line each. With empty lists the laws hold."""

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    promised: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return True if all laws hold."""
        return not any(self._found.values())

    def __str__(self) -> str:
        counts = ", ".join(f"{what} {len(found)}" for what, found in self._found.items())
        return "\n  ".join([counts, *(example for found in self._found.values() for example in found[:3])])

    @property
    def _found(self) -> Mapping[str, Sequence[str]]:
        return {
            "lost": self.lost,
            "twice": self.twice,
            "out of order": self.disordered,
            "invented": self.invented,
            "promised in vain": self.promised,
        }


def judge(events: Sequence[Event], truth: Mapping[str, Life], content: Callable[[Record], Any]) -> Verdict:
    """Compare what was delivered, in order, with all that ever was true, and return the verdict.

    1. Every event once: no (identity, revision) twice, no id twice, revisions rise by one.
    2. Nothing is invented: every event's record is one that the vendor showed.
    3. Never an older word after a newer one, but more than an hour after it, or where the vendor's stamps don't tell.
    4. Nothing is lost: of every record that stayed, the last word was delivered last.
    """
    verdict = Verdict()
    of: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        of[event["subject"]].append(event)
    for identity, told in of.items():
        _once(identity, told, verdict)
        if identity in truth:
            _in_order(identity, told, truth[identity], content, verdict)
        else:
            verdict.invented.append(f"{identity}: no such record")
    for identity, life in truth.items():
        _last_word(identity, of.get(identity, []), life, content, verdict)
    return verdict


def said_again(events: Sequence[Event], meant: Callable[[Record], Any]) -> list[str]:
    """Return every event that means the same as the record's event before it, and differs in spelling alone."""
    last: dict[str, tuple[bool, Any]] = {}
    again = []
    for event in events:
        if (record := event["data"]["raw"]) is None:
            last.pop(event["subject"], None)
            continue
        says = event["type"].endswith(".deleted"), meant(record)
        if last.get(event["subject"]) == says:
            again.append(f"{event['subject']}: revision {event['revision']} says what the one before said")
        last[event["subject"]] = says
    return again


def _once(identity: str, told: Sequence[Event], verdict: Verdict) -> None:
    revisions = [event["revision"] for event in told]
    if revisions != list(range(revisions[0], revisions[0] + len(told))) or revisions[0] > 2:
        verdict.twice.append(f"{identity}: revisions {revisions}")
    if len({event["id"] for event in told}) != len(told):
        verdict.twice.append(f"{identity}: an id comes twice")


def _in_order(
    identity: str, told: Sequence[Event], life: Life, content: Callable[[Record], Any], verdict: Verdict
) -> None:
    """Note events out of order; where a content was true several times, the reading with most in order counts."""
    newest, newest_told = -1, None
    for event in told:
        if event["data"]["raw"] is None:  # a snapshot no longer held it
            continue
        shown = content(event["data"]["raw"])
        at = datetime.fromisoformat(event["observedtime"])
        places = [n for n, version in enumerate(life.versions) if version.content == shown]
        if not places:
            verdict.invented.append(f"{identity}: revision {event['revision']} was never true")
            continue
        onward = [n for n in places if n >= newest]
        known_older = not onward and life.versions[max(places)].stamp < life.versions[newest].stamp
        if known_older and newest_told is not None and at - newest_told <= HOUR:
            verdict.disordered.append(f"{identity}: revision {event['revision']} is older than the one before")
        newest, newest_told = (min(onward) if onward else max(places)), at


def _last_word(
    identity: str, told: Sequence[Event], life: Life, content: Callable[[Record], Any], verdict: Verdict
) -> None:
    last = life.versions[-1]
    if life.deletion_event or last.broken:
        return
    if not told:
        verdict.lost.append(f"{identity}: never delivered, visible since {life.versions[0].at}")
    elif content(told[-1]["data"]["raw"]) != last.content:
        verdict.lost.append(f"{identity}: its last word, of {last.at}, was not delivered last")
    elif told[-1]["type"].endswith(".deleted") != last.deleted:
        verdict.lost.append(f"{identity}: delivered as {told[-1]['type']}")
