"""All that is measured."""

from collections.abc import Sequence

from tests.bench import commit, described, many_sources, peers, polls, records, restart, restore, variants, vendors
from tests.bench.cell import Cell

CELLS: Sequence[Cell] = (
    *records.CELLS,
    *polls.CELLS,
    *variants.CELLS,
    *vendors.CELLS,
    *described.CELLS,
    *peers.CELLS,
    *many_sources.CELLS,
    *restart.CELLS,
    *commit.CELLS,
    *restore.CELLS,
)
