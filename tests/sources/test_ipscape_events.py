"""What an ipSCAPE record becomes: an event of the right kind and time, remembered for as long as it is met."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import orjson
import pytest

from poller.events.batch import PageContext
from poller.events.cloudevent import StreamInfo
from poller.events.json_schema import event_schema
from poller.events.seen import Seen
from poller.events.transform import transform
from poller.polling.source import restore_streams
from poller.sources.ipscape import Ipscape
from poller.state.delivery import Delivery
from poller.state.dry_run import DryLedger
from poller.telemetry import Telemetry
from tests.sources.ipscape_pages import EMAIL, INBOUND, RECORDS, SETTINGS, WHOLE, streams
from tests.sources.scripted import NOW, changed, json_bytes

STREAMS = streams()
SCHEMA = jsonschema.Draft202012Validator(event_schema())


def told(stream: str, *records: Any) -> list[dict[str, Any]]:
    found = STREAMS[stream]
    shape = StreamInfo("centre", "ipscape", found.name, found.records.kind.KIND)
    batch = transform(found, shape, [*map(json_bytes, records)], Seen(None), PageContext(NOW))
    events = [orjson.loads(message.value) for message in batch.messages]
    for event in events:
        SCHEMA.validate(event)
    return events


@pytest.mark.parametrize("stream", RECORDS)
def test_a_record_is_told_whole(stream: str) -> None:
    (event,) = told(stream, RECORDS[stream])
    assert event["type"] == f"{STREAMS[stream].records.kind.KIND}.created"
    assert event["data"]["raw"] == RECORDS[stream]
    assert event["subject"] == event["data"]["id"]


@pytest.mark.covers("ipscape", 15)
def test_what_is_added_to_a_conversation_is_a_change_of_it() -> None:
    first, second = told("activities", EMAIL, changed(EMAIL, "Re: Hello again", "data", "subject"))
    assert (first["subject"], first["revision"] + 1) == (second["subject"], second["revision"])


def test_another_channel_is_another_kind_in_the_same_stream() -> None:
    first, second = told("activities", EMAIL, changed(EMAIL, "Re: Hello", "data", "subject"))
    assert (first["type"], second["type"]) == ("activity.created", "activity.updated")
    assert (first["stream"], first["data"]["raw"]["type"]) == ("activities", "email.inbound")


@pytest.mark.covers("ipscape", 12)
def test_a_call_that_is_converted_stays_the_same_record() -> None:
    events = told("activities", INBOUND, {**INBOUND, "type": "call.outbound"})
    assert [(event["type"], event["subject"]) for event in events] == [
        ("call.created", "4101"),
        ("call.updated", "4101"),
    ]


@pytest.mark.parametrize("stream", RECORDS)
def test_when_it_happened_is_when_it_was_seen_where_the_vendor_says_nothing(stream: str) -> None:
    (event,) = told(stream, RECORDS[stream])
    when = datetime.fromisoformat(event["time"])
    assert (when == NOW) == (stream in {"campaigns", "users"})
    assert when.tzinfo == UTC


async def test_what_is_read_whole_is_remembered_for_ever() -> None:
    account = Ipscape.model_validate(SETTINGS | {"keep": "30d"})
    ledger = DryLedger(None, Delivery({}, Telemetry()))
    keeps = {run.stream.name: run.keep for run in await restore_streams("centre", account, ledger, lambda: NOW)}
    assert keeps == {name: None if name in WHOLE else timedelta(days=30) for name in RECORDS}
