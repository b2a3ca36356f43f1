"""Pages of another size than asked for: a walk goes on by what the vendor says and does, and loses no record.

Whatever sizes come, and whatever the vendor says of them: either each record came, or no cursor moves, and the range is
asked for again. Killed: a list that is taken for read where its pages changed their size on the way.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poller.errors import Shifted, Unexpected
from poller.plugin.stream import Response, Stream, Window
from poller.sources.callcap import Callcap
from poller.sources.flextell import Flextell
from poller.testing.recorded import HOUR, NOW, Pass, json_bytes, read_sweep
from tests.sources import callcap_pages, flextell_pages
from tests.support.getting import Getting

(CALLS,) = Callcap.model_validate({"type": "callcap", "api_key": "k"}).build_streams()
(LEADS,) = Flextell.model_validate({"type": "flextell", "tenant": 42, "access_token": "t"}).build_streams()


@dataclass(frozen=True)
class Walk:
    """A sweep over a list of numbered pages: what it asks for, and how the vendor writes a page."""

    stream: Stream
    sweep: str
    window: Window
    rows: Callable[[int], Sequence[Any]]
    listing: Callable[..., dict[str, Any]]
    says: tuple[str, ...]
    """What the vendor calls the numbers beside the list, that of the page's size, and the asked size's parameter."""


def _calls(sweep: str) -> Walk:
    says = ("pagination", "show", "show")
    return Walk(CALLS, sweep, HOUR, callcap_pages.rows, callcap_pages.listing, says)


def _leads(sweep: str) -> Walk:
    says = ("meta", "per_page", "per_page")
    return Walk(LEADS, sweep, flextell_pages.SINCE_NOON, flextell_pages.after_noon, flextell_pages.listing, says)


WALKS = {
    "calls.live": _calls("live"), "calls.audit": _calls("audit"), "leads.live": _leads("live"),
    "leads.full": _leads("full"),
}  # fmt: skip


class Vendor(Getting):
    """Cuts its list into pages of these sizes, one after another, the last one for good.

    It `says` the size that it cuts by (`cut`), the one it was asked for (`asked`), or none (`none`); its last page is
    numbered by what it cuts by, or by what it says. `text`: its numbers are in quotes.
    """

    def __init__(self, walk: Walk, rows: int, sizes: Sequence[int], *, says: str, last: str, text: bool) -> None:
        self.rows = walk.rows(rows)
        self._walk, self._sizes, self._says, self._last, self._text = walk, list(sizes), says, last, text

    async def get(self, path: str, params: Mapping[str, str], *, accept: Collection[int] = (200,)) -> Response:
        beside, size_name, asked = self._walk.says
        size = self._sizes.pop(0) if len(self._sizes) > 1 else self._sizes[0]
        said = {"cut": size, "asked": int(params[asked]), "none": 0}[self._says]
        at, total = int(params["page"]), len(self.rows)
        last = max(1, -(-total // (size if self._last == "cut" else said or size)))
        part = self.rows[(at - 1) * size : at * size]
        body = self._walk.listing(part, page=at, total=total, last=last)
        numbers = {**body[beside], size_name: said}
        quoted = {name: f"{value}" if type(value) is int else value for name, value in numbers.items()}
        return Response(200, json_bytes({**body, beside: quoted if self._text else numbers}), NOW)

    def answered(self, path: str) -> bool:
        return True


async def walked(vendor: Vendor, walk: Walk) -> Pass:
    return await read_sweep(walk.stream, walk.sweep, vendor, walk.window)


def names(rows: Sequence[Any]) -> set[str]:
    return {f"{row.get('call_id') or row.get('id')}" for row in rows}


SIZES = st.sampled_from([1, 2, 3, 5, 7, 12, 99, 100, 101, 1000, 5000])
HOW = {
    "says": st.sampled_from(["cut", "asked", "none"]),
    "last": st.sampled_from(["cut", "said"]),
    "text": st.booleans(),
}


@pytest.mark.parametrize("walk", WALKS)
@settings(max_examples=80, deadline=None)
@given(rows=st.integers(0, 12), sizes=st.lists(SIZES, min_size=1, max_size=4), how=st.fixed_dictionaries(HOW))
@example(rows=9, sizes=[2, 5], how={"says": "cut", "last": "cut", "text": False})
@example(rows=9, sizes=[5, 2], how={"says": "asked", "last": "cut", "text": True})
async def test_whatever_sizes_pages_have_each_record_came_or_no_cursor_moves(
    walk: str, rows: int, sizes: list[int], how: dict[str, Any]
) -> None:
    vendor = Vendor(WALKS[walk], rows, sizes, **how)
    done = await walked(vendor, WALKS[walk])
    if done.error is None:
        assert done.end.cursor
        assert names(done.records()) == names(vendor.rows)
    else:
        assert isinstance(done.error, Shifted | Unexpected)
        assert done.cursors == [None] * len(done.pages)


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("size", [1, 3, 50, 5000])
async def test_a_size_that_is_another_one_and_stays_is_read_on_by(walk: str, size: int, text: bool) -> None:
    vendor = Vendor(WALKS[walk], 7, [size], says="cut", last="cut", text=text)
    done = await walked(vendor, WALKS[walk])
    assert done.error is None
    assert done.end.cursor
    assert names(done.records()) == names(vendor.rows)
    assert len(done.pages) - -(-7 // size) in {0, 1}, "one more is asked for where the last one is full"


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("sizes", [[2, 5], [5, 2], [3, 1, 3], [5000, 2]])
async def test_a_size_that_changes_on_the_way_moves_no_cursor(walk: str, sizes: list[int]) -> None:
    vendor = Vendor(WALKS[walk], 11, sizes, says="cut", last="cut", text=False)
    done = await walked(vendor, WALKS[walk])
    assert (done.error is None) == (sizes[0] >= 11), "unless all came at once"
    if done.error:
        assert "its pages held" in f"{done.error}"
        assert done.cursors == [None] * len(done.pages)
