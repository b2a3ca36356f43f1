"""Programs that look at what is shipped; where one is not here, the test is skipped, loudly."""

import shutil
import sys
from pathlib import Path

import pytest


def tool(name: str, remedy: str) -> str:
    """Where a program is. Skips the test where it is not, and says how to get it."""
    beside = Path(sys.executable).parent
    if found := shutil.which(name, path=beside) or shutil.which(name):
        return found
    pytest.skip(f"NOTHING WAS TESTED: needs {name}: {remedy}")
