"""Sloppy kinds that spell the values of a record another way: ids, numbers, booleans, nothing at all."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from poller.sandbox.sloppy.envelope import Envelope
from poller.sandbox.sloppy.reply import Reply

ID = re.compile(r"(^id|_id|Id)$")
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?", re.ASCII)
ABSENT = object()
"""The value of a leaf that is left out together with its key."""
Leaf = Callable[[str, Any], Any]
"""A function that takes a key and its value (a leaf, or an empty list or object) and returns the value to show."""


def respelled(value: Any, leaf: Leaf, key: str = "") -> Any:
    """Return the value with every leaf replaced by what `leaf` makes of it; only a field can be left out."""
    if isinstance(value, dict) and value:
        pairs = {name: respelled(inner, leaf, name) for name, inner in value.items()}
        return {name: inner for name, inner in pairs.items() if inner is not ABSENT}
    if isinstance(value, list) and value:
        items = [(inner, respelled(inner, leaf, key)) for inner in value]
        return [before if after is ABSENT else after for before, after in items]
    return leaf(key, value)


def _of(fits: Callable[[str, Any], bool], become: Callable[[Any], Any]) -> Callable[[Reply], None]:
    def leaf(key: str, value: Any) -> Any:
        return become(value) if fits(key, value) else value

    def record_of(record: Any) -> Any:
        return respelled(record, leaf) if isinstance(record, dict) else record  # a broken one may be null

    return lambda reply: reply.change_records(record_of)


def _is_id(key: str, value: Any) -> bool:
    return bool(ID.search(key)) and type(value) is int


def _is_id_text(key: str, value: Any) -> bool:
    return bool(ID.search(key)) and isinstance(value, str) and value.isdecimal() and bool(NUMBER.fullmatch(value))


def _is_number(key: str, value: Any) -> bool:
    return type(value) in {int, float} and not ID.search(key)


def _is_number_text(key: str, value: Any) -> bool:
    return isinstance(value, str) and not ID.search(key) and bool(NUMBER.fullmatch(value))


def _is(kind: type, empty: Any) -> Callable[[str, Any], bool]:
    return lambda key, value: type(value) is kind and value == empty


def _is_bool(key: str, value: Any) -> bool:
    return isinstance(value, bool)


def _is_null(key: str, value: Any) -> bool:
    return value is None


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def raw(value: str) -> orjson.Fragment:
    """Return a JSON text that is written as it stands."""
    return orjson.Fragment(value.encode())


def _no_number(spelling: str) -> Callable[[Reply], None]:
    """Return a kind that writes this for a documented number that is null, or that is constant."""

    def change(reply: Reply) -> None:
        places: Envelope = reply.envelope

        def leaf(key: str, value: Any) -> Any:
            hit = (value is None and key in places.numbers) or key in places.constants
            return raw(spelling) if hit else value

        reply.change_records(lambda record: respelled(record, leaf))

    return change


VALUES: Mapping[str, tuple[str, Callable[[Reply], None]]] = {
    "ids_as_text": ("ids are numbers in quotes", _of(_is_id, _text)),
    "ids_as_numbers": ("ids that are texts of digits are numbers", _of(_is_id_text, raw)),
    "ids_with_fraction": ("whole ids end in .0", _of(_is_id, lambda value: raw(f"{value}.0"))),
    "numbers_as_text": ("numbers are in quotes", _of(_is_number, _text)),
    "text_as_numbers": ("texts that are numbers lose their quotes", _of(_is_number_text, raw)),
    "booleans_as_digits": ("booleans are 1 and 0", _of(_is_bool, int)),
    "booleans_as_words": ("booleans are the words true and false, in quotes", _of(_is_bool, _text)),
    "booleans_as_quoted_digits": ("booleans are 1 and 0, in quotes", _of(_is_bool, lambda value: f"{value:d}")),
    "object_for_list": ("an empty list is an empty object", _of(_is(list, []), lambda value: {})),
    "list_for_object": ("an empty object is an empty list", _of(_is(dict, {}), lambda value: [])),
    "text_for_null": ("null is an empty text", _of(_is_null, lambda value: "")),
    "null_for_text": ("an empty text is null", _of(_is(str, ""), lambda value: None)),
    "absent_for_null": ("a field that is null is left out", _of(_is_null, lambda value: ABSENT)),
    "not_a_number": ("a documented number that is unknown is NaN", _no_number("NaN")),
    "infinity": ("a documented number that is unknown is Infinity", _no_number("Infinity")),
    "minus_infinity": ("a documented number that is unknown is -Infinity", _no_number("-Infinity")),
    "beyond_double": ("a documented number that is unknown is 1e999", _no_number("1e999")),
}
"""Of each kind: its line, and the change it makes."""
