"""The fast ways are equal to the plain ones: the canonical form to the meaning, a spliced line to an encoded event.

Killed: a short word taken for a text; a remembered form that was another value's; a form that tells an empty object
from none; an identity that is not escaped; a name that is looked up before it is compared.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from poller.events.canonical import canonical_bytes
from poller.events.cloudevent import Event, EventWriter, Revision, StreamInfo
from poller.events.meaning import is_plain, meaning_of
from poller.plugin.fields.structs import struct_of
from poller.plugin.kinds import Lead

Thing = struct_of("id name")
Record = struct_of("id text more", thing=Thing, outer=struct_of("note", inner=Thing))
DECODE = msgspec.json.Decoder(Record).decode

TEXTS = st.sampled_from([
    "", "0", "1", "5", "5.0", "5.00", "-0", "10.5", "1e3", "true", "True", "false", "FALSE", "falsey", "trues",
    "a", "word",
    "316-555-0100", "2026-03-14T16:15:42Z", "2026-03-14T18:15:42+02:00", "2026-03-14 09:15:42", "2026-03-14T09:15:42.0",
])  # fmt: skip
LEAVES = st.none() | st.booleans() | st.sampled_from([0, 1, 5, -3, 0.0, 1.0, 5.0, 10.5]) | TEXTS | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
THINGS = LEAVES | st.fixed_dictionaries({}, optional={"id": VALUES, "name": LEAVES})
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "id": LEAVES,
        "text": LEAVES,
        "more": VALUES,
        "thing": THINGS,
        "outer": LEAVES | st.fixed_dictionaries({}, optional={"note": LEAVES, "inner": THINGS}),
    },
)


def decoded(value: Any) -> Any:
    return DECODE(orjson.dumps(value))


@settings(deadline=None)
@given(RECORDS, RECORDS)
@example({"text": True}, {"text": "1"})
@example({"thing": {"id": 1.0}}, {"thing": {"id": True}})
@example({"more": [None]}, {"more": [0]})
@example({"outer": {"inner": {"name": ""}}}, {})
def test_equal_forms_are_equal_meanings(one: Any, other: Any) -> None:
    first, second = decoded(one), decoded(other)
    meant = [meaning_of(msgspec.to_builtins(record)) for record in (first, second)]
    assert (canonical_bytes(first) == canonical_bytes(second)) is (
        msgspec.json.encode(meant[0], order="sorted") == msgspec.json.encode(meant[1], order="sorted")
    )


@settings(deadline=None)
@given(VALUES, VALUES)
def test_a_content_need_not_be_a_struct(one: Any, other: Any) -> None:
    meant = [msgspec.json.encode(meaning_of(value), order="sorted") for value in (one, other)]
    assert (canonical_bytes(one) == canonical_bytes(other)) is (meant[0] == meant[1])


ODD = st.text(st.sampled_from('0123456789-:.eE+ TZtrue"\\\n\u00e9\u0663'), max_size=26)
ALMOST = st.from_regex(r"[-\d].{3}-.{8}:.{0,12}", fullmatch=True) | st.from_regex(
    r"-?\d{1,3}(\.\d{1,2})?([eE][+-]?\d)?|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,7}|\.0{6})?(Z|[+-]\d\d:\d\d)?",
    fullmatch=True,
)


@settings(deadline=None)
@given(TEXTS | ODD | ALMOST)
@example("2026-03-14T16:15:42")
@example("2026-03-14T16:15:42.000000Z")
@example("TRUE")
@example("False")
@example("1abc-efghiTkl:no:qr")
@example('1"bc-efghiTkl:no:qr')
def test_a_text_that_means_something_else_is_never_taken_for_plain(text: str) -> None:
    if is_plain(msgspec.json.encode({"a": 1, "b": text})):
        assert meaning_of(text) == text


@pytest.mark.parametrize("text", [
    "word", "true to life", "316-555-0100", "05", "00501", "10.0.0.1", "2024-00123", "12 K\u00f6nigstra\u00dfe", "1\n2",
    "2026-03-14 09:15:42", "2026-03-14T16:15:42Z", "2026-03-14T16:15:42.500000Z", "100200_0_2026_11_21_04:08:56", "-",
])  # fmt: skip
def test_what_is_met_often_is_known_to_be_plain(text: str) -> None:
    assert is_plain(msgspec.json.encode({"a": text}))


MOMENTS = st.integers(0, 1 << 52).map(lambda microseconds: datetime.fromtimestamp(microseconds / 1e6, UTC))


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.text("ab\"\\/é\n", min_size=1), MOMENTS, MOMENTS,
    st.integers(1, 1 << 31), st.integers(0, (1 << 64) - 1), st.sampled_from(["created", "updated", "deleted"]),
)  # fmt: skip
def test_a_line_is_what_encoding_the_event_gives(
    identity: str, source: str, time: datetime, observed: datetime, number: int, digest: int, what: str
) -> None:
    info = StreamInfo(source, "toy", "leads", "lead")
    data, raw = Lead(id=identity, full_name="Ada"), b'{"id":1}'
    message, type_ = EventWriter(info, observed).event(data, what, Revision(identity, number, digest, time), raw)
    key = f"{source}/leads/{identity}"
    event = Event(
        id=f"leads/{identity}/{number}-{digest:016x}",
        source=f"/toy/{source}",
        type=f"lead.{what}",
        subject=identity,
        time=time,
        dataschema="urn:poller:schema:lead:1",
        stream="leads",
        revision=number,
        observedtime=observed,
        partitionkey=key,
        data=Raw(msgspec.json.encode(data)[:-1] + b',"raw":{"id":1}}'),
    )
    assert message.value == msgspec.json.encode(event)
    assert (message.key, type_, message.kind, message.observed) == (key, f"lead.{what}", "lead", observed)
