"""The record as sent stays what it was, less what the operator drops; and each comes out as an event or a reject.

Killed: a raw record that is decoded and encoded again; white space kept; a path that is dropped in the first element
of a list only, or with its neighbours; a dropped field that comes out in a reject; a reject that repeats, that names
an identity it does not know, or that hides the record from a version that can read it; a stream that one odd record
stops; data of another kind or with another id than declared, as an event.
"""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poller.events.cloudevent import StreamInfo
from poller.events.raw_json import compact_json, remove_path
from poller.events.seen import key_of
from poller.plugin import kinds
from tests.support.toy import NOON, VALIDATOR, Reader, record

OWN = b'"at":"2026-03-14T12:00:00Z"'
AS_SENT = [
    b'{"id":"1","at":"2026-03-14T12:00:00Z","n":1.10,"m":1e5,"k":-0.0,"big":123456789012345678901234567890}',
    b'{"z":1,"id":"1","a":{"y":[1,{"x":null}],"b":true},"at":"2026-03-14T12:00:00Z"}',
    b'{"id":"1","at":"2026-03-14T12:00:00Z","s":"\\u00e9\\ud83d\\ude00 \\/ \\n \xc3\xa9 \xe2\x80\xa8","e":"  two  "}',
    b'{"id":"1","at":"2026-03-14T12:00:00Z","twice":1,"twice":2}',
    b'{"id":"1","at":"2026-03-14T12:00:00Z","empty":{},"none":[],"":""}',
]


def raw_of(message: bytes) -> bytes:
    """The bytes of the vendor's record within an event."""
    event = msgspec.json.decode(message, type=dict[str, msgspec.Raw])
    return bytes(msgspec.json.decode(event["data"], type=dict[str, msgspec.Raw])["raw"])


@pytest.mark.parametrize("sent", AS_SENT)
def test_the_record_is_byte_for_byte_what_was_sent(sent: bytes) -> None:
    reader = Reader()
    assert len(reader.read(sent)) == 1
    assert raw_of(reader.batch.messages[0].value) == sent


@pytest.mark.parametrize("sent", AS_SENT)
@pytest.mark.parametrize("space", [b" ", b"\n", b"\r\n\t    "])
def test_only_the_space_between_tokens_goes(sent: bytes, space: bytes) -> None:
    reader = Reader()
    reader.read(_spaced(sent, space))
    assert raw_of(reader.batch.messages[0].value) == sent


def _spaced(sent: bytes, space: bytes) -> bytes:
    """White space around every token outside of strings."""
    parts, inside, escaped = [space], False, False
    for byte in (bytes([code]) for code in sent):
        quote = byte == b'"' and not escaped
        token = not inside and byte in b"{}[]:,"
        parts += [space, byte, space] if token else [byte]
        escaped = inside and byte == b"\\" and not escaped
        inside ^= quote
    return b"".join([*parts, space])


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 5000, "1" + "0" * 309 + ".5"])
@pytest.mark.parametrize("field", ["text", "undocumented"])
def test_a_number_beyond_a_double_is_null_and_stays_as_sent_in_the_record(field: str, number: str) -> None:
    sent = b'{"id":"1",%b,"%b":%b,"extra":"1e999 \\" 1e999"}' % (OWN, field.encode(), number.encode())
    reader = Reader()
    (event,) = reader.read(sent)
    assert event["type"] == "lead.created"
    assert field == "undocumented" or number == "9" * 400 or event["data"]["full_name"] is None
    assert raw_of(reader.batch.messages[0].value) == sent


@pytest.mark.parametrize("spelt", ["5", "5.0", "5e0", "0.5e1", '"5"', '"5.0"'])
def test_a_whole_number_is_one_identity_however_it_is_spelt(spelt: str) -> None:
    reader = Reader()
    (event,) = reader.read(b'{"id":%b,%b}' % (spelt.encode(), OWN))
    assert (event["subject"], event["data"]["id"]) == ("5", "5")


@pytest.mark.parametrize("space", [b"\n", b"\r"])
def test_a_page_that_begins_compact_tears_no_line_later(space: bytes) -> None:
    (_, event) = Reader().read(record("1"), b'{"id":"2",' + space + OWN + b"}")
    assert (event["type"], event["data"]["id"]) == ("lead.created", "2")


def test_a_page_that_begins_spaced_is_compact_as_a_whole() -> None:
    reader = Reader()
    reader.read(*(b'{"id": "%d", ' % number + OWN + b"}" for number in range(3)))
    assert [raw_of(message.value) for message in reader.batch.messages] == [
        b'{"id":"%d",' % number + OWN + b"}" for number in range(3)
    ]


