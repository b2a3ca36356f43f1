"""Fields that come, go, or change their type, below the top level too, are told once, and cost no event.

Killed: nested fields that nobody looks at; a field that is told as gone although it comes seldom; a change that is told
again and again, or in the first records; looking at every record.
"""

from typing import Any

import msgspec
import orjson
import pytest

from poller.events.drift import NULL, NUMBER, OBJECT, STRING, Sample, look_at
from poller.plugin import struct_of
from poller.telemetry import Telemetry
from poller.telemetry.fields import FieldHistory
from tests.simulation import ACCOUNTS
from tests.support.toy import Reader, record

CALLER = struct_of("name city", phone=struct_of("number"))
CALL = struct_of("id duration", caller=CALLER)
PERSON = {"name": "A", "city": None, "phone": {"number": "1"}}
RECORD = {"id": 1, "duration": 5, "caller": PERSON}


def shown(found: Any, kind: type[Any] = CALL) -> tuple[dict[str, int], set[str]]:
    looked = look_at(orjson.dumps(found), kind)
    assert looked
    sample, new = looked
    return dict(zip(sample.paths, sample.codes, strict=True)), new


def told(*records: Any) -> list[str]:
    history, news = FieldHistory(), []
    for found in records:
        looked = look_at(orjson.dumps(found), CALL)
        assert looked
        news += history.take([looked[0]])
    return news


def changed(**fields: Any) -> dict[str, Any]:
    return {**RECORD, **fields}


def test_a_record_shows_what_stands_in_its_fields_and_what_is_undocumented() -> None:
    codes, new = shown(changed(mood="x", caller={**PERSON, "age": 7, "phone": {"number": "1", "kind": "m"}}))
    assert codes == {
        "id": NUMBER,
        "duration": NUMBER,
        "caller": OBJECT,
        "caller.name": STRING,
        "caller.city": NULL,
        "caller.phone": OBJECT,
        "caller.phone.number": STRING,
    }
    assert new == {"mood", "caller.age", "caller.phone.kind"}


def test_objects_in_a_list_are_looked_into_and_opaque_ones_are_not() -> None:
    codes, new = shown(changed(caller=[{"name": "A"}, {"age": 1}], duration={"what": "ever"}))
    assert codes["caller.name"] == STRING
    assert new == {"caller.age"}


@pytest.mark.parametrize("odd", ["null", "[]", "7", '"x"'])
def test_what_is_no_object_is_not_looked_at(odd: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        look_at(odd.encode(), CALL)


def test_every_vendor_documents_something() -> None:
    for name, account in ACCOUNTS.items():
        for stream in account().built_streams:
            assert look_at(b"{}", stream.records.decoder.type) or name == "helpdesk"


def test_a_field_that_changes_its_type_is_told() -> None:
    assert told(*[RECORD] * 60, *[changed(duration="5")] * 60) == ["duration (text, was a number)"]


def test_nulls_and_types_that_came_early_on_are_no_change() -> None:
    mixed = [changed(duration=None), changed(duration="5"), changed(duration=5), changed(duration=5.5)]
    assert told(*mixed * 100) == []
    assert told(*[changed(duration=None)] * 60, *[RECORD] * 60) == []


def test_a_field_that_goes_is_told_once_after_enough_records() -> None:
    without = changed(caller={"city": None, "phone": {"number": "1"}})
    assert told(*[RECORD] * 60, *[without] * 45) == []
    assert told(*[RECORD] * 60, *[without] * 500) == ["caller.name (gone)"]


def test_a_field_that_comes_seldom_is_gone_only_after_many_more() -> None:
    seldom = [RECORD] + [{"id": 1, "caller": RECORD["caller"]}] * 9
    assert told(*seldom * 60, *[{"id": 1, "caller": RECORD["caller"]}] * 400) == []
    assert told(*seldom * 60, *[{"id": 1, "caller": RECORD["caller"]}] * 600) == ["duration (gone)"]


def test_a_field_that_was_never_there_is_not_gone() -> None:
    assert told(*[{"id": 1}] * 500) == []


def test_it_is_logged_and_counted_once() -> None:
    telemetry, reader = Telemetry(), Reader()
    for number in range(400):
        reader.read(record(str(number), text="a" if number < 100 else 5, mood=1 if number > 300 else None))
        telemetry.page_delivered("acme", "leads", "live", reader.batch.counts)
    metrics = telemetry.render().decode()
    assert 'poller_schema_drift_total{source="acme",stream="leads"} 2.0' in metrics


def test_only_samples_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    def count(raw: bytes, kind: type[Any]) -> tuple[Sample, set[str]] | None:
        nonlocal looked
        looked += 1
        return look_at(raw, kind)

    monkeypatch.setattr("poller.events.transform.look_at", count)
    reader = Reader()
    news = [record(str(number)).replace(b"{", b'{"new%d":1,' % number) for number in range(105)]
    reader.read(b"{}", *news[:-1])
    assert looked == 1
    assert reader.batch.counts.drifted == {"new0"}, "the first news, not the reject before it"
    reader.read(*news, looks=False)
    assert looked == 1
    assert (reader.batch.counts.drifted, reader.batch.counts.samples) == (set(), [])


def test_what_is_monstrous_costs_no_event() -> None:
    deep = b'{"id":"1","at":"2026-03-14T12:00:00Z","own":' + b"[" * 400 + b"]" * 400 + b',"big":1e999}'
    reader = Reader(checked=False)
    assert [event["type"] for event in reader.read(deep)] == ["lead.created"]
    assert reader.batch.counts.drifted == {"own", "big"}


def test_a_change_of_type_makes_no_revision_by_itself() -> None:
    reader = Reader()
    reader.read(record("1", text="5"))
    assert reader.read(record("1", text=5)) == []
