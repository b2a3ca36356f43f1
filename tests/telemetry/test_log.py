"""Log lines: JSON with the keys that a search needs, nothing of a vendor's whole, no secret, and never an exception."""

import io
import logging
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from poller.errors import Unavailable
from poller.events.batch import Counts
from poller.telemetry import Telemetry, configure_logging

Logged = Callable[[], list[dict[str, Any]]]

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
LIVE = ("acme", "calls", "live")
NAMES = {"source": "acme", "stream": "calls", "sweep": "live"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


MOMENTS: list[tuple[str, str, dict[str, object], Callable[[Telemetry], None]]] = [
    ("poller.started", "info", {"version": "1", "pid": 7}, lambda t: t.started("1", "here", pid=7)),
    ("poller.stopped", "info", {}, lambda t: t.stopped()),
    ("state.migrated", "warning", {"copy": "poller.db.1"}, lambda t: t.notice("state.migrated", copy="poller.db.1")),
    (
        "page.delivered",
        "info",
        {**NAMES, "events": {"call.created": 2}, "rejects": 0},
        lambda t: t.page_delivered(*LIVE, Counts(events=Counter({"call.created": 2}))),
    ),
    (
        "poll.completed",
        "info",
        {**NAMES, "pages": 1, "records": 5, "window": ["2026-03-14T12:00:00.000Z", "2026-03-14T12:00:00.000Z"]},
        lambda t: t.poll_completed(*LIVE, pages=1, records=5, window=(NOON, NOON)),
    ),
    (
        "poll.failed",
        "warning",
        {**NAMES, "outcome": "unavailable", "error": "Unavailable: no answer", "retry_in": 2.0},
        lambda t: t.poll_failed(*LIVE, error=Unavailable("no answer"), outcome="unavailable", retry_in=2.0),
    ),
    (
        "source.denied",
        "error",
        {"source": "acme", "error": "401", "retry_in": 60.0},
        lambda t: t.source_denied("acme", error="401", wait=60.0),
    ),
    ("source.denied", "warning", {"retry_in": 0.0}, lambda t: t.source_denied("acme", error="401", wait=0.0)),
    ("source.throttled", "warning", {"source": "acme"}, lambda t: t.source_throttled("acme", seconds=9.0)),
    (
        "output.failed",
        "error",
        {"output": "bus", "error": "away"},
        lambda t: t.output_failed("bus", error="away", retry_in=None),
    ),
    ("output.recovered", "info", {"output": "bus"}, lambda t: t.output_recovered("bus")),
    (
        "gap.opened",
        "warning",
        {**NAMES, "kind": "unreadable", "start": "2026-03-14T12:00:00.000Z"},
        lambda t: t.gap_opened(*LIVE, NOON, NOON, "unreadable"),
    ),
    (
        "body.repaired",
        "warning",
        {"source": "acme", "repaired": ["encoding"]},
        lambda t: t.body_repaired("acme", ["encoding"]),
    ),
    ("gap.closed", "info", {**NAMES}, lambda t: t.gap_closed(*LIVE)),
    ("stream.suspected", "warning", {**NAMES, "before": 90, "now": 3}, lambda t: t.suspected(*LIVE, 90, 3)),
    (
        "schema.drifted",
        "warning",
        {"source": "acme", "stream": "calls", "fields": ["mood"], "count": 1},
        lambda t: t.page_delivered("acme", "calls", "live", Counts(drifted={"mood"})),
    ),
]


@pytest.mark.parametrize(("event", "level", "keys", "moment"), MOMENTS, ids=[event for event, *_ in MOMENTS])
def test_a_moment_is_one_line(
    logged: Logged, event: str, level: str, keys: dict[str, object], moment: Callable[[Telemetry], None]
) -> None:
    moment(Telemetry())
    (line,) = logged()
    assert {"event": event, "level": level, **keys}.items() <= line.items()
    stamp = datetime.fromisoformat(line["timestamp"])
    assert line["timestamp"].endswith("Z")
    assert abs((datetime.now(UTC) - stamp).total_seconds()) < 60


def test_what_brought_nothing_is_not_told(logged: Logged) -> None:
    telemetry = Telemetry()
    telemetry.page_read("acme", "calls", Counts(records=100, duplicates=100))
    telemetry.page_delivered(*LIVE, Counts())
    telemetry.request_done("acme", code="200", seconds=0.1)
    telemetry.commit_done(0.01)
    assert logged() == []


def test_complete_passes_are_told_once_until_one_fails(logged: Logged) -> None:
    telemetry = Telemetry()

    def complete() -> None:
        telemetry.poll_completed(*LIVE, pages=1, records=0, window=None)

    complete()
    complete()
    telemetry.poll_failed(*LIVE, error=Unavailable("away"), outcome="unavailable", retry_in=1.0)
    complete()
    complete()
    assert [line["event"] for line in logged()] == ["poll.completed", "poll.failed", "poll.completed"]


def test_a_recovery_that_is_none_is_not_told(logged: Logged) -> None:
    telemetry = Telemetry()
    telemetry.outputs(["bus"])
    telemetry.output_recovered("bus")
    assert logged() == []


def test_drift_is_told_once_and_in_short(logged: Logged) -> None:
    telemetry = Telemetry()
    for _ in range(2):
        telemetry.page_delivered("acme", "calls", "live", Counts(drifted={f"{n}{'x' * 500}" for n in range(1000)}))
    telemetry.page_delivered("acme", "calls", "live", Counts(drifted={"one", "more"}))
    (line,) = logged()
    assert line["count"] == 1000
    assert len(line["fields"]) == 20
    assert len(str(line)) < 5000


def fail_with(password: str) -> ValueError:
    hidden = password
    try:
        raise ValueError(f"cannot read {len(hidden)} characters")
    except ValueError as error:
        return error


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("json", [True, False])
def test_a_bug_brings_its_traceback_but_no_values(own_logging: None, stream: type[io.StringIO], json: bool) -> None:
    made = stream()
    configure_logging(made, json)
    error = fail_with("hunter2")
    Telemetry().poll_failed(*LIVE, error=error, outcome="bug", retry_in=1.0)
    told = made.getvalue()
    assert "in fail_with" in told
    assert "hunter2" not in told


def test_only_a_bug_brings_a_traceback(logged: Logged) -> None:
    Telemetry().poll_failed(*LIVE, error=fail_with("x"), outcome="unexpected", retry_in=1.0)
    assert "exception" not in logged()[0]


def test_nothing_is_logged_whole(logged: Logged) -> None:
    body = "a" * 5_000_000
    Telemetry().poll_failed(*LIVE, error=ValueError(body), outcome="bug", retry_in=None)
    (line,) = logged()
    assert len(orjson.dumps(line)) < 10_000
    assert "Traceback" in line["exception"] or "ValueError" in line["exception"]


def test_secrets_stay_masked(logged: Logged) -> None:
    Telemetry().notice("source.configured", key=SecretStr("hunter2"), headers={"Authorization": SecretStr("hunter2")})
    (line,) = logged()
    assert "hunter2" not in str(line)
    assert line["key"] == "**********"


@pytest.mark.parametrize("odd", ["\ud800", 2**70, {1: 2}, float("nan"), b"bytes", object(), "\x1b[31m\nred"])
def test_no_value_breaks_a_line(logged: Logged, odd: object) -> None:
    Telemetry().notice("odd.met", odd=odd)
    (line,) = logged()
    assert line["event"] == "odd.met"


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_closed_pipe_loses_the_line_and_nothing_else(own_logging: None) -> None:
    configure_logging(Gone())
    telemetry = Telemetry()
    telemetry.stopped()
    closed = io.StringIO()
    configure_logging(closed)
    closed.close()
    telemetry.stopped()


def test_a_terminal_is_told_in_columns(own_logging: None) -> None:
    stream = Terminal()
    configure_logging(stream)
    Telemetry().notice("gap.seen", source="acme", text="\x1b[2Jgone")
    told = stream.getvalue()
    assert not told.startswith("{")
    assert "gap.seen" in told
    assert "acme" in told
    assert "\x1b[2J" not in told, "a vendor's text must not drive the terminal"


def test_json_drives_no_terminal_either(own_logging: None) -> None:
    """`docker logs`, `journalctl` and `tail` show it as it is."""
    stream, text = io.StringIO(), "\x9b2J\x7f\u202egone\u2028"
    configure_logging(stream)
    Telemetry().notice("gap.seen", text=text)
    assert stream.getvalue().removesuffix("\n").isprintable()
    assert orjson.loads(stream.getvalue())["text"] == text


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("", True)])
def test_no_color_takes_the_colours_out(
    own_logging: None, monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = Terminal()
    configure_logging(stream)
    Telemetry().notice("gap.seen", source="acme")
    assert ("\x1b[" in stream.getvalue()) is coloured
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(("stream", "json", "is_json"), [(Terminal, True, True), (io.StringIO, False, False)])
def test_the_format_can_be_chosen(own_logging: None, stream: type[io.StringIO], json: bool, is_json: bool) -> None:
    made = stream()
    configure_logging(made, json)
    Telemetry().stopped()
    assert made.getvalue().startswith("{") is is_json
    if stream is io.StringIO:
        assert "\x1b" not in made.getvalue()


def test_what_libraries_say_is_a_line_of_ours(own_logging: None) -> None:
    stream = io.StringIO()
    configure_logging(stream)  # here, for pytest puts handlers of its own in before every test's body
    logging.getLogger("httpx").info("GET https://vendor.example/?api_key=hunter2")
    logging.getLogger("httpcore").warning("server %s is away", 3)
    logging.getLogger("aiokafka").warning("said by us, in better words")
    logging.getLogger("asyncio").error("never retrieved", exc_info=fail_with("x"))
    logging.getLogger("broken").warning("%d of %d", *["one"])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    first, asyncio, broken, warned = map(orjson.loads, stream.getvalue().splitlines())
    assert {"event": "library.warned", "logger": "httpcore", "message": "server 3 is away"}.items() <= first.items()
    assert asyncio["level"] == "error"
    assert "in fail_with" in asyncio["exception"]
    assert broken["message"] == "%d of %d"
    assert "DeprecationWarning: old ways" in warned["message"]
