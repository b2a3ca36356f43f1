"""`poller check --deep`: what is assumed of a vendor is put to the test on the live account, by reading only.

It is safe beside a running poller: it writes no state and takes no lock, never spends a refresh token, and asks so many
questions at most, at the source's own pace.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, get_args

import anyio
from msgspec import json

from poller.clock import Now
from poller.commands.check import LEFT_OUT, Finding, describe_refusal, named
from poller.config.plugins import SOURCE_TYPES
from poller.config.settings import Settings, source_named
from poller.errors import Denied, PollerError, SourceError, Throttled, Unavailable
from poller.http.auth import make_auth
from poller.http.session import open_session
from poller.plugin.assumptions import Asking, Assumption, Probe, Says, Verdict, unknown
from poller.plugin.source import Source
from poller.plugin.stream import Http, Query, Response
from poller.retry import keep_trying
from poller.state.open import open_reader
from poller.state.reader import token_of
from poller.telemetry import Telemetry

MOST = 40
"""The most requests for one source."""
APART = 20.0
"""Seconds between two looks at the same."""
_PATIENCE = 3.0
"""Seconds within which a vendor that is away is asked again: three requests in all."""

Question: TypeAlias = tuple[str, str, bytes | None]


class RequestsSpent(SourceError):
    """No request is left."""


class AskingSession(Asking):
    """A source's session that counts, and gives the same answer to the same question."""

    def __init__(self, session: Http) -> None:
        self._session = session
        self._answers: dict[Question, tuple[float, Response | SourceError]] = {}
        self._later = _Later(self)
        self._patience = _PATIENCE
        self.spent = 0

    @property
    def later(self) -> Http:
        """The same session, a while later."""
        return self._later

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        """Ask, if nobody has asked this before. Raises RequestsSpent."""
        question = question_of(path, query, body)
        if question not in self._answers:
            self._answers[question] = await self.answer(path, query, body, accept)
        return _told(self._answers[question][1])

    def asked_at(self, question: Question) -> float | None:
        """Return when a question was first asked, by the loop's clock; None where it was not."""
        return self._answers[question][0] if question in self._answers else None

    async def answer(
        self, path: str, query: Query, body: bytes | None, accept: Collection[int]
    ) -> tuple[float, Response | SourceError]:
        """Ask in any case, and return when that was. Raises RequestsSpent, Denied and Throttled.

        One request of forty may fail, so a vendor that is away is asked again, until it stayed away once.
        """

        async def once() -> tuple[float, Response]:
            if self.spent >= MOST:
                raise RequestsSpent(f"all {MOST} requests are spent")
            self.spent += 1
            return anyio.current_time(), await self._session.ask(path, query, body=body, accept=accept)

        try:
            return await keep_trying(once, on=Unavailable, report=lambda *_: None, give_up_after=self._patience)
        except (Denied, Throttled, RequestsSpent):
            raise
        except SourceError as error:
            if isinstance(error, Unavailable):
                self._patience = 0.0
            return anyio.current_time(), error

    def answered(self, path: str) -> bool:
        """Return True if this path has given a 200."""
        return self._session.answered(path)


class _Later(Http):
    def __init__(self, first: AskingSession) -> None:
        self._first = first
        self._answers: dict[Question, Response | SourceError] = {}

    async def ask(
        self, path: str, query: Query, *, body: bytes | None = None, accept: Collection[int] = (200,)
    ) -> Response:
        question = question_of(path, query, body)
        if question not in self._answers:
            since = self._first.asked_at(question)
            if since is not None and (wait := since + APART - anyio.current_time()) > 0:
                await anyio.sleep(wait)
            _, self._answers[question] = await self._first.answer(path, query, body, accept)
        return _told(self._answers[question])

    def answered(self, path: str) -> bool:
        return self._first.answered(path)


def question_of(path: str, query: Query, body: bytes | None) -> Question:
    """Return what tells one question from another."""
    return path, query if isinstance(query, str) else json.encode(dict(query), order="sorted").decode(), body


def _told(answer: Response | SourceError) -> Response:
    if isinstance(answer, SourceError):
        raise answer
    return answer


@dataclass(frozen=True, slots=True)
class Judged:
    """An assumption, and what its probe found; `about` is the source, or one of its streams.

    `in_vain`: the probe came to no verdict of its own, for its requests failed, or it has a bug.
    """

    about: str
    assumption: Assumption
    verdict: Verdict
    in_vain: bool = False

    @property
    def consequence(self) -> str:
        """What to set or do where the assumption fails, or cannot be told."""
        return self.verdict.remedy or self.assumption.consequence


