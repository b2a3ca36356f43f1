"""The table of sloppy answers: every kind over a vendor's double, and in `make test-exhaustive` over every one's."""

import pytest

from tests.laws.sloppy import IN_TURN, careless, objections, standing_still

pytestmark = pytest.mark.slow

YEAR_LONG = "retry_after_a_year"


@pytest.mark.parametrize(("kind", "vendor"), [pair for pair in IN_TURN if pair.values[0] != YEAR_LONG])
def test_a_careless_vendor_is_read_as_it_means(kind: str, vendor: str) -> None:
    with careless(kind, vendor) as simulation:
        simulation.live(120)
        simulation.world.quiet()
        simulation.live(130)
        found = objections(simulation, vendor) + standing_still(simulation)
        if not found:
            simulation.world.vices.clear()
            simulation.live(45)
            found = [f"spelt well again, {line}" for line in objections(simulation, vendor)]
    assert not found, found
