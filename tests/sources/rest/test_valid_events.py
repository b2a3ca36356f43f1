"""Every field of every kind of ours, read from whatever a vendor sends there, makes an event that the schema knows.

Killed: a word that stands for a text where a truth is due; texts within an object left as numbers.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from poller.events.cloudevent import EventWriter, Revision, StreamInfo
from poller.events.json_schema import event_schema
from poller.plugin import kinds
from poller.plugin.stream import Stream
from poller.sources.rest.fields import SIDES, field_types, words_of
from tests.sources.rest.described import stream_of

AT = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
LEAVES = st.sampled_from([
    None, True, False, 0, 1, -5, 1.5, -0.0, 10**18, "", " ", "x", "true", "no", "5", "-5", "1e999", "NF", "mapped",
    "2026-03-14T16:00:00Z", "2026-03-14", "9999-12-31T23:59:59Z", "1767225600", 1767225600, "+16172372100",
    "617-237-2100", [], {}, ["a"], {"a": 1}, {"a": {"b": [1]}}, [None, 1, "x"], "9" * 5000,
])  # fmt: skip
VALID = Draft202012Validator(event_schema())


def names(kind: type[kinds.Kind]) -> list[str]:
    return [name for name in field_types(kind) if name not in SIDES]


@cache
def described(kind: type[kinds.Kind]) -> Stream:
    fields: dict[str, Any] = {name: f"f{at}" for at, name in enumerate(names(kind))}
    for name, hint in field_types(kind).items():
        if name in fields and (words_of(kind, name) or hint is bool):
            fields[name] = {
                "path": fields[name],
                "values": {"mapped": words_of(kind, name)[0] if hint is not bool else "no"},
            }
    fields |= {"phones": [fields["phones"]]} if "phones" in fields else {}
    return stream_of({"kind": kind.KIND, "params": {"since": "{start}"}, "fields": fields}, region="US")


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: str(kind.KIND))
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_an_event_validates_whatever_its_record_holds(kind: type[kinds.Kind], data: st.DataObject) -> None:
    records, shape = described(kind).records, StreamInfo("desk", "rest", "s", kind.KIND)
    sent = {f"f{at}": data.draw(LEAVES) for at in range(len(names(kind)))}
    record = records.decoder.decode(msgspec.json.encode({"id": 1, "created_at": AT, "updated_at": AT, **sent}))
    message, _ = EventWriter(shape, AT).event(records.normalize(record), "created", Revision("1", 1, 2, AT), b"{}")
    VALID.validate(msgspec.json.decode(message.value))