async def judge(name: str, assumptions: Collection[Assumption], asking: AskingSession) -> AsyncIterator[Judged]:
    """Put each assumption to the test. Raises Denied where the vendor refuses the credential."""
    patience = ""
    for assumption in assumptions:
        about = f"{name}.{assumption.stream}" if assumption.stream else name
        if assumption.probe is None:
            yield Judged(about, assumption, unknown("nothing that can be asked would tell"))
            continue
        try:
            found = patience or await _verdict(assumption.probe, asking)
        except Throttled as error:
            found = patience = f"the vendor asks for patience: {error}"
        in_vain = isinstance(found, str)
        yield Judged(about, assumption, unknown(found) if isinstance(found, str) else found, in_vain)


async def _verdict(probe: Probe, asking: AskingSession) -> Verdict | str:
    """Return what a probe found; in words, why it found nothing."""
    try:
        found: object = await probe(asking)
    except (Denied, Throttled):
        raise
    except PollerError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  a bug costs its own probe; its text may quote a record
        return f"a bug in the probe: {type(error).__name__}"
    if isinstance(found, Verdict) and found.says in get_args(Says):
        return found
    return f"a bug in the probe: it gave {named(found)}, and not what holds, fails or unknown give"


async def check_deep(settings: Settings, name: str, telemetry: Telemetry, now: Now) -> AsyncIterator[Finding]:
    """Put what is assumed of this source's vendor to the test. Raises ConfigError where there is no such source."""
    source = source_named(settings, name)
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(open_reader(settings.state))
        auth = make_auth(source, token_of(state, name), None, now)
        if not auth.at_hand:
            yield Finding(name, ok=True, words=LEFT_OUT)
            return
        session = await stack.enter_async_context(open_session(name, source, auth, telemetry, now))
        async for found in findings(name, source, AskingSession(session), now()):
            yield found


async def findings(name: str, source: Source, asking: AskingSession, now: datetime) -> AsyncIterator[Finding]:
    """Yield a finding for each assumption, between one that says what is asked at most and one that says what was."""
    package = SOURCE_TYPES.package(source.type)
    try:
        assumptions = list(source.assumptions(now.replace(microsecond=0)))
        if strange := [one for one in assumptions if not isinstance(one, Assumption)]:
            raise TypeError(f"{type(strange[0]).__name__} is no Assumption")
    except Exception as error:  # noqa: BLE001  a bug in a package's code is a finding like others
        words = f"a bug in its assumptions: {type(error).__name__}: {error}"
        yield Finding(name, ok=False, words=words, package=package)
        return
    if not assumptions:
        yield Finding(name, ok=True, words=f"{source.type} names no assumptions", package=package)
        return
    rate = source.requests_per_minute
    words = f"{len(assumptions)} assumptions; {MOST} requests at most, {rate} a minute; nothing is changed"
    yield Finding(name, ok=True, words=words, package=package)
    judged = list[Judged]()
    try:
        async for found in judge(name, assumptions, asking):
            judged.append(found)
            yield _finding(found, package)
    except Denied as error:
        yield Finding(name, ok=False, words=f"{source.base_url}: {error}{describe_refusal(source)}", package=package)
        return
    yield replace(_summary(name, judged, asking.spent), package=package)


def _summary(name: str, judged: Sequence[Judged], spent: int) -> Finding:
    """Return what the requests were good for: nothing is well where none of them told anything."""
    untold = dict.fromkeys(found.assumption.name for found in judged if found.verdict.says == "unknown")
    asked = [found for found in judged if found.assumption.probe]
    if asked and all(found.in_vain for found in asked):
        words = f"{spent} requests were made, and nothing could be told: {asked[0].verdict.evidence}"
        return Finding(name, ok=False, words=words)
    left = f"; could not be told: {', '.join(untold)}" if untold else ""
    return Finding(name, ok=True, words=f"{spent} requests were made{left}")


def _finding(found: Judged, package: str) -> Finding:
    says, evidence = found.verdict.says, found.verdict.evidence
    words = f"{found.assumption.name}: {evidence}" + (f"; so: {found.consequence}" if says == "fails" else "")
    details = {
        "assumption": found.assumption.name,
        "verdict": says,
        "evidence": evidence,
        "says": found.assumption.says,
        "consequence": found.consequence,
    }
    return Finding(found.about, ok=says != "fails", words=words, package=package, details=details)
