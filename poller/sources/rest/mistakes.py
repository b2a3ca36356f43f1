"""The mistakes in a stream's description that its types do not show, each with its key and its remedy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from poller.plugin import kinds, parse_path
from poller.sources.rest.answer import HEADERS
from poller.sources.rest.fields import KIND, RESERVED, SIDES, field_types, kind_of, typed_reader, words_of
from poller.sources.rest.lists import List
from poller.sources.rest.request import PLACES, placeholders, spelt_offsets
from poller.sources.rest.settings import FieldSettings, StreamFields, Sweep
from poller.sources.rest.streams import Description, field_of, timing_of
from poller.sources.rest.written_times import always, read_offset

Mistake: TypeAlias = tuple[tuple[str, ...], str]
"""The keys that lead to a mistake, from the stream on, and what would be right there."""


_WANTED: Mapping[Any, str] = {bool: "true or false", float: "a number", int: "a number", datetime: "a time"}


def mistakes(stream: StreamFields) -> list[Mistake]:
    """Return all mistakes of a description. Those of its sweeps are judged where its request has none."""
    asked, paths = [*_of_requests(stream)], [*_of_paths(stream)]
    found = [*asked, *paths, *_of_paging(stream), *_of_kind(stream)]
    unreadable = any(keys[0] not in {"fields", "records"} for keys, _ in paths)  # by the others a sweep reads its list
    return found if asked or unreadable else [*found, *_of_sweeps(stream)]


def _of_requests(stream: StreamFields) -> Iterator[Mistake]:
    for keys, value in _sent(stream):
        yield from _of_value(keys, value)
    if stream.path is not None and (not stream.path.startswith("/") or set(stream.path) & set("?#")):
        yield ("path",), "a path begins with / and holds no query: what follows a ? belongs into params"


def _sent(stream: StreamFields) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what requests send, the stream's and those of its sweeps: each parameter, each body, with its keys."""
    asking: list[tuple[tuple[str, ...], StreamFields | Sweep]] = [((), stream)]
    asking += [(("sweeps", name), sweep) for name, sweep in stream.sweeps.items()]
    for keys, part in asking:
        yield from (((*keys, "params", name), value) for name, value in part.params.items())
        yield (*keys, "body"), part.body


def _of_value(keys: tuple[str, ...], value: Any) -> Iterator[Mistake]:
    try:
        list(placeholders(value))
    except ValueError as mistake:
        yield keys, str(mistake)


def mistakes_of_zone(described: Description) -> Iterator[Mistake]:
    """Yield the offsets that stand as text behind times that are spelt in another zone."""
    zone = described.zone or UTC
    for keys, value in _sent(described.stream):
        wrong = dict.fromkeys(said for said in spelt_offsets(value) if read_offset(said) != always(zone))
        for said in wrong:
            why = f"{said} says another offset than {zone}, in which a % format is spelt (`timezone`)"
            yield keys, f"{why}: %z prints the zone's own offset; {{start}} and {{end}} alone are UTC, with Z"


def _of_paths(stream: StreamFields) -> Iterator[Mistake]:
    named: dict[tuple[str, ...], str | None] = {
        (key,): getattr(stream, key) for key in ("identity", "time", "modified", "window_field")
    }
    named |= {("deleted",): stream.deleted.path} if stream.deleted else {}
    named |= {("sweeps", name, "window_field"): sweep.window_field for name, sweep in stream.sweeps.items()}
    for keys, text in named.items():
        yield from _path(keys, text)
    for key in ("volatile", "signed_urls"):
        for text in getattr(stream, key):
            yield from _path((key,), text)
    for name, field in stream.fields.items():
        for text in field_of(field).paths:
            yield from _path(("fields", name), text)
    yield from _path(("records",), stream.records, body=True)


def _of_paging(stream: StreamFields) -> Iterator[Mistake]:
    paging = {key: text for key, text in stream.paging if key != "cap"}
    for key, text in paging.items():
        yield from _answer_path(("paging", key), text)
    for text, wanted in stream.expect.items():
        yield from _answer_path(("expect", text), text)
        yield from _of_value(("expect", text), wanted)
    if stream.paging.more and stream.paging.done:
        yield ("paging", "done"), "more and done say the same: keep the one that the vendor has"


def _answer_path(keys: tuple[str, ...], text: str | None) -> Iterator[Mistake]:
    if text is not None and not text.startswith(HEADERS):
        yield from _path(keys, text)


def _path(keys: tuple[str, ...], text: str | None, *, body: bool = False) -> Iterator[Mistake]:
    try:
        whole = text is not None and not parse_path(text)
    except ValueError as mistake:
        yield keys, str(mistake)
        return
    if whole and not body:
        yield keys, "@ is the value itself, which only `records` can be: name a field"


