"""The form of a content whose fields have documented types: what its values mean, as bytes, almost all of it in C.

Decoding by types has made one of most spellings already, so the content is encoded as it is. What is left are times,
and fields that hold anything: these are put into their canonical form before. And what stands for nothing in another
way than the struct's own ("" for null, {} for nothing), a zero with a sign, and values that kept to no type: all of
them leave one of three bytes in the encoded content, which is rare enough that such a content is cleaned, and encoded
again. Cleaning is the plain way, and a property test holds the two together.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import astuple, fields, replace

from poller.events.canonical import canonical_leaf
from poller.events.meaning import meaning_of, text_of_time_meant
from poller.plugin.fields.documented import Documented, Unread, absent_of, read_typed, types_of
from poller.plugin.fields.times import read_time

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_encode_any = msgspec.json.Encoder(order="deterministic").encode

_NOTHINGS = (0xA0, 0x80, 0xC0)
"""What MessagePack writes for "", {} and null; -0.0 has the second of them behind its own mark. None is ASCII."""
_UNCLEAN = re.compile(rb"(?:[\w-]{2}|\xa1[\w-]|.\xcb|.\x81)[\xa0\x80\xc0]", re.DOTALL)
"""One of them behind the name of a field, the mark of a number or that of an Unread, not in a text or a number."""
_AS_IS = frozenset({bool, int, datetime})

_Step: TypeAlias = tuple[int, str, Callable[[Any], Any], Any]
"""The place of a field, its name, how it gets its form, and what stands there where it is absent."""


def documented_bytes(content: Any) -> bytes:
    """Return a content in the one form of what it means. Raises RecursionError where it is nested too deep."""
    content = _comparable(content)
    try:
        form = _encode(content)
        return form if _is_clean(form) else _encode(cleaned(content))
    except OverflowError:  # a whole number beyond 64 bits
        return _encode_any(cleaned(content))


def _is_clean(form: bytes) -> bool:
    for nothing in _NOTHINGS:
        if nothing in form:
            at = form.find(nothing, 2)
            while at > 0:
                if _UNCLEAN.match(form, at - 2):
                    return False
                at = form.find(nothing, at + 1)
    return True


def _comparable(thing: Any) -> Any:
    """Return an object whose times, and fields that hold anything, are in canonical form."""
    leaves, forms = astuple(thing), {}
    for at, name, form, nothing in _PLANS[thing.__class__]:
        leaf = leaves[at]
        if leaf is not nothing:
            found = nothing if leaf is None else form(leaf)
            if found is not leaf:
                forms[name] = found
    return replace(thing, **forms) if forms else thing


class _Plans(dict[type[Any], tuple[_Step, ...]]):
    """What is to be done with the fields of an object that decoding leaves as they were sent."""

    def __missing__(self, kind: type[Any]) -> tuple[_Step, ...]:
        each = zip((field.name for field in fields(kind)), map(_form_of, types_of(kind)), absent_of(kind), strict=True)
        found = self[kind] = tuple((at, name, form, nothing) for at, (name, form, nothing) in enumerate(each) if form)
        return found


def _form_of(found: str | type[Documented] | None) -> Callable[[Any], Any] | None:
    if found is None:
        return canonical_leaf
    if isinstance(found, str):
        return _FORMS.get(found)
    return _object_form if _PLANS[found] else None


def _time_form(leaf: Any) -> Any:
    """Return a time as an instant; what can be read in a zone only, and the stream has not, as a clock shows it."""
    return read_time(leaf) or text_of_time_meant(leaf) if isinstance(leaf, str) else leaf


_FORMS: dict[str, Callable[[Any], Any]] = {"time": _time_form, "identity": lambda _: None}
"""By the word for a type. The identity is what is compared under, not what is compared."""


def _object_form(leaf: Any) -> Any:
    if isinstance(leaf, Documented):
        return _comparable(leaf)
    return leaf if isinstance(leaf, Unread) else canonical_leaf(leaf)


def cleaned(thing: Any) -> Any:
    """Return a record in which all that means nothing is absent, and zeros have no sign."""
    return _cleaned_object(thing) or type(thing)()


def _cleaned_object(thing: Any) -> Any:
    """Return an object so; None where all of it is absent."""
    kind = type(thing)
    absent = absent_of(kind)
    leaves = [
        leaf or nothing
        if (class_ := leaf.__class__) is str
        else nothing
        if leaf is None
        else leaf
        if class_ in _AS_IS
        else (leaf or 0.0)
        if class_ is float
        else _cleaned(leaf, found, nothing)
        for leaf, found, nothing in zip(astuple(thing), types_of(kind), absent, strict=True)
    ]
    return None if tuple(leaves) == absent else kind(*leaves)


def _cleaned(leaf: Any, found: str | type[Documented] | None, nothing: Any) -> Any:
    if isinstance(leaf, Documented):
        return _cleaned_object(leaf)
    form = _unread_form(leaf.value, found) if isinstance(leaf, Unread) else leaf
    return nothing if form is None else form


def _unread_form(leaf: Any, found: str | type[Documented] | None) -> Any:
    """Return what a value means that is of another type than documented: true is 1 where that is a number or a text."""
    meant = meaning_of(leaf)
    if isinstance(meant, int | float) and isinstance(found, str):
        return read_typed(meant, found)
    return None if meant is None else Unread(meant)


_PLANS = _Plans()
