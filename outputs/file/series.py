"""Series of files that follow each other: their paths differ by date and hour alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from outputs.file.paths import DatedPath, Template

_KEPT = 3
"""The number of a family's latest files that are remembered: a late message still finds the file of its date."""


class Series:
    """The paths that the state knows, by family and stamp (see `DatedPath`)."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._templates = tuple(templates)
        self._members: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def add(self, path: str) -> bool:
        """Remember a path; return False for one that none of the templates makes."""
        dated = self._split(path)
        if dated:
            self._members[dated.family][dated.stamp] = path
        return dated is not None

    def remove(self, path: str) -> None:
        """Forget a path."""
        if dated := self._split(path):
            self._members[dated.family].pop(dated.stamp, None)

    def passed(self, path: str) -> bool:
        """Return True if a later path of the same family is known."""
        dated = self._split(path)
        return dated is not None and any(stamp > dated.stamp for stamp in self._members[dated.family])

    def earlier(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield the known paths that are earlier than one of these."""
        for dated in filter(None, map(self._split, paths)):
            yield from (path for stamp, path in self._members[dated.family].items() if stamp < dated.stamp)

    def outdated(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield the paths, in the families of these, that need not be remembered."""
        for dated in filter(None, map(self._split, paths)):
            members = self._members[dated.family]
            yield from (members[stamp] for stamp in sorted(members)[:-_KEPT])

    def _split(self, path: str) -> DatedPath | None:
        return next(filter(None, (template.split(path) for template in self._templates)), None)
