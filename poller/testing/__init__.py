"""The contracts of sources and outputs as suites of tests, to be inherited by the tests of a package that brings one.

They are the suites that poller's own vendors and outputs pass. `pip install "poller[testing]"` installs what they need.
"""

import pytest

# A test of a suite that fails then shows its values, as other tests do.
pytest.register_assert_rewrite("poller.testing.source_contract", "poller.testing.output_contract")

from poller.testing.faults import FAULTS, FaultyDouble  # noqa: E402  after the line above
from poller.testing.messages import Ledger, message, messages, values  # noqa: E402
from poller.testing.output_contract import Destination, OutputContract, break_os_write  # noqa: E402
from poller.testing.recorded import NOW, Answer, Pass, Recorded, read_sweep  # noqa: E402
from poller.testing.simulation import BIRTH, Simulation  # noqa: E402
from poller.testing.source_contract import SourceContract  # noqa: E402

__all__ = [
    "BIRTH",
    "FAULTS",
    "NOW",
    "Answer",
    "Destination",
    "FaultyDouble",
    "Ledger",
    "OutputContract",
    "Pass",
    "Recorded",
    "Simulation",
    "SourceContract",
    "break_os_write",
    "message",
    "messages",
    "read_sweep",
    "values",
]
