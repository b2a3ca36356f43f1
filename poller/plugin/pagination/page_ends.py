"""The end of a list of numbered pages that do not say how they go on."""

from dataclasses import replace

from poller.plugin.pagination.pages import ListPage


class PageEnds:
    """The end of a list of numbered pages, when the vendor may make its pages smaller than the `size` asked for."""

    def __init__(self, size: int) -> None:
        self._size = self._full = size
        self._kept = False
        self._read = 0

    def begin(self) -> None:
        """A list begins; what is known of the vendor's page size stays."""
        self._read = 0

    def going_on(self, number: int, answer: ListPage) -> ListPage:
        """Return the next page of a list, which is page `number`, with the page that follows it.

        What is full, and all that its total counts, has one `beyond` it.
        """
        if self._ended(answer):
            return answer
        if answer.total is not None and self._read >= answer.total:
            return replace(answer, beyond=number + 1)
        return replace(answer, following=number + 1)

    def only(self, number: int, answer: ListPage) -> ListPage:
        """Return the next page of a list that has to fit one page, since pages drift into each other: else it is `cut`.

        A page that is full brings nothing: it is left to those of its halves. Where a short one is not known to be the
        last, an empty second page proves that it is all; a second page that holds something proves that the vendor's
        pages are short.
        """
        if number > 1:
            self._full = self._read if answer.records else self._full
            return replace(answer, records=(), cut=bool(answer.records))
        if self._ended(answer):
            return answer
        if len(answer.records) < self._full:
            return replace(answer, following=2)
        return replace(answer, records=(), cut=True)

    def _ended(self, answer: ListPage) -> bool:
        """Take the next page: whether it is the last. An empty one is, and a full one never is.

        A short one is where the list's total is reached; without a total, where a page was full before.
        """
        rows = len(answer.records)
        self._read += rows
        self._kept = self._kept or rows >= self._size
        if not rows or rows >= self._size:
            return not rows
        return self._kept if answer.total is None else self._read >= answer.total
