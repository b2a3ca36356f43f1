"""The short version of `make crash`: some of the moments of one page. Killed: a checkpoint saved before delivery."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.chaos.everywhere import DEEDS, crash_everywhere


@pytest.mark.slow
def test_a_page_survives_a_crash_at_its_writes() -> None:
    shm = Path("/dev/shm")  # noqa: S108  fast where there is one
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        points, found = crash_everywhere(DEEDS["page"], Path(folder) / "here", stride=9)
    assert points > 5
    assert found == []
