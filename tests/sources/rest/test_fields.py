"""Our fields out of a described record: by their type, with the vendor's words, units, and sides of a call."""

from datetime import UTC, datetime
from typing import Any

import pytest

from poller.cli.streams import notes
from poller.events.canonical import canonical_bytes
from poller.events.reading import decode_record
from poller.events.seen import Seen
from poller.plugin import kinds
from poller.polling.circuit_breaker import CircuitBreaker
from poller.polling.source import stream_runtime
from poller.polling.status import stream_status
from poller.state.reader import Restored
from poller.telemetry.status import as_json
from tests.sources.rest.described import rest, stream_of
from tests.sources.scripted import decoded

AT = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)


def data(record: dict[str, Any], kind: str = "call", *, source: dict[str, Any] | None = None, **stream: Any) -> Any:
    described = {"kind": kind, "params": {"since": "{start}"}, "time": "at", "modified": None, **stream}
    built = stream_of(described, **{"region": "US", **(source or {})})
    return built.records.normalize(decoded(built, {"id": 1, "at": AT.isoformat(), **record}))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", "answered"),
        ("In Progress", "in_progress"),
        ("BUSY", "busy"),
        ("odd", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_status_is_ours_by_its_letters_or_by_what_is_said(word: str | None, status: str) -> None:
    found = data({"s": word}, fields={"status": {"path": "s", "values": {"completed": "answered"}}})
    assert (found.status, found.vendor_status) == (status, word)


@pytest.mark.parametrize(
    ("said", "opted_out", "status"),
    [
        ("GONE", True, "opted_out"),
        ("HERE", False, "open"),
        ("AWAY", False, "open"),
        ("yes", True, "opted_out"),
        ("odd", None, "unknown"),
        (None, None, "unknown"),
        ([], None, "unknown"),
    ],
)
def test_what_a_word_stands_for_is_read_by_the_type_of_its_field(
    said: Any, opted_out: bool | None, status: str
) -> None:
    values = {"GONE": True, "HERE": "false", "AWAY": "0"}
    found = data({"s": said}, "lead", fields={"opt_out": {"path": "s", "values": values}})
    assert (found.opt_out, found.status) == (opted_out, status)


def test_numbers_and_texts_have_words_too() -> None:
    words = {"a": {"path": "a", "values": {"x": 5, "y": True}}, "b_seconds": {"path": "b", "values": {"short": 60}}}
    found = data({"a": "x", "b": "short", "c": "hi"}, "ticket", fields={**words, "c": {"path": "c", "values": {}}})
    assert (found.a, found.b_seconds, found.c) == (5, 60, "hi")
    assert data({"b": 90}, fields={"queue_seconds": {"path": "b", "values": {"short": 60}}}).queue_seconds == 90


def test_words_that_are_not_mapped_are_told_of_the_running_stream() -> None:
    fields = {"status": {"path": "s", "values": {"done": "answered"}}, "direction": "d", "disposition": "s"}
    described = {"kind": "call", "params": {"since": "{start}"}, "modified": None, "fields": fields}
    source = rest(described, "calls")
    (stream,) = source.built_streams
    run = stream_runtime("desk", source, stream, Restored(None, Seen(None), frozenset()), AT)
    for number in range(30):
        row = decoded(run.stream, {"id": 1, "s": f"odd {number}" if number else "done", "d": "in" if number else None})
        run.stream.records.normalize(row)
    status = stream_status(run, CircuitBreaker(), paused=False, owner="", now=AT)
    assert (len(status.unmapped["status"]), status.unmapped["direction"]) == (20, ["in"]), "a few say enough"
    assert as_json(status)["unmapped"] == status.unmapped
    assert "words of direction that are not mapped: in" in notes(status)


def test_true_and_false_are_words_too() -> None:
    fields = {"status": {"path": "s", "values": {"true": "answered", "false": "missed"}}}
    assert [data({"s": said}, fields=fields).status for said in (True, False)] == ["answered", "missed"]


@pytest.mark.parametrize(
    ("direction", "caller", "called"),
    [
        ("inbound", "+13165550100", "+18665550101"),
        ("outbound", "+18665550101", "+13165550100"),
        (None, "+13165550100", "+18665550101"),
    ],
)  # fmt: skip
def test_sides_by_role_become_sides_by_direction(direction: str | None, caller: str, called: str) -> None:
    fields = {"direction": "d", "customer_number": "c", "business_number": "b"}
    found = data({"d": direction, "c": "316-555-0100", "b": "866-555-0101"}, fields=fields)
    assert (found.caller_number, found.called_number) == (caller, called)


@pytest.mark.parametrize(
    ("unit", "sent", "seconds"), [(None, "61.9", 61), ("ms", 61_900, 61), ("m", 2, 120), ("h", 1, 3600)]
)
def test_durations_are_whole_seconds(unit: str | None, sent: object, seconds: int) -> None:
    field = {"path": "d"} | ({"unit": unit} if unit else {})
    assert data({"d": sent}, fields={"duration_seconds": field}).duration_seconds == seconds


def test_fields_are_read_by_their_type_and_dotted_ones_nested() -> None:
    fields = {
        "ended_at": "end", "agent.id": "user.id", "agent.name": "user.name", "campaign.name": "c", "revenue": "r",
        "recording_url": "url", "caller.city": "from.city",
    }  # fmt: skip
    record = {"end": 1773504061, "user": {"id": 5.0, "name": "Dana"}, "c": "", "r": "10.5", "url": "u", "from": "odd"}
    found = data(record, fields=fields)
    assert found.ended_at == datetime(2026, 3, 14, 16, 1, 1, tzinfo=UTC)
    assert (found.agent, found.campaign, found.caller) == (kinds.Named("5", "Dana"), kinds.Named(), kinds.Caller())
    assert (found.revenue, found.recording_url, found.started_at) == (10.5, "u", AT)


def test_a_lead_has_its_phones_and_a_status_by_its_marks() -> None:
    fields = {"phones": ["a", "b.c", "d"], "converted": "won", "opt_out": "out"}
    found = data({"a": "316-555-0100", "b": {"c": "3165550100"}, "won": 1, "out": False}, "lead", fields=fields)
    assert found.phones == ["+13165550100"]
    assert found.status == "converted"
    assert data({"gone": True}, "lead", deleted="gone", fields=fields).status == "deleted"


def test_a_free_kind_has_its_fields_as_sent_and_times_where_they_are_named_so() -> None:
    fields = {"subject": "s", "tags": "t", "closed_at": "c", "owner_id": "o[0].id"}
    record = {"s": 5, "t": ["a"], "c": 1773504061, "o": [{"id": 7}], "gone": "2026-03-14T17:00:00Z"}
    found = data(record, "ticket", fields=fields, deleted="gone")
    assert {name: getattr(found, name) for name in found.__struct_fields__} == {
        "id": "1", "created_at": AT, "updated_at": None, "deleted_at": datetime(2026, 3, 14, 17, tzinfo=UTC),
        "subject": 5, "tags": ["a"], "closed_at": datetime(2026, 3, 14, 16, 1, 1, tzinfo=UTC), "owner_id": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "deleted"), [(True, True), ("true", True), (1773504061, True), (False, False), (None, False), ("", False)]
)
def test_a_mark_of_deletion_is_true_or_a_time(sent: object, deleted: bool) -> None:
    built = stream_of({"kind": "ticket", "params": {"since": "{start}"}, "deleted": "gone"})
    assert built.records.deleted(decoded(built, {"id": 1, "gone": sent})) is deleted


@pytest.mark.parametrize("number", ["1e999", "-1E+400"])
def test_a_number_beyond_a_double_is_null_wherever_it_stands_and_makes_no_reject(number: str) -> None:
    built = stream_of({"kind": "ticket", "params": {"since": "{start}"}, "fields": {"price": "price"}})
    sent = b'{"id": 1, "created_at": "%b", "price": %b, "n": [%b]}'
    row = decode_record(built.records.decoder.decode, sent % (AT.isoformat().encode(), *[number.encode()] * 2))
    assert built.records.identity(row) == "1"
    normalized: Any = built.records.normalize(row)
    assert normalized.price is None
    (compared,) = built.records.contents
    assert canonical_bytes(compared(row)) == canonical_bytes({"id": 1, "created_at": AT.isoformat(), "n": [None]})
