"""The suites of `poller.testing` find what is wrong with a source or an output.

Killed: a suite that a source passes which takes an error for an empty list, loses a page, reads no list to its end, or
shows its key; or an output that loses, repeats, tears, promises marks that it does not keep, or writes when it is asked
to look.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pytest
from pydantic import PrivateAttr, create_model
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from outputs import Marks, Message, Output, OutputConfig, OutputError, StreamRef
from poller.plugin import Http, ListPage, PageRef, Unexpected
from poller.testing import BIRTH, Destination, FaultyDouble, OutputContract, Simulation, SourceContract
from tests.commands.running import ROOT

PAGE = ROOT / "docs/adding-a-source.md"
LEADS = [
    {"id": number, "created_at": stamp, "updated_at": stamp}
    for number in range(150)
    for stamp in [f"{BIRTH - timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"]
]


async def leads(request: Request) -> JSONResponse:
    page, size = (int(request.query_params[name]) for name in ("page", "per_page"))
    found = [lead for lead in LEADS if str(lead["updated_at"]) >= request.query_params["updated_since"]]
    rows, pages = found[(page - 1) * size : page * size], max(1, -(-len(found) // size))
    return JSONResponse({"leads": rows, "page": page, "per_page": size, "pages": pages, "total": len(found)})


@pytest.fixture
def shown() -> dict[str, Any]:
    """The module of the page on adding a source, to be broken."""
    [code] = re.findall(r"(?s)```python\n(.*?)```", PAGE.read_text())
    module: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, PAGE, "exec"), module)  # noqa: S102  it is ours
    return module


@pytest.fixture
def suite(shown: dict[str, Any]) -> SourceContract:
    class Suite(SourceContract):
        source, settings = shown["Example"], {"type": "example", "api_key": "sesame-1"}

        def double(self, now: Callable[[], datetime]) -> ASGIApp:
            return Starlette(routes=[Route("/v1/leads", leads)])

    return Suite()


@pytest.fixture
def simulation(suite: SourceContract, tmp_path: Path) -> Simulation:
    found = Simulation(tmp_path, {"acme": suite.configured(start="all", timeout="4s", requests_per_minute=600)})
    found.app = FaultyDouble(suite.double(found.now), found.now, suite.refusal)
    return found


def test_a_sound_source_passes(suite: SourceContract, simulation: Simulation) -> None:
    suite.test_every_sweep_completes_and_every_event_is_of_the_schema(simulation)
    assert len(simulation.events("acme")) == len(LEADS)


def test_why_a_source_brings_no_events_is_said(
    suite: SourceContract, simulation: Simulation, shown: dict[str, Any]
) -> None:
    def undated(value: Any, field: str) -> datetime:
        raise ValueError(f"{field} is {value}, which is no time of ours")

    shown["require_time"] = undated
    expected = (
        r"^0 events came, 1 at least should; 150 records were rejected, the first one because: .*created_at is 2026-"
    )
    with pytest.raises(AssertionError, match=expected):
        suite.test_every_sweep_completes_and_every_event_is_of_the_schema(simulation)


def test_a_source_that_reads_the_first_page_only_passes_where_nobody_says_how_many_there_are(
    suite: SourceContract, simulation: Simulation, shown: dict[str, Any]
) -> None:
    ask = shown["_ask"]

    async def first(http: Http, since: str, number: PageRef, size: int = 100) -> ListPage:
        page: ListPage = await ask(http, since, number, size)
        return replace(page, total=None, following=None, beyond=None)

    shown["_ask"] = first
    suite.test_every_sweep_completes_and_every_event_is_of_the_schema(simulation)
    type(suite).fewest_events = len(LEADS)
    with pytest.raises(AssertionError, match=r"^100 events came, 150 at least should\n"):
        suite.test_every_sweep_completes_and_every_event_is_of_the_schema(simulation)


@pytest.mark.parametrize("fault", ["html_200", "error_in_body"])
def test_a_source_that_takes_an_error_for_an_empty_list_does_not(
    suite: SourceContract, simulation: Simulation, shown: dict[str, Any], fault: str
) -> None:
    ask = shown["_ask"]

    async def gullible(http: Http, since: str, number: PageRef, size: int = 100) -> ListPage:
        try:
            return ListPage((), None, None, BIRTH) if number != 1 else await ask(http, since, number, size)
        except Unexpected:
            return ListPage((), None, None, BIRTH)

    shown["_ask"] = gullible
    with pytest.raises(AssertionError):
        suite.test_an_answer_that_is_none_moves_nothing_and_is_recovered_from(simulation, fault)


def test_a_source_that_reads_no_list_to_its_end_does_not(
    suite: SourceContract, simulation: Simulation, shown: dict[str, Any]
) -> None:
    async def endless(http: Http, since: str, number: PageRef, size: int = 100) -> ListPage:
        raise Unexpected("never")

    shown["_ask"] = endless
    with pytest.raises(AssertionError):
        suite.test_every_sweep_completes_and_every_event_is_of_the_schema(simulation)


def test_a_source_that_shows_its_key_does_not(shown: dict[str, Any]) -> None:
    example: Any = shown["Example"]
    careless = create_model("Careless", __base__=example, web_token=(str, "sesame-2"))

    class Suite(SourceContract):
        source, settings = careless, {"type": "example", "api_key": "sesame-1"}

    with pytest.raises(AssertionError, match="web_token is no Secret"):
        Suite().test_no_secret_is_shown()


class Memory(OutputConfig):
    """Keeps what it is told in a list; each `flaw` makes it another bad output."""

    type: Literal["memory"] = "memory"
    flaw: str = ""
    _held: list[bytes] = PrivateAttr(default_factory=list)
    _failures: list[bool] = PrivateAttr(default_factory=list)

    def open(self, marks: Mapping[str, bytes], places: Collection[StreamRef] = ()) -> Output:
        return Open(self)

    def check(self, marks: Mapping[str, bytes] | None = None) -> str:
        self._held.extend([b"looked"] if self.flaw == "writes when asked" else [])
        return "it can be written to"

    def destinations(self) -> Sequence[str]:
        return ["memory"]


class Open:
    exact: bool = False
    notices: Sequence[str] = ()

    def __init__(self, config: Memory) -> None:
        self._config = config

    async def __aenter__(self) -> Self:
        return self

    def announce(self, batch: Sequence[Message]) -> Marks:
        if self._config.flaw == "writes what it announces":
            self._config._held.append(batch[0].value)
        return {"a": b"1"} if self._config.flaw == "promises marks" else {}

    async def write(self, batch: Sequence[Message]) -> Marks:
        held, flaw = self._config._held, self._config.flaw
        lines = [message.value for message in batch]
        if self._config._failures:
            self._config._failures.clear()
            held.extend(lines[:2] if flaw == "repeats" else [])
            raise KeyError if flaw == "raises anything" else OutputError("there is no room")
        held.extend(reversed(lines) if flaw == "turns round" else lines[1:] if flaw == "loses" else lines)
        return {}

    async def __aexit__(self, *exc: object) -> None:
        pass


class Kept(Destination):
    failure = "no room"
    flaw: ClassVar[str] = ""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.memory = self.config = Memory(flaw=self.flaw)

    def lines(self) -> list[bytes]:
        return self.memory._held

    def break_once(self, patch: pytest.MonkeyPatch) -> None:
        self.memory._failures.append(True)


class TestMemory(OutputContract):
    """A sound one passes."""

    destination = Kept


FLAWS = {
    "loses": "test_every_message_is_one_whole_line_in_order",
    "turns round": "test_every_message_is_one_whole_line_in_order",
    "writes what it announces": "test_an_announcement_touches_nothing",
    "promises marks": "test_only_what_can_be_taken_back_has_marks",
    "writes when asked": "test_a_check_says_it_in_words_and_writes_nothing",
    "repeats": "test_a_retry_repeats_nothing",
    "raises anything": "test_a_retry_repeats_nothing",
}


@pytest.mark.parametrize(("flaw", "test"), FLAWS.items(), ids=FLAWS)
def test_an_output_with_a_flaw_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flaw: str, test: str
) -> None:
    place = type("Flawed", (Kept,), {"flaw": flaw})(tmp_path)
    arguments = (monkeypatch,) if test == "test_a_retry_repeats_nothing" else ()
    with pytest.raises((AssertionError, KeyError)):
        getattr(OutputContract(), test)(place, *arguments)
