"""Hours of `make simulate`: what is delivered is the truth, and a seed leaves the same log whenever it is used."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.simulation.week import simulate

pytestmark = pytest.mark.slow


FEW = ("callcap", "flextell", "helpdesk")


def test_some_hours_end_with_the_truth_and_can_be_replayed() -> None:
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    digests = []
    for _ in range(2):
        with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
            good, digest = simulate(Path(folder), days=0.3, seed=1, rate=0.05, sources=FEW)
            assert good
        digests.append(digest)
    assert digests[0] == digests[1]
