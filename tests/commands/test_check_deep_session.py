"""The session of the probes: what is asked twice costs once, what is asked later is asked anew, and there is an end."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

import anyio
import pytest
from pydantic import SecretStr

from poller.commands.check_deep import APART, MOST, AskingSession, RequestsSpent, findings, judge
from poller.errors import Throttled, Unavailable, Unexpected
from poller.plugin import Asking, Assumption, Http, Query, Response, Verdict, holds, unknown
from poller.plugin.assumptions import Says
from poller.sources.callcap import Callcap
from tests.simulation.deep import Clock
from tests.support.toy import NOON


class Vendor(Http):
    """A vendor that answers with the number of the request, but for the first ones, at which it is away."""

    def __init__(self, away: int = 0) -> None:
        self.asked, self._away = 0, away

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        self.asked += 1
        if self.asked <= self._away:
            raise Unavailable("HTTP 500")
        if path == "/throttled":
            raise Throttled("HTTP 429")
        if path == "/wrong":
            raise Unexpected("not the documented answer")
        return Response(200, b"%d" % self.asked, None)

    def answered(self, path: str) -> bool:
        return self.asked > 0


async def test_the_same_question_is_asked_once() -> None:
    asking = AskingSession(Vendor())
    assert (await asking.get("/leads", {"page": "1", "size": "2"})).body == b"1"
    assert (await asking.get("/leads", {"size": "2", "page": "1"})).body == b"1"
    assert (await asking.get("/leads", {"page": "2"})).body == b"2"
    assert (await asking.ask("/leads", {"page": "2"}, body=b"{}")).body == b"3"
    for _ in range(2):
        with pytest.raises(Unexpected):
            await asking.get("/wrong", {})
    assert asking.spent == 4


def test_a_later_answer_is_another_one_and_comes_a_while_after_the_first() -> None:
    asking, clock = AskingSession(Vendor()), Clock()
    waited: list[float] = []

    async def ask() -> None:
        assert (await asking.get("/leads", {})).body == b"1"
        await anyio.sleep(APART / 4)
        assert [(await asking.later.get("/leads", {})).body for _ in range(2)] == [b"2", b"2"]
        waited.append(anyio.current_time())

    clock.run(ask())
    assert waited == [APART]


@pytest.mark.parametrize("away", [2, 3, 4])
def test_a_vendor_that_is_away_is_asked_again_until_it_stayed_away_once(away: int) -> None:
    asking = AskingSession(Vendor(away))
    answers: list[bytes] = []

    async def ask() -> None:
        for page in "12":
            try:
                answers.append((await asking.get("/leads", {"page": page})).body)
            except Unavailable as error:
                answers.append(str(error).encode())

    Clock().run(ask())
    assert asking.spent == 4, "each request counts"
    assert answers == {2: [b"3", b"4"], 3: [b"HTTP 500", b"4"], 4: [b"HTTP 500", b"HTTP 500"]}[away]


def test_no_more_than_so_many_are_asked() -> None:
    vendor = Vendor()
    asking = AskingSession(vendor)

    async def ask() -> None:
        for number in range(MOST):
            await asking.get("/leads", {"page": f"{number}"})
        with pytest.raises(RequestsSpent):
            await asking.get("/leads", {"page": "one more"})
        with pytest.raises(RequestsSpent):
            await asking.later.get("/leads", {"page": "0"})
        assert (await asking.get("/leads", {"page": "0"})).body == b"1", "what was answered is known"

    Clock().run(ask())
    assert vendor.asked == MOST


TOLD = {"/cannot-tell": unknown("it is empty")}
STRANGE: dict[str, object] = {"/none": None, "/text": "holds", "/word": Verdict(cast("Says", "yes"), "")}


def assumption(path: str) -> Assumption:
    async def ask(asking: Asking) -> Verdict:
        if path == "/bug":
            raise KeyError("pat@example.com")
        if path in STRANGE:
            return cast("Verdict", STRANGE[path])
        return TOLD.get(path) or holds((await asking.get(path, {})).body.decode())

    probe = None if path == "/unasked" else ask
    return Assumption(name=path, says="", rests="", guard="", consequence="", probe=probe)


async def judged(*paths: str) -> list[Verdict]:
    asking = AskingSession(Vendor())
    return [one.verdict async for one in judge("acme", [assumption(path) for path in paths], asking)]


async def test_a_bug_or_an_odd_answer_costs_its_own_probe_and_quotes_nothing() -> None:
    first, second, third = await judged("/bug", "/wrong", "/leads")
    assert (first.says, first.evidence) == ("unknown", "a bug in the probe: KeyError")
    assert (second.says, second.evidence) == ("unknown", "not the documented answer")
    assert third.says == "holds"


async def test_a_probe_that_gives_no_verdict_could_not_tell_and_is_told() -> None:
    found = await judged(*STRANGE)
    assert [one.says for one in found] == ["unknown"] * 3
    gave = ("None", "str", "Verdict")
    rest = "and not what holds, fails or unknown give"
    assert [one.evidence for one in found] == [f"a bug in the probe: it gave {word}, {rest}" for word in gave]


class Asked(Callcap):
    """A source whose assumptions are about these paths."""

    def assumptions(self, now: datetime) -> Any:
        return [assumption(path) for path in self.api_key.get_secret_value().split()]


@pytest.mark.parametrize(
    ("paths", "ok"),
    [
        ("/wrong /throttled /leads", False),
        ("/wrong /bug /unasked", False),
        ("/wrong /leads", True),
        ("/wrong /cannot-tell", True),
        ("/unasked", True),
    ],
)
async def test_where_no_request_told_anything_nothing_is_well(paths: str, ok: bool) -> None:
    source = Asked(type="callcap", api_key=SecretStr(paths))
    found = [one async for one in findings("acme", source, AskingSession(Vendor()), NOON)]
    assert [one.ok for one in found] == [True] * (len(found) - 1) + [ok]
    assert ("nothing could be told: not the documented answer" in found[-1].words) == (not ok)


class Odd(Callcap):
    """A package's source whose assumptions are none."""

    def assumptions(self, now: datetime) -> Any:
        return self.model_extra if self.api_key.get_secret_value() == "none" else [None]


@pytest.mark.parametrize("key", ["none", "strange"])
async def test_assumptions_that_are_none_are_a_finding(key: str) -> None:
    source = Odd(type="callcap", api_key=SecretStr(key))
    (found,) = [one async for one in findings("acme", source, AskingSession(Vendor()), NOON)]
    assert found.ok is False
    assert found.words.startswith("a bug in its assumptions: TypeError: ")


async def test_whoever_asks_for_patience_is_asked_no_more() -> None:
    first, *others = await judged("/leads", "/throttled", "/leads")
    assert first.says == "holds"
    assert [one.says for one in others] == ["unknown", "unknown"]
