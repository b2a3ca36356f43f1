"""The contract of a source, as tests: a plug-in's tests inherit them, and so do those of the vendors built in."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from poller.clock import Now
from poller.events.json_schema import event_schema
from poller.plugin import API
from poller.plugin.source import Source
from poller.state.checkpoint import SweepState
from poller.testing.faults import FAULTS, FaultyDouble
from poller.testing.simulation import Simulation

NAME = "acme"
"""The name that the user gave to the source."""

_SECRET = re.compile(r"(^|_)(key|token|secret|password)$")


class SourceContract:
    """Inherit this in a class `Test...`, with the source's class, settings that it takes, and a double of its vendor.

    The double is asked in this process, on simulated time, whatever the source's `base_url`. It has at least one record
    in each stream, and answers every request within two seconds.
    """

    source: ClassVar[type[Source]]
    settings: ClassVar[Mapping[str, Any]]
    faults: ClassVar[tuple[str, ...]] = FAULTS
    fewest_events: ClassVar[int] = 1
    """The events that a first pass over everything brings at least."""

    def double(self, now: Now) -> ASGIApp:
        """Return an ASGI application that answers as the vendor does; `now` is the vendor's clock.

        A `Date` header is added to every answer.
        """
        raise NotImplementedError("return a double of the vendor, an ASGI application")

    def refusal(self, status: int, message: str) -> Response:
        """Return the vendor's error answer of a status; with status 200, an error that only the body tells of."""
        return JSONResponse({"error": message}, status)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test that takes a `fault` once for each of `faults`."""
        if "fault" in metafunc.fixturenames:
            metafunc.parametrize("fault", self.faults)

    @pytest.fixture
    def simulation(self, tmp_path: Path) -> Simulation:
        """Return a poller of this source alone, over its double."""
        account = self.configured(start="all", timeout="4s", requests_per_minute=600)
        found = Simulation(tmp_path, {NAME: account})
        found.app = FaultyDouble(self.double(found.now), found.now, self.refusal)
        return found

    def configured(self, **settings: Any) -> Source:
        """Return the source with its settings and these."""
        return self.source.model_validate({**self.settings, **settings})

    def test_it_is_made_for_this_version_of_the_interface(self) -> None:
        """`API` says for which version of `poller.plugin` the source was made."""
        assert self.source.API == API
        assert not self.source.__abstractmethods__

    def test_an_unknown_setting_is_refused(self) -> None:
        """A mistyped key is told at the start, not found missing later."""
        with pytest.raises(ValidationError, match="extra_forbidden"):
            self.configured(no_such_key=1)

    def test_every_stream_has_names_and_sweeps_of_its_own(self) -> None:
        """Two streams share no name, and neither do two sweeps of one stream."""
        streams = self.configured().built_streams
        assert streams
        assert len({stream.name for stream in streams}) == len(streams)
        for stream in streams:
            assert stream.sweeps
            assert len({sweep.name for sweep in stream.sweeps}) == len(stream.sweeps)

    def test_a_kind_of_its_own_has_a_word_of_its_own(self) -> None:
        """The word becomes a part of topics, and some words are those of rejects and of progress events."""
        for stream in self.configured().built_streams:
            for kind in stream.records.kinds:
                assert re.fullmatch("[a-z][a-z0-9_]*", kind.KIND)
                assert kind.KIND not in {"record", "reject", "stream"}
                assert "id" in kind.__struct_fields__

    def test_a_probe_says_in_words_what_came(self, simulation: Simulation) -> None:
        """`poller check` shows it."""
        assert len(simulation.probe(NAME).split()) > 1

    def test_what_it_assumes_has_names_and_its_double_breaks_none(self, simulation: Simulation) -> None:
        """An assumption has a name of its own in its stream, and a probe that finds no breach where there is none."""
        found = [one for one in simulation.judged(NAME) if one.details]
        names = [(one.name, one.details["assumption"]) for one in found]
        assert len(set(names)) == len(names)
        streams = {f"{NAME}.{stream.name}" for stream in self.configured().built_streams}
        assert {one.name for one in found} <= {NAME, *streams}
        assert [one.words for one in found if not one.ok] == []

    def test_every_sweep_completes_and_every_event_is_of_the_schema(self, simulation: Simulation) -> None:
        """Everything is read to its end, nothing comes twice, and an event is named by its record's identity."""
        simulation.poll(3600, once=True)
        kinds = {stream.stream.records.kind for stream in simulation.pipelines[0].streams}
        schema = jsonschema.Draft202012Validator(event_schema(kinds), format_checker=jsonschema.FormatChecker())
        for stream in simulation.pipelines[0].streams:
            states = stream.checkpoint.sweeps
            assert {name for name, state in states.items() if not state.complete} == set()
            assert stream.checkpoint.gaps == []
        events = simulation.events(NAME)
        assert len(events) >= self.fewest_events, self._too_few(len(events), simulation.rejects(NAME))
        assert len({event["id"] for event in events}) == len(events)
        for event in events:
            schema.validate(event)
            assert event["data"]["id"] == event["subject"]

    def _too_few(self, events: int, rejects: Sequence[Mapping[str, Any]]) -> str:
        """Say what came, and of records that could not be read why the first one could not."""
        said = f"{events} events came, {self.fewest_events} at least should"
        if not rejects:
            return said
        return f"{said}; {len(rejects)} records were rejected, the first one because: {rejects[0]['data']['reason']}"

    def test_an_answer_that_is_none_moves_nothing_and_is_recovered_from(
        self, simulation: Simulation, fault: str
    ) -> None:
        """A fault is never read as "no news": no cursor moves, no pass is complete, and all is read once it is over."""
        double = simulation.app
        assert isinstance(double, FaultyDouble)
        double.fail(**{fault: 1.0, "stall_seconds": 10.0})
        simulation.poll(120)
        states = _states(simulation)
        for state in states:
            assert state.cursor is None
            assert not state.complete
            assert state.last_success is None
        assert any(state.last_error for state in states)
        double.recover()
        for _ in range(15):  # half an hour at most: a refused credential rests for a quarter of one
            simulation.poll(120)
            if all(state.complete for state in _states(simulation)):
                break
        assert all(state.complete for state in _states(simulation))

    def test_no_secret_is_shown(self) -> None:
        """What is a secret is a `Secret`: no log, page or error can hold it then."""
        configured = self.configured()
        shown = f"{configured!r} {configured} {configured.credential()!r} {configured.model_dump()!r}"
        for name in type(configured).model_fields:
            value = getattr(configured, name)
            assert not (isinstance(value, str) and _SECRET.search(name)), f"{name} is no Secret"
            if isinstance(value, SecretStr):
                assert len(value.get_secret_value()) >= 6, f"give {name} a value that is found again: six letters"
                assert value.get_secret_value() not in shown


def _states(simulation: Simulation) -> list[SweepState]:
    """Return how far the sweeps are by now: each commit has states of its own."""
    streams = simulation.pipelines[0].streams
    return [state for stream in streams for state in stream.checkpoint.sweeps.values()]
