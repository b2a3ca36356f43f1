"""Lists that may be cut off, and do not say so."""

from collections.abc import Collection

from poller.plugin.pagination.pages import ListPage, PageRef


class TruncationGuess:
    """A guess whether an answer was cut off in silence: it does not go on, and holds one of these numbers of records.

    A longer answer that came before says that it was not.
    """

    def __init__(self, round_numbers: Collection[int]) -> None:
        self._round_numbers = round_numbers
        self._most = 0

    def looks_cut(self, at: PageRef, answer: ListPage) -> bool:
        """Take the next answer, which is the page `at` of its list."""
        rows = len(answer.records)
        only = at == 1 and answer.following is None
        cut = only and rows in self._round_numbers and rows >= self._most
        self._most = max(self._most, rows)
        return cut
