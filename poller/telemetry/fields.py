"""The documented fields of a stream's records over time: one that goes, or holds what it never held before."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Protocol

_LEARNED = 50
"""The samples in which a field was there before anything of it is news."""
_MISSED = 50.0
"""A field is gone when it should have been in so many samples since it was last there, by its share in those before."""
_NULL = 1
_WORDS = {2: "text", 4: "a number", 8: "true or false", 16: "an object", 32: "a list"}


class Sample(Protocol):
    """A record that was looked at: the documented paths, and of each a code of what stood there; see `events.drift`."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths."""

    @property
    def codes(self) -> bytes:
        """The codes: 0 for nothing."""


class FieldHistory:
    """What stood in the documented fields of one stream so far. A few bytes a field."""

    def __init__(self) -> None:
        self._begin(())

    def _begin(self, paths: tuple[str, ...]) -> None:
        nothing, self._paths = [0] * len(paths), paths
        self._samples, self._seen, self._last = 0, array("I", nothing), array("I", nothing)
        self._held = bytearray(nothing)

    def take(self, samples: Iterable[Sample]) -> list[str]:
        """Take samples in; return in words which fields are gone, or changed their type."""
        return [news for sample in samples for news in self._take(sample)]

    def _take(self, sample: Sample) -> Iterator[str]:
        if sample.paths != self._paths:
            self._begin(sample.paths)
        self._samples += 1
        for place, code in enumerate(sample.codes):
            if not code:
                if self._is_gone(place):
                    yield f"{sample.paths[place]} (gone)"
                continue
            held = self._held[place]
            if code & ~held & ~_NULL:
                self._held[place] |= code
                if held & ~_NULL and self._seen[place] >= _LEARNED:
                    yield f"{sample.paths[place]} ({_WORDS[code]}, was {_words(held)})"
            self._seen[place] += 1
            self._last[place] = self._samples

    def _is_gone(self, place: int) -> bool:
        """Return True in the one sample that tells it."""
        seen, last = self._seen[place], self._last[place]
        missed = self._samples - last
        return seen >= _LEARNED and missed - 1 < _MISSED * last / seen <= missed


def _words(held: int) -> str:
    return " or ".join(word for code, word in _WORDS.items() if held & code)
