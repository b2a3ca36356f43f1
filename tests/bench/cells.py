"""All that is measured."""

from collections.abc import Sequence

from tests.bench import many_sources, peers, polls, records, restart, restore, variants
from tests.bench.cell import Cell

CELLS: Sequence[Cell] = (
    *records.CELLS,
    *variants.CELLS,
    *polls.CELLS,
    *many_sources.CELLS,
    *restart.CELLS,
    *restore.CELLS,
    *peers.CELLS,
)