def _of_kind(stream: StreamFields) -> Iterator[Mistake]:
    word = stream.kind
    if not KIND.fullmatch(word) or word in RESERVED:
        ours = ", ".join(kind.KIND for kind in kinds.KINDS)
        others = f"another word in small letters, digits and _, but none of {', '.join(sorted(RESERVED))}"
        yield ("kind",), f"a kind is one of {ours}, or {others}"
        return
    kind = kind_of(word, tuple(name for name in stream.fields if KIND.fullmatch(name)))
    for name, field in stream.fields.items():
        yield from ((("fields", name), text) for text in _of_field(kind, name, field))
    for side, ours in zip(SIDES, ("caller_number", "called_number"), strict=True):
        if side in stream.fields and ours in stream.fields:
            yield ("fields", ours), f"{side} and the direction say it: keep one of them"


def _of_field(kind: type[kinds.Kind], name: str, field: FieldSettings) -> Iterator[str]:
    known = field_types(kind)
    free = kind not in kinds.KINDS
    if name in {"id", "raw"}:
        yield "that is set by itself: `identity` says which field it is" if name == "id" else "that is set by itself"
        return
    if name not in known or (free and not KIND.fullmatch(name)):
        wanted = "small letters, digits and _" if free else ", ".join(known)
        yield f"no field of the kind {kind.KIND}; its fields are: {wanted}"
        return
    if isinstance(field.path, list) and name != "phones":
        yield "a list of paths is for phones: one path is needed"
    if field.unit and (known[name] is datetime or not (free or name.endswith("_seconds"))):
        yield "a unit is for a duration (a field that ends in _seconds)"
    yield from _of_values(kind, name, field)


def _of_values(kind: type[kinds.Kind], name: str, field: FieldSettings) -> Iterator[str]:
    """Return what is wrong with what a vendor's words stand for: it has to be of the field's type."""
    ours, read = words_of(kind, name), typed_reader(kind, name, field.unit)
    values = dict.fromkeys((field.values or {}).values())
    wrong = ", ".join(str(word) for word in values if (word not in ours if ours else read(word) is None))
    if wrong and ours:
        yield f"{wrong} is none of our words for it: {', '.join(ours)}"
    elif wrong:
        yield f"{wrong} is no value of it: {_WANTED.get(field_types(kind)[name], 'a text')} is needed"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sweep as it asks, and the keys of what it asks by."""

    name: str
    sweep: Sweep
    listed: List
    keys: tuple[str, ...]


def _of_sweeps(stream: StreamFields) -> Iterator[Mistake]:
    if stream.sweeps and not stream.sweeps.keys() & {"live", "snapshot"}:
        yield ("sweeps",), "live or snapshot is needed among them: nothing else says what is covered"
    described, whole = Description("stream", stream, None, None), ()
    for name, sweep in described.sweeps.items():
        own: tuple[str, ...] = ("sweeps", name) if sweep.params or sweep.body is not None else whole
        asked = _Asked(name, sweep, described.list_of(sweep), own)
        yield from _of_places(stream, asked)
        yield from _of_timing(stream, asked)


def _of_places(stream: StreamFields, asked: _Asked) -> Iterator[Mistake]:
    uses, paging = asked.listed.request.uses, stream.paging
    at = (*asked.keys, "params") if not asked.keys else asked.keys
    places = [f"{{{place}}}" for place in PLACES if place in uses]
    if len(places) > 1:
        yield at, f"{' and '.join(places)} are two places where a list goes on: keep one"
    if "cursor" in uses and paging.next is None:
        yield ("paging", "next"), "is missing: where does an answer say the {cursor} of its next page?"
    if paging.cap and "end" not in uses:
        yield ("paging", "cap"), "what is cut is asked for again in halves: for that the request needs {end}"
    if "end" in uses and "start" not in uses:
        yield at, "{end} without {start}: a range has a beginning"


def _of_timing(stream: StreamFields, asked: _Asked) -> Iterator[Mistake]:
    listed, keys = asked.listed, ("sweeps", asked.name)
    if asked.name == "backfill":
        yield keys, "that is the word for history: give it another name"
    if listed.is_whole and asked.sweep.lookback is not None:
        yield (
            (*keys, "lookback"),
            "this list is always read whole: leave it out, or ask by time ({start}, window_field)",
        )
    if asked.name == "snapshot" and not listed.is_whole:
        own = "with window_field: null" if stream.window_field else "without window_field"
        yield keys, f"a snapshot is a whole list: without {{start}} and {own}, or under another name"
        return
    every, lookback = timing_of(asked.name, asked.sweep, whole=listed.is_whole)
    if every is None:
        yield (*keys, "every"), "this key is missing"
    if lookback is None and not listed.is_whole:
        yield (*keys, "lookback"), "this key is missing"
