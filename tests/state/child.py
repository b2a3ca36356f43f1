"""Code that runs in a process of its own, as somebody who owns nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_NOBODY = 65534
_SETUP = """
import sys
from pathlib import Path
from poller.errors import ConfigError
from poller.state.sqlite import file
from poller.state.sqlite.database import Database
folder = Path(sys.argv[1])
"""


def as_nobody(expression: str, folder: Path) -> str:
    """What this expression comes to there, or the ConfigError it raises. Permissions stop everybody but root."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    script = f"{_SETUP}\nimport os; os.setgroups([]); os.setgid({_NOBODY}); os.setuid({_NOBODY})\n"
    script += f"try: print(repr({expression}))\nexcept ConfigError as error: print(error)"
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
