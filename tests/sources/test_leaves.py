"""How one field is read, whatever the vendor put there."""

import msgspec
import pytest

from poller.plugin.fields.scalars import (
    lead_status,
    letters_only,
    read_bool,
    read_id,
    read_number,
    read_seconds,
    read_text,
)
from poller.plugin.fields.structs import identity_of, struct_of


@pytest.mark.parametrize(
    ("leaf", "as_text", "as_ident", "as_money", "as_seconds", "as_flag"),
    [
        ("x", "x", "x", None, None, None),
        ("", None, None, None, None, None),
        (" ", None, None, None, None, None),
        ("NF", None, None, None, None, None),
        ("1", "1", "1", 1, 1, True),
        ("0", "0", "0", 0, 0, False),
        ("True", "True", "True", None, None, True),
        ("12.50", "12.50", "12.50", 12.5, 12, None),
        ("-3", "-3", "-3", -3, None, None),
        ("1e3", "1e3", "1e3", None, None, None),
        ("nan", "nan", "nan", None, None, None),
        ("1,000", "1,000", "1,000", None, None, None),
        ("٣", "٣", "٣", None, None, None),
        (0, "0", "0", 0, 0, False),
        (1, "1", "1", 1, 1, True),
        (7, "7", "7", 7, 7, None),
        (7.9, "7.9", None, 7.9, 7, None),
        (10**40, "1" + "0" * 40, "1" + "0" * 40, None, None, None),
        (True, None, None, None, None, True),
        (False, None, None, None, None, False),
        (5.0, "5.0", "5", 5, 5, None),
        (1.0, "1.0", "1", 1, 1, True),
        (-0.0, "-0.0", "0", 0, 0, False),
        (1e300, "1e+300", None, None, None, None),
        ("5.0", "5.0", "5", 5, 5, None),
        ("-5.00", "-5.00", "-5", -5, None, None),
        ("5.10", "5.10", "5.10", 5.1, 5, None),
        ("005.0", "005.0", "005.0", 5, 5, None),
        ("12e4", "12e4", "12e4", None, None, None),
        ("1.0.0", "1.0.0", "1.0.0", None, None, None),
        ("yes", "yes", "yes", None, None, True),
        ("No", "No", "No", None, None, False),
        ("on", "on", "on", None, None, True),
        (2, "2", "2", 2, 2, None),
        (None, None, None, None, None, None),
        ([], None, None, None, None, None),
        ({}, None, None, None, None, None),
    ],
)
def test_words_and_numbers(
    leaf: object, as_text: object, as_ident: object, as_money: object, as_seconds: object, as_flag: object
) -> None:
    found = (read_text(leaf), read_id(leaf), read_number(leaf), read_seconds(leaf), read_bool(leaf))
    assert found == (as_text, as_ident, as_money, as_seconds, as_flag)
    assert [type(value) for value in found[2:4]] == [type(as_money), type(as_seconds)]


@pytest.mark.parametrize(
    ("says", "status"),
    [
        ({"deleted": True, "converted": True}, "deleted"),
        ({"opted_out": True, "blocked": True, "converted": True}, "opted_out"),
        ({"blocked": True, "completed": True}, "blocked"),
        ({"completed": True, "converted": False}, "completed"),
        ({"converted": False}, "open"),
        ({"converted": None}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_lead_status(says: dict[str, bool | None], status: str) -> None:
    assert lead_status(**says) == status


def test_a_shape_takes_whatever_comes_and_is_spelled_as_sent() -> None:
    found = struct_of("class line-memo id", inner=struct_of("id"))
    read = msgspec.json.decode(
        b'{"line-memo": [1], "class": {"a": 1}, "inner": {"id": 5, "x": 1}, "new": 2}', type=found
    )
    assert (read.line_memo, read.class_, read.inner.id, read.id) == ([1], {"a": 1}, 5, None)
    assert msgspec.json.encode(read) == b'{"class":{"a":1},"inner":{"id":5},"line-memo":[1]}'
    assert msgspec.json.decode(b'{"inner": "none"}', type=found).inner == "none"


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (b'{"id": 1}', "1"),
        (b'{"id": "a"}', "a"),
        (b'{"id": 1.0}', "1"),
        (b'{"id": 1e0}', "1"),
        (b'{"id": "1.0"}', "1"),
        (b"{}", None),
        (b"7", None),
        (b'{"id": "\xff"}', None),
        (b"[" * 9999, None),
    ],
)
def test_the_name_of_a_row(row: bytes, name: str | None) -> None:
    assert identity_of("id")(msgspec.Raw(row)) == name


def test_a_word_is_told_by_its_letters() -> None:
    assert [letters_only(word) for word in ("In Progress", "in-progress", "inprogress", "42", "")] == [
        "inprogress"
    ] * 3 + [
        "",
        "",
    ]
