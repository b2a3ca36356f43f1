"""`make audit` looks every lock up, and fails where one of them has a weakness, or could not be looked up.

Killed: a lock that is left out; the last lock's result taken for that of all; packages that are skipped in silence.
"""

import subprocess
from pathlib import Path

import pytest

from tests.commands.running import ROOT

FAKE = '#!/bin/sh\necho "$@" >> {log}\nfor lock; do :; done\n[ "$lock" != "{bad}" ]\n'


def audited(folder: Path, bad: str) -> tuple[int, list[str], str]:
    """Run it with a tool in the place of pip-audit that finds something in one lock.

    Returns the exit code, all calls, and what was said on standard error.
    """
    (folder / "venv-audit/bin").mkdir(parents=True)
    (folder / "venv").mkdir()
    tool, log = folder / "venv-audit/bin/pip-audit", folder / "log"
    tool.write_text(FAKE.format(log=log, bad=bad))
    tool.chmod(0o755)
    for built in (folder / "venv/.built", folder / "venv-audit/.built"):  # newer than the locks
        built.touch()
    command = ["make", "audit", f"VENV={folder}/venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, log.read_text().splitlines(), done.stderr


@pytest.mark.parametrize("bad", ["none", "requirements.lock", "requirements-tools.lock"])
def test_every_lock_is_looked_up_whatever_comes_of_the_others(tmp_path: Path, bad: str) -> None:
    code, calls, said = audited(tmp_path, bad)
    locks = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.lock"), *ROOT.glob("tests/**/*.lock"))]
    assert sorted(call.split()[-1] for call in calls) == sorted(locks)
    assert all("--strict" in call.split() for call in calls)
    assert (code == 0) == (bad == "none")
    assert ("Upgrade what has a weakness" in said and "pypi.org" in said) == (bad != "none")
