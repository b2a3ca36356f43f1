"""Lists whose records keep their places, and what two pages of one may have in common.

Records of one second come in no order that is documented, and may change places between two pages: one of them comes
on both, the other on none. No total tells of that. A record that comes again tells, unless another one entered the list
before it and pushed it on.
"""

from datetime import datetime

from poller.plugin.fields.columns import Column, IdentityOf, identities
from poller.plugin.fields.decoding import DECODE_ERRORS
from poller.plugin.pagination.pages import ListPage


class Seams:
    """A judge of the pages of one pass: what came again is held against what entered the list.

    What enters between two answers pushes on no more records than it is itself; and nothing that begins after the
    first answer by `time_of`, in a list that is sorted by it, oldest first: that is met at the end. A list that names
    no total cannot be judged.
    """

    def __init__(self, identity: IdentityOf, time_of: Column[datetime | None] | None = None) -> None:
        self._identity, self._time_of = identity, time_of
        self._known: set[str] = set()
        self._first: ListPage | None = None
        self._total = self._again = self._new = 0

    def doubt(self, answer: ListPage) -> str | None:
        """Take the next page; return what is doubtful about it, None where nothing is."""
        names, total = identities(self._identity, answer.records), answer.total or 0
        again = len(self._known.intersection(name for name in names if name))
        entered, self._total = total - self._total, total
        if self._first is None:
            self._first = answer
        else:
            self._again += again
            self._new += self._count_new(answer, names, self._first.date)
        self._known.update(name for name in names if name)
        pushed = total - (self._first.total or 0) - self._new
        if answer.total is None or (again <= max(entered, 0) and self._again <= max(pushed, 0)):
            return None
        return "records came twice that nothing pushed on: others may have missed their page"

    def _count_new(self, answer: ListPage, names: list[str | None], began: datetime | None) -> int:
        """Return how many of a page's records came for the first time and began later."""
        if self._time_of is None:
            return 0
        try:
            times = map(self._time_of.read, self._time_of.leaves(answer.records))
            fresh = (time for time, name in zip(times, names, strict=True) if name not in self._known)
            return sum(began is not None and time is not None and time > began for time in fresh)
        except (ValueError, *DECODE_ERRORS):
            return 0
