"""The short version of `make crash`: some of the moments of one page, and of a rebalance.

Killed: a checkpoint saved before delivery; a claim that is believed before what others wrote until then is read; a
claim that fences nobody.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.chaos.everywhere import DEEDS, crash_everywhere
from tests.chaos.takeover import crash_takeovers


@pytest.mark.slow
def test_a_page_survives_a_crash_at_its_writes() -> None:
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        points, found = crash_everywhere(DEEDS["page"], Path(folder) / "here", stride=9)
    assert points > 5
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "stride"), [("moved", 3), ("loser", 30), ("heir", 90)])
def test_a_rebalance_survives_a_crash_at_its_moments(tmp_path: Path, kind: str, stride: int) -> None:
    points, found = crash_takeovers("callcap", kind, tmp_path, stride)
    assert points > 2
    assert found == []