def test_a_pretty_printed_record_is_old_once_it_was_seen_compact() -> None:
    reader = Reader()
    reader.read(AS_SENT[1])
    assert reader.read(_spaced(AS_SENT[1], b"\n  ")) == []


DROPS: list[tuple[str, str, str]] = [
    ("a", '{"a":1,"b":1.10}', '{"b":1.10}'),
    ("a", '{"b":1}', '{"b":1}'),
    ("a.b", '{"a":{"b":1,"c":1e5},"b":2}', '{"a":{"c":1e5},"b":2}'),
    ("a.b", '{"a":[{"b":1},{"c":2},{"b":3,"c":4},5,null,"b",["b",{"b":1}]]}',
     '{"a":[{},{"c":2},{"c":4},5,null,"b",["b",{}]]}'),
    ("a.b", '{"a":"b"}', '{"a":"b"}'),
    ("a.b", '{"a":null}', '{"a":null}'),
    ("a.b.c", '{"a":{"b":[[{"c":1,"d":2}]]}}', '{"a":{"b":[[{"d":2}]]}}'),
    ("a", '{"a":1,"b":2,"a":3}', '{"b":2}'),
    ("a", '{"\\u0061":1,"b":2}', '{"b":2}'),
    ("é", '{"\\u00e9":1,"b":2}', '{"b":2}'),
    ("a", "[]", "[]"),
    ("a", "1", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after"), DROPS)
def test_a_path_is_dropped_and_nothing_else(path: str, before: str, after: str) -> None:
    assert remove_path(before.encode(), path.split(".")) == after.encode()


def dropping(*paths: str, raw: bool = True) -> StreamInfo:
    return StreamInfo("acme", "toy", "leads", "lead", raw, tuple(tuple(path.split(".")) for path in paths))


def test_what_is_dropped_is_in_no_event_and_makes_no_revision() -> None:
    sent = record(text="a", person={"name": "Ada", "age": 36}, phones=[{"no": 1, "kind": "x"}])
    reader = Reader()
    reader.read(sent)
    reader.shape = dropping("raw.person.name", "raw.phones.no", "full_name")
    assert reader.read(sent) == []
    event = reader.read(record("2", text="a", person={"name": "Ada", "age": 36}, phones=[{"no": 1, "kind": "x"}]))[0]
    assert "full_name" not in event["data"]
    assert event["data"]["raw"]["person"] == {"age": 36}
    assert event["data"]["raw"]["phones"] == [{"kind": "x"}]
    assert event["data"]["raw"]["text"] == "a"


def test_the_whole_record_can_be_left_out() -> None:
    for shape in (dropping(raw=False), dropping("raw")):
        assert "raw" not in Reader(shape).read(record())[0]["data"]


BAD: dict[str, tuple[bytes, str | None]] = {
    "no object": (b"[1]", None),
    "a number": (b"7", None),
    "null": (b"null", None),
    "not JSON": (b'{"id":"1",', None),
    "not UTF-8": (b'{"id":"1",' + OWN + b',"text":"\xff"}', None),
    "half a character": (b'{"id":"1",' + OWN + b',"text":"\xed\xa0\x80"}', None),
    "not UTF-8 where nobody looks": (b'{"id":"1",' + OWN + b',"other":"\xff"}', None),
    "half an escaped character": (b'{"id":"1",' + OWN + b',"other":"\\ud800"}', None),
    "no identity": (b"{" + OWN + b"}", None),
    "an identity that is null": (b'{"id":null,' + OWN + b"}", None),
    "an identity that is empty": (b'{"id":"",' + OWN + b"}", None),
    "an identity that is true": (b'{"id":true,' + OWN + b"}", None),
    "an identity that is a list": (b'{"id":["1"],' + OWN + b"}", None),
    "an identity that is a fraction": (b'{"id":1.5,' + OWN + b"}", None),
    "no time of its own": (b'{"id":"1"}', "1"),
    "a time that is none": (b'{"id":7,"at":"tomorrow"}', "7"),
    "a time without a zone": (b'{"id":"1","at":"2026-03-14T12:00:00"}', "1"),
    "what cannot be told": (b'{"id":"1",' + OWN + b',"text":"cannot"}', "1"),
    "lists without end": (b'{"id":"1",' + OWN + b',"text":' + b"[" * 5000 + b"]" * 5000 + b"}", None),
}


@pytest.mark.parametrize("why", BAD)
def test_a_record_that_cannot_be_read_is_a_reject_and_blocks_nobody(why: str) -> None:
    sent, identity = BAD[why]
    reader = Reader()
    told = reader.read(record("a"), sent, record("b"))
    assert [event["type"] for event in told] == ["lead.created", "record.rejected", "lead.created"]
    reject = told[1]
    assert reject.get("subject") == identity
    assert reject["partitionkey"] == ("acme/leads" if identity is None else f"acme/leads/{identity}")
    assert reject["id"].startswith("leads/reject/")
    assert reject["time"] == reject["observedtime"] == "2026-03-14T12:00:00Z"
    assert reject["data"]["stream"] == "leads"
    assert reject["data"]["size"] == len(sent)
    assert reject["data"]["reason"]
    assert "revision" not in reject
    assert reader.batch.counts.rejects == 1


@pytest.mark.parametrize("why", BAD)
def test_a_reject_comes_once_for_each_content(why: str) -> None:
    sent, _ = BAD[why]
    reader = Reader()
    (first,) = reader.read(sent, sent)
    assert reader.batch.counts.duplicates == 1
    assert reader.read(sent) == []
    (second,) = reader.read(sent.replace(b"1", b"2").replace(b"7", b"8") + b" " if sent != b"null" else b"true")
    assert second["id"] != first["id"]


def test_a_rejects_content_is_its_projection_where_it_decodes() -> None:
    reader = Reader()
    assert len(reader.read(record(text="cannot", noise=1))) == 1
    assert reader.read(record(text="cannot", noise=2, changed=NOON)) == []
    assert len(reader.read(record(text="cannot", extra=1))) == 1


def test_a_rejects_content_comes_once_also_across_an_upgrade() -> None:
    reader = Reader(projections=1)
    reader.read(record(text="cannot", extra=1))
    upgraded = Reader(projections=2)
    upgraded.seen = reader.seen
    assert upgraded.read(record(text="cannot", extra=1)) == []


def test_the_identity_of_a_reject_is_not_seen() -> None:
    reader = Reader()
    reader.read(record(text="cannot"))
    assert reader.seen.get(key_of("1"), NOON.timestamp()) is None
    assert [event["type"] for event in reader.read(record(text="can"))] == ["lead.created"]
    assert [event["type"] for event in reader.read(record(text="cannot"))] == []
    reader.read(record(text="can"))
    assert reader.batch.counts.duplicates == 1, "and what was seen of it stays"


def test_rejects_are_in_doubt_until_they_are_delivered_as_events_are() -> None:
    reader = Reader()
    reader.read(record("1", text="cannot"), record("2", text="cannot"))
    assert reader.batch.counts.rejects == len(reader.batch.seen.delivered) == 2
    assert reader.batch.seen.delivered == set(reader.batch.seen.entries)


def test_what_is_dropped_of_the_record_is_dropped_of_a_reject() -> None:
    reader = Reader(dropping("raw.person.name", "full_name", "reason"))
    (reject,) = reader.read(record(text="cannot", person={"name": "Ada", "age": 36}))
    assert reject["data"]["record"]["person"] == {"age": 36}
    assert reject["data"]["reason"]
    (whole,) = Reader(dropping("raw")).read(record(text="cannot"))
    assert "record" not in whole["data"]


@pytest.mark.parametrize("broken", [b'"\xff"', b'"\\ud800"', b"[" * 700 + b'{"name":"Ada"}' + b"]" * 700, b"[" * 5000])
def test_what_is_dropped_is_not_shown_where_it_cannot_be_found_either(broken: bytes) -> None:
    sent = b'{"person":{"name":"Ada"},"id":"1",' + OWN + b',"text":"cannot","people":' + broken + b"}"
    reader = Reader(dropping("raw.people.name", "raw.person.name"))
    (reject,) = reader.read(sent)
    assert reject["type"] == "record.rejected"
    assert b"Ada" not in reader.batch.messages[0].value
    assert reject["data"]["size"] == len(sent)


def boom(_: Any) -> Any:
    raise AttributeError("a bug in a vendor's file")


@pytest.mark.parametrize("part", ["identity", "time", "modified", "deleted", "normalize", "contents"])
def test_a_bug_in_a_vendors_file_rejects_the_record_and_blocks_nobody(part: str) -> None:
    def odd(real: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda record: boom(record) if str(record.noise).startswith("odd") else real(record)

    reader = Reader(names_rows=False)
    whole = reader.stream.records
    broken: Any = (odd(whole.contents[-1]),) if part == "contents" else odd(getattr(whole, part))
    records = dataclasses.replace(whole, **{part: broken})
    reader.stream = dataclasses.replace(reader.stream, records=records)
    sent = [record("a"), record("b", noise="odd"), record("c")]
    assert [event["type"] for event in reader.read(*sent)] == ["lead.created", "record.rejected", "lead.created"]
    assert reader.read(*sent) == []
    if part != "contents":
        assert reader.read(record("b", noise="odder")) == [], "its content is remembered, not its bytes"


WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "another id": (lambda lead: msgspec.structs.replace(lead, id="z"), "id of its data is not the record's own, which"),
    "a number": (
        lambda lead: msgspec.structs.replace(lead, id=2),
        "the id of its data is not the record's own, which is",
    ),
    "another kind": (lambda lead: kinds.Call(id=lead.id), "of the kind 'call', and its stream declares lead only"),
    "none at all": (lambda _: None, "cannot be normalized: AttributeError"),
}


@pytest.mark.parametrize("why", WRONG)
def test_data_that_is_not_what_its_stream_declares_makes_a_reject_that_says_so(why: str) -> None:
    wrong, told = WRONG[why]
    shape = StreamInfo("acme", "toy", "leads", "lead", kinds=(kinds.Lead,))
    reader = Reader(shape)
    whole = reader.stream.records
    records = dataclasses.replace(
        whole,
        normalize=lambda record: wrong(whole.normalize(record)) if record.noise == "odd" else whole.normalize(record),
    )
    reader.stream = dataclasses.replace(reader.stream, records=records)
    found = reader.read(record("1"), record("2", noise="odd"), record("3"))
    assert [event["type"] for event in found] == ["lead.created", "record.rejected", "lead.created"]
    assert told in found[1]["data"]["reason"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(["id", "at", "changed", "deleted", "text", "extra", "noise", "other", "n\ud800"])
SENT = st.dictionaries(FIELDS, JSON, max_size=6).map(
    lambda fields: json.dumps({"at": "2026-03-14T12:00Z", **fields}).encode()
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(SENT, st.binary(max_size=30), JSON.map(lambda value: json.dumps(value).encode())), max_size=4)
)
@example([b'{"id":"1",' + OWN + b',"\\ud800":1}'])
@example([b'{"id":"1",' + OWN + b',"text":1e999}'])
@example([b'{"id":"1",' + OWN + b',"text":' + b"9" * 5000 + b"}"])
def test_no_record_whatever_it_holds_stops_a_page_or_tears_a_line(sent: list[bytes]) -> None:
    reader = Reader(dropping("raw.text.x", "raw.extra"))
    reader.read(*sent)
    assert reader.batch.counts.records == len(sent)
    assert len(reader.batch.messages) + reader.batch.counts.duplicates + reader.batch.counts.stale == len(sent)
    before = len(reader.told)
    reader.read(*sent)
    assert [event for event in reader.told[before:] if event["type"] == "record.rejected"] == []


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"":', "}"), ('[{"":', "}]"), ('{"":[', "]}"), ("[[", "]]")])
def test_what_is_nested_too_deep_for_a_reader_is_a_reject_and_what_stands_side_by_side_is_not(
    begin: str, end: str
) -> None:
    levels = begin.count("[") + begin.count("{")
    deep = f"{begin * (1_024 // levels)}0{end * (1_024 // levels)}"
    wide = f"[{','.join([f'{begin}0{end}'] * 2_000)}]"
    sent = [b'{"id":"%d",%b,"extra":%b}' % (number, OWN, extra.encode()) for number, extra in enumerate([deep, wide])]
    reader = Reader(checked=False)
    reader.read(*sent)
    assert reader.batch.counts.events == {"lead.created": 1}
    assert reader.batch.counts.rejects == 1
    for message in reader.batch.messages:
        orjson.loads(message.value)


@settings(deadline=None)
@given(JSON)
def test_compacting_changes_no_value(value: Any) -> None:
    pretty = json.dumps(value, indent=2, ensure_ascii=True).encode()
    assert compact_json(pretty) == json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()


@pytest.mark.parametrize(
    "spoil",
    [
        {"type": "lead.changed"}, {"type": "call.created"}, {"dataschema": "urn:poller:schema:lead:2"}, {"revision": 0},
        {"time": "2026-03-14 12:00:00"}, {"time": "2026-03-14T12:00:00+00:00"}, {"subject": None}, {"specversion": "1"},
        {"data": {"status": "open"}}, {"data": {"id": 7}}, {"data": {"id": "1", "status": "happy"}},
        {"data": {"id": "1", "phones": [1]}},
    ],
)  # fmt: skip
def test_the_schema_refuses_what_no_event_is(spoil: dict[str, Any]) -> None:
    event = Reader().read(record(text="a"))[0]
    assert VALIDATOR.is_valid(event)
    assert not VALIDATOR.is_valid(event | spoil)
    for name in ("id", "source", "type", "subject", "time", "stream", "revision", "observedtime", "partitionkey"):
        assert not VALIDATOR.is_valid({key: value for key, value in event.items() if key != name}), name
