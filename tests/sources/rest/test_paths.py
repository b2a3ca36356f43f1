"""Paths mean what they mean in JMESPath; what is none is refused by name; many are read with one decoding."""

from typing import Any

import msgspec
import pytest

from poller.plugin.fields.paths import compile_paths, follow_path, parse_path

RECORD = {
    "id": 7, "a": {"b": {"c": "deep"}, "list": [{"x": 1}, {"x": 2}]}, "odd-name": {"d.e": True}, "n": None,
    "rows": [[1, 2], [3]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("id", 7), ("a.b.c", "deep"), ("a.list[1].x", 2), ("a.list[-1].x", 2), ('"odd-name"."d.e"', True),
        ("rows[0][1]", 2), ("n", None), ("a.list", RECORD["a"]["list"]), ("a.b", {"c": "deep"}),  # type: ignore[index]
        ("a.list[5].x", None), ("nowhere.at.all", None), ("id.b", None), ("a.list.x", None), ("n.b", None),
    ],
)  # fmt: skip
def test_a_path_leads_to_a_value_or_to_none(path: str, found: object) -> None:
    parsed = parse_path(path)
    assert follow_path(RECORD, parsed) == found
    for beside in ([], ["a"], ["a.b"], ["a.b.c", "a.list[0].x", "id"]):
        struct, getters = compile_paths([parsed, *map(parse_path, beside)])
        assert getters[0](msgspec.json.decode(msgspec.json.encode(RECORD), type=struct)) == found


@pytest.mark.parametrize("value", [5, "text", [1], None, True])
def test_a_value_of_another_kind_hides_no_other_field(value: Any) -> None:
    struct, (deep, beside) = compile_paths([parse_path("a.b"), parse_path("id")])
    record = msgspec.json.decode(msgspec.json.encode({"id": 1, "a": value}), type=struct)
    assert (deep(record), beside(record)) == (None, 1)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"), ("a.", "ends in a dot"), (".a", "`.`"), ("a..b", "`.`"), ("a[*]", "a wildcard"),
        ("*", "a wildcard"),
        ("a[?x]", "a filter"), ("a[]", "flattening"), ("a[:2]", "a slice"), ("length(a)", "a function"),
        ("a | b", "` `"), ("a|b", "a pipe"), ("{x: a}", "a selection"), ("[a, b]", "a selection"),
        ("x-y", "needs quotes"), (r'"\ud800"', "spelt as in JSON"),
        ("@odata.nextLink", "`@` is part of a name in quotes only"),
        ("a b", "` `"), ("[0]", "a path is names"), ('"x', '`"`'), ("`1`", "a literal"), ("9a", "`9`"),
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ValueError, match="a path is names and list positions") as refused:
        parse_path(text)
    assert named in str(refused.value)


def test_the_value_itself_is_a_path() -> None:
    assert follow_path(RECORD, parse_path("@")) == RECORD
