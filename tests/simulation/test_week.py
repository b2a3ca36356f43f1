"""Hours of `make simulate`: what is delivered is the truth, and a seed leaves the same log whenever it is used."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.simulation import Simulation, trackdrive
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


@pytest.mark.parametrize(("lookback", "events"), [("72h", 1), ("30d", 2)])
def test_a_redaction_that_no_log_names_is_seen_as_far_back_as_the_audit_looks(
    tmp_path: Path, lookback: str, events: int
) -> None:
    """So a week's audits have to look that far; docs/guarantees.md says so, too."""
    audit = {"every": "5m", "lookback": lookback}
    account = trackdrive(start="all", streams={"leads": {"sweeps": {"audit": audit}}})
    simulation = Simulation(tmp_path, {"acme": account}, history=timedelta(0), rate=0.0)
    lead = simulation.world.put("trackdrive/leads", at=simulation.now() - timedelta(hours=80))
    simulation.live(200)  # the log names its creation, and is followed until a minute after that
    simulation.world.edit("trackdrive/leads", lead, {"full_name": None, "_redacted": True})
    simulation.live(400)
    assert [event["subject"] for event in simulation.events("acme")] == [lead] * events
