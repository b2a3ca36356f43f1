"""A record of which nothing is documented is compared as the mapping that it is, however it is decoded."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poller.events.canonical import canonical_bytes
from poller.plugin.fields.paths import follow_path, parse_path
from poller.plugin.fields.undocumented import Changes, Undocumented, WholeRecords, leaves_reader

KEYS = st.sampled_from(["id", "name", "a-b", "in", "f0", 'a"b', "a\\b", "a\0"])
LEAVES = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([5.0, -0.0, 0.5, 1e16])
    | st.sampled_from(["", "5", "5.0", "05", "true", "text", "316-555-0100", "2026-03-14T16:00:00Z"])
    | st.sampled_from(["2026-03-14 16:00", "2026-03-14T16:00:00+02:00"])
    | st.sampled_from(["12 K\u00f6nigstra\u00dfe", "1\u00e9\"4-03-14T16:00:00", '":{}', "\n"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PATHS = ["id", "name", "name.id", '"a-b".name', "name.name.id", "id[0]", "id[0].name", 'id."a\\"b"']
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5), min_size=1, max_size=6)


@given(RECORDS)
@example([{"id": {"name": {}}}, {"id": {"name": {"id": ""}}}])
@example([{"id": {"name": "text"}}, {"id": {"name": "5"}}, {"id": {"name": [1.0]}}])
def test_the_form_of_a_record_does_not_hang_on_what_came_before(records: list[dict[str, Any]]) -> None:
    whole = WholeRecords()
    for record in records * 2:
        found = whole.decode(msgspec.json.encode(record))
        assert canonical_bytes(found) == canonical_bytes(record)


@given(RECORDS, st.sampled_from(["id", "name", "name.id", '"a-b".name', "name.name.id", "id[0]", "id[0].name"]))
def test_what_is_taken_out_is_taken_out_of_either(records: list[dict[str, Any]], text: str) -> None:
    whole, out = WholeRecords(), Changes([(parse_path(text), lambda _: None)])
    for record in records * 2:
        found = whole.decode(msgspec.json.encode(record))
        taken = out.made(found)
        assert canonical_bytes(found) == canonical_bytes(record), "the record itself stays as it is"
        assert canonical_bytes(taken) == canonical_bytes(out.made(record))


@given(RECORDS, st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True))
@example([{}, {"name": {"b": 1, "a": {}}}, {"name": "x"}], ["name"])
@example([{"name": {"b": 1, "a": None}, "id": 2, "f0": 1}], ["name"])
@example([{"name": {"id": None}}, {"name": {"id": {"b": 1, "a": None}}}], ["name.id", "name.name"])
@example([{"id": 1, "name": 1}, {"id": 1, "name": [{"id": "x"}]}], ["name[0].id", "id", "name.id"])
@example([{"name": 1}, {"id": {'a"b': 5}}], ['id."a\\"b"', "name"])
def test_what_a_path_leads_to_is_as_it_was_sent(records: list[dict[str, Any]], texts: list[str]) -> None:
    paths = [parse_path(text) for text in texts]
    whole = WholeRecords(paths)
    for record in records * 3:
        found = whole.decode(msgspec.json.encode(record))
        if isinstance(found, Undocumented):
            leaves = leaves_reader(type(found), paths)(found)
            assert msgspec.json.encode(leaves) == msgspec.json.encode([follow_path(record, path) for path in paths])


@pytest.mark.parametrize("text", ["name", "by.name", "list[0]", "list[0].name"])
def test_what_is_not_there_is_not_put_there(text: str) -> None:
    whole, changes = WholeRecords(), Changes([(parse_path(text), lambda _: 1)])
    for record in [{"id": 1}, {"id": 1, "by": {}}, {"id": 1, "by": None, "name": None, "list": []}] * 2:
        found = whole.decode(msgspec.json.encode(record))
        assert canonical_bytes(changes.made(found)) == canonical_bytes({"id": 1})


def test_fields_are_learned_once() -> None:
    whole = WholeRecords()
    assert isinstance(whole.decode(b'{"id": 1, "by": {"name": "x"}}'), dict)
    assert isinstance(whole.decode(b'{"id": 2, "by": null}'), Undocumented)
    assert isinstance(whole.decode(b'{"id": 2, "more": 1}'), dict)
    assert isinstance(whole.decode(b'{"by": {"name": "x"}, "more": 1}'), Undocumented)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\0"])
def test_a_name_that_no_field_can_have_stays_in_a_mapping_and_spoils_no_other_record(name: str) -> None:
    whole, odd = WholeRecords(), {"id": 1, "by": {name: 1}}
    for _ in range(2):
        assert whole.decode(msgspec.json.encode(odd)) == odd
    whole.decode(b'{"id": 2}')
    assert isinstance(whole.decode(b'{"id": 3}'), Undocumented)


def test_objects_within_objects_stay_mappings_where_they_are_many() -> None:
    whole, sent = WholeRecords(), b'{"a":' * 499 + b"1" + b"}" * 499
    assert whole.decode(sent) == whole.decode(sent) == msgspec.json.decode(sent)


def test_an_object_is_learned_where_nothing_stood_before() -> None:
    whole = WholeRecords()
    for sent in (b'{"by": null}', b'{"by": null}', b'{"by": {"id": 1}}', b'{"by": {}}'):
        whole.decode(sent)
    found = whole.decode(b'{"by": {"id": 1}}')
    assert isinstance(found, Undocumented)
    assert isinstance(found.f0, Undocumented)  # type: ignore[attr-defined]


def test_values_of_other_types_do_not_make_fields_many() -> None:
    whole, names = WholeRecords(), [f"n{number}" for number in range(100)]
    for name in names:
        whole.decode(msgspec.json.encode(dict.fromkeys(names, 1) | {name: 0.5}))
    assert isinstance(whole.decode(msgspec.json.encode(dict.fromkeys(names, True))), Undocumented)


def test_objects_with_ever_new_keys_stay_mappings() -> None:
    whole = WholeRecords()
    for number in range(200):
        found = whole.decode(b'{"by_id": {"%d": 1}}' % number)
    assert isinstance(found, dict)
    assert isinstance(whole.decode(b'{"by_id": {"199": 1}}'), dict)


@pytest.mark.parametrize("sent", [b"", b"{", b"[1", b"nonsense"])
def test_what_is_no_json_is_an_error(sent: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        WholeRecords().decode(sent)
