"""Whatever a vendor shows, in whatever order, is told as a naive reading of the rules would tell it.

Killed (beside those of test_revisions): `<=` for `<` between stamps; the hour counted from the stamp instead of the
delivery; the baseline flag read as "never seen"; `keep` measured from the last showing; touched entries written over
newer ones.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from poller.events.seen import key_of
from tests.support.toy import NOON, Reader, record

KEEP = timedelta(days=2)
WAITS = [timedelta(seconds=seconds) for seconds in (0, 1, 1800, 3599, 3600, 3601, 2 * 86_400, 2 * 86_400 + 1)]


@dataclass(frozen=True)
class Showing:
    """One record as a page shows it; times in minutes from noon."""

    name: str
    own: int
    stamp: int | None
    text: str
    deleted: bool
    noise: int

    def sent(self) -> bytes:
        changed = None if self.stamp is None else NOON + timedelta(minutes=self.stamp)
        own, noise = NOON + timedelta(minutes=self.own), self.noise
        return record(self.name, at=own, changed=changed, text=self.text, deleted=self.deleted, noise=noise)


@dataclass(frozen=True)
class Step:
    """Time passes, then a page comes."""

    wait: timedelta
    page: tuple[Showing, ...]
    baseline: bool
    doubted: frozenset[str]


@dataclass
class Known:
    content: Any
    stamp: int | None
    revision: int
    since: timedelta


@dataclass
class Naive:
    """The rules as the contract has them, for one identity after the other, nothing saved and nothing packed."""

    known: dict[str, Known] = field(default_factory=dict)

    def tell(self, now: timedelta, one: Showing, *, baseline: bool, doubted: bool) -> tuple[str, str, int] | None:
        before = self.known.get(one.name)
        if before and now - before.since > KEEP:
            before = None
        content = (one.own, one.text, one.deleted)
        if before and not doubted:
            if content == before.content:
                before.stamp = max((stamp for stamp in (before.stamp, one.stamp) if stamp is not None), default=None)
                return None
            both = one.stamp is not None and before.stamp is not None
            if both and one.stamp < before.stamp and now - before.since <= timedelta(hours=1):  # type: ignore[operator]
                return None
        revision = before.revision + 1 if before else 1
        self.known[one.name] = Known(content, one.stamp, revision, now)
        old = one.own < 0 and (one.stamp is None or one.stamp < 0)
        if baseline and old and not before and not doubted:
            return None
        what = "deleted" if one.deleted else "updated" if before else "created"
        return (one.name, f"lead.{what}", revision)


SHOWINGS = st.builds(
    Showing,
    name=st.sampled_from("ab"),
    own=st.sampled_from([-9, -9, -9, 9]),
    stamp=st.sampled_from([None, -5, 0, 5]),
    text=st.sampled_from("xy"),
    deleted=st.sampled_from([False, False, True]),
    noise=st.integers(0, 1),
)
STEPS = st.builds(
    Step,
    wait=st.sampled_from(WAITS),
    page=st.lists(SHOWINGS, max_size=4).map(tuple),
    baseline=st.sampled_from([False, False, True]),
    doubted=st.sampled_from([frozenset[str](), frozenset[str](), frozenset("a")]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=8), st.booleans())
def test_what_is_told_is_what_the_rules_say(steps: list[Step], names_rows: bool) -> None:
    reader, naive = Reader(keep=KEEP.total_seconds(), checked=False, names_rows=names_rows), Naive()
    passed = timedelta()
    for step in steps:
        passed += step.wait
        reader.now = NOON + passed
        doubted, expected = set(step.doubted), []
        for one in step.page:
            told = naive.tell(passed, one, baseline=step.baseline, doubted=one.name in doubted)
            doubted.discard(one.name)
            expected += [told] if told else []
        doubts = {key_of(name) for name in step.doubted}
        found = reader.read(*(one.sent() for one in step.page), baseline=NOON if step.baseline else None, doubts=doubts)
        assert [(event["subject"], event["type"], event["revision"]) for event in found] == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=8), st.booleans())
def test_pages_can_be_cut_anywhere(steps: list[Step], names_rows: bool) -> None:
    """Told is the same whether records come on one page or on many."""
    whole, cut, passed = Reader(checked=False, names_rows=names_rows), Reader(checked=False), timedelta()
    for step in (replace(step, doubted=frozenset()) for step in steps):
        passed += step.wait
        whole.now = cut.now = NOON + passed
        baseline = NOON if step.baseline else None
        whole.read(*(one.sent() for one in step.page), baseline=baseline)
        for one in step.page:
            cut.read(one.sent(), baseline=baseline)
    assert [event["id"] for event in whole.told] == [event["id"] for event in cut.told]
