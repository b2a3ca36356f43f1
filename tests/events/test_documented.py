"""Documented types: decoding by them is equal to reading what was sent loosely, and the form in C to the cleaned one.

Killed: a text of digits that stays a text where a number is documented; a value that is refused, and costs its record;
a zero with a sign; an object of nothing that is not null; a mark of nothing that is overlooked behind a short name, or
found in a text; a whole number beyond 64 bits; an odd value that is taken for what it is not.
"""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from poller.events.documented_form import cleaned, documented_bytes
from poller.plugin.fields.documented import TypedDecoder, Unread, loose_of, read_documented
from poller.plugin.fields.scalars import read_bool, read_id, read_number, read_text
from poller.plugin.fields.structs import as_struct, struct_of

RECORDS = [
    struct_of(
        "key:identity text:text at:time sum:number count:whole id:id done:truth any x:text", nothing,
        thing=struct_of("id:id name:text any", nothing),
        outer=struct_of("", nothing, inner=struct_of("n:number", nothing)),
    )
    for nothing in (None, "")
]  # fmt: skip
TEXTS = st.sampled_from([
    "", "0", "1", "5", "5.0", "-0", "10.5", "10.50", "1e3", "12e4", "true", "TRUE", "yes", "null", "nan", "+5", " 5 ",
    "007", "a", "NF",
    "\u2013", "à", "x\x7f", "xx\u0080", '"', '""', ',"",', "2026-03-14T16:15:42Z", "2026-03-14T18:15:42+02:00",
    "20260314", "12345678901234567890123",
])  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 5, -3, 0.0, -0.0, 1.0, 5.0, 10.5, 0.01, 2048.0, 8192.0, 1e300, 2**63, 2**70, 160, 192])
LEAVES = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXTS
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    | st.integers()
    | st.floats(width=32, allow_nan=False, allow_infinity=False)
)
VALUES: st.SearchStrategy[Any] = st.deferred(
    lambda: LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(st.sampled_from("ab"), LEAVES, max_size=2)
)
THINGS = VALUES | st.fixed_dictionaries({}, optional={"id": VALUES, "name": VALUES, "any": VALUES})
OUTER = VALUES | st.fixed_dictionaries(
    {}, optional={"inner": VALUES | st.fixed_dictionaries({}, optional={"n": VALUES})}
)
FIELDS = dict.fromkeys(("key", "text", "at", "sum", "count", "id", "done", "any", "x"), VALUES)
SENT = st.fixed_dictionaries({}, optional={**FIELDS, "thing": THINGS, "outer": OUTER})


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A record, in few words: the words for all that it may be fill pages."""
    return draw(SENT)


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize("record", RECORDS)
@settings(deadline=None)
@given(records())
@example({"thing": "null"})
def test_decoding_by_types_is_reading_what_was_sent(record: type[Any], sent: dict[str, Any]) -> None:
    raw = as_json(sent)
    decoder = TypedDecoder(record)
    plainly = read_documented(decoder.decode_loosely(raw), record)
    try:
        typed = msgspec.json.decode(raw, type=record, strict=False)
    except msgspec.ValidationError:
        typed = plainly
    assert repr(cleaned(typed)) == repr(cleaned(plainly))
    assert documented_bytes(typed) == documented_bytes(plainly)
    assert type(decoder.decode(raw)) is record


@settings(deadline=None)
@given(records())
@example({"x": ""})
@example({"sum": -0.0})
@example({"thing": {"id": {}}})
@example({"any": [""], "id": 1 << 70})
def test_the_form_is_that_of_the_cleaned_content(sent: dict[str, Any]) -> None:
    forms = []
    for record in RECORDS:
        found = TypedDecoder(record).decode(as_json(sent))
        forms += [documented_bytes(found), documented_bytes(cleaned(found))]
    assert len({*forms}) == 1


SAME: list[tuple[str, tuple[Any, ...]]] = [
    ("sum", (10.5, "10.5", "10.50", "1.05e1", " 10.5 ")),
    ("sum", (0, 0.0, -0.0, "0", "-0.0", False)),
    ("sum", (1, "1", "1.0", True, "true")),
    ("count", (5, 5.0, "5", "5.0", "+5")),
    ("count", (12.5, "12.5")),
    ("id", (5, 5.0, "5", "5.0")),
    ("id", (1 << 70, str(1 << 70))),
    ("done", (True, 1, "1", "true", 1.0, "yes")),
    ("done", (False, 0, "0", "false", "No")),
    ("text", (5, "5", 5.0)),
    ("text", (10.5, "10.5")),
    ("text", (True, 1)),
    ("at", ("2026-03-14T16:15:42Z", "2026-03-14T18:15:42+02:00", "2026-03-14 16:15:42 UTC")),
    ("any", (10.5, "10.50")),
    *((name, (None, "", [], {})) for name in ("text", "at", "sum", "count", "id", "done", "any", "thing", "x")),
    ("thing", ({}, None, {"id": ""}, {"name": None}, {"any": []})),
    ("outer", ({}, None, {"inner": {}}, {"inner": {"n": ""}})),
    ("key", (1, 2)),
]
OTHER: list[tuple[str, Any, Any]] = [
    ("sum", 2048.0, 8192.0), ("sum", None, 0), ("sum", "1,000", 1000), ("sum", "x", "y"), ("sum", "x", None),
    ("count", 160, 192), ("count", 12, 12.5), ("id", "007", 7), ("id", "a", "b"), ("id", 1 << 70, (1 << 70) + 1),
    ("done", "maybe", True), ("done", False, None), ("text", "à", "À"), ("text", "x\u00a0", "x"), ("text", "a", "b"),
    ("text", ["a"], "a"), ("text", "0", None), ("at", "2026-03-14T16:15:42Z", "2026-03-14 16:15:42"),
    ("thing", {"id": 1}, {"id": 2}), ("thing", {"id": 1}, {"name": "1"}), ("thing", "x", None), ("any", [1, 2], [2, 1]),
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize(("name", "spellings"), SAME)
def test_what_means_the_same_has_one_form(record: type[Any], name: str, spellings: tuple[Any, ...]) -> None:
    texts = [b'{"a":1,"%b":%b}' % (name.encode(), as_json(value)) for value in spellings]
    assert len({documented_bytes(TypedDecoder(record).decode(text)) for text in texts}) == 1


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize(("name", "one", "other"), OTHER)
def test_what_means_another_thing_has_another_form(record: type[Any], name: str, one: Any, other: Any) -> None:
    first, second = (b'{"%b":%b}' % (name.encode(), as_json(value)) for value in (one, other))
    assert documented_bytes(TypedDecoder(record).decode(first)) != documented_bytes(TypedDecoder(record).decode(second))


def test_what_is_of_another_type_is_null_to_its_reader() -> None:
    record = RECORDS[0]
    sent = {"text": [1], "sum": "1,000", "count": {"a": 1}, "done": "maybe", "thing": "none", "id": [5]}
    found = TypedDecoder(record).decode(as_json(sent))
    assert [type(getattr(found, name)) for name in sent] == [Unread] * len(sent)
    assert (read_text(found.text), read_number(found.sum), read_number(found.count)) == (None, None, None)
    assert (read_bool(found.done), read_id(found.id), as_struct(found.thing, type(record())).text) == (None, None, None)


def test_what_can_be_read_as_its_type_is() -> None:
    found = TypedDecoder(RECORDS[0]).decode(as_json({"id": "a-7", "text": 5.0, "x": 10.5, "sum": "+5", "done": "yes"}))
    assert (found.id, found.text, found.x, found.sum, found.done) == ("a-7", "5", "10.5", 5.0, True)


def test_an_object_may_be_compared_as_a_mapping() -> None:
    found = TypedDecoder(RECORDS[0]).decode(as_json({"text": "a"}))
    assert documented_bytes(replace(found, thing={"at": ""})) == documented_bytes(found)
    assert documented_bytes(replace(found, thing={"at": "b"})) != documented_bytes(found)


def test_a_record_of_another_type_is_none() -> None:
    with pytest.raises(msgspec.ValidationError):
        TypedDecoder(RECORDS[0]).decode(b"[]")
    assert issubclass(loose_of(RECORDS[0]), RECORDS[0])
