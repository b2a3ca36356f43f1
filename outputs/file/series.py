"""Which files follow each other: those whose paths differ by date and hour alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from outputs.file.paths import DatedPath, Template

_KEPT = 3
"""How many of a family are remembered, the latest: a late message still finds the file of its date."""


class Series:
    """The paths that the state knows, by family and stamp."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._templates = tuple(templates)
        self._members: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def add(self, path: str) -> bool:
        """Remember a path. Says no to one that none of the templates makes."""
        place = self._place(path)
        if place:
            self._members[place.family][place.stamp] = path
        return place is not None

    def remove(self, path: str) -> None:
        """Forget a path."""
        if place := self._place(path):
            self._members[place.family].pop(place.stamp, None)

    def passed(self, path: str) -> bool:
        """Tell whether a later one is known."""
        place = self._place(path)
        return place is not None and any(stamp > place.stamp for stamp in self._members[place.family])

    def earlier(self, paths: Iterable[str]) -> Iterator[str]:
        """Name the known ones that are earlier than one of these."""
        for place in filter(None, map(self._place, paths)):
            yield from (path for stamp, path in self._members[place.family].items() if stamp < place.stamp)

    def outdated(self, paths: Iterable[str]) -> Iterator[str]:
        """Name those in the families of these paths that need not be remembered."""
        for place in filter(None, map(self._place, paths)):
            members = self._members[place.family]
            yield from (members[stamp] for stamp in sorted(members)[:-_KEPT])

    def _place(self, path: str) -> DatedPath | None:
        return next(filter(None, (template.place(path) for template in self._templates)), None)
