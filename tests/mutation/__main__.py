"""`make mutation OF=poller/events/seen.py`: mutmut changes a module in every small way, and tests have to notice.

The tests are those of the module's room (ROOMS), or as you say (`--tests`); of these, mutmut runs for each mutant those
that reach the function it stands in (https://mutmut.readthedocs.io). Works on a copy below build/mutation, prints the
survivors as diffs, and how many of how many they are. Slow tests are left out: what survives may yet fall to a law.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from glob import glob
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKSHOP = ROOT / "build/mutation"
COPIED = ("poller", "outputs", "tests", "docs", "helm", "config.yaml", "pyproject.toml", "Makefile", "README.md")
ROOMS: Mapping[str, Sequence[str]] = {
    "poller/events/": ["tests/events"],
    "poller/polling/": ["tests/polling"],
    "poller/state/": ["tests/state"],
    "poller/plugin/": ["tests/sources"],
    "poller/sources/rest/": ["tests/sources/rest"],
    "poller/sources/": ["tests/sources/test_{room}_*.py", "tests/sources/test_vendor_contract.py"],
    "poller/config/": ["tests/config"],
    "poller/http/": ["tests/http"],
    "poller/recording/": ["tests/recording"],
}
"""Where a module lies, and the tests that concern it; the first that fits."""
PYTEST = ["-n0", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", "not long and not slow and not exhaustive"]
UNMEASURED = "not million and not seconds"
"""What measures time or memory measures mutmut's bookkeeping, too."""


def tests_of(module: str) -> list[str]:
    """Return the test files and folders that concern a module. Raises SystemExit where there are none."""
    found = next((tests for start, tests in ROOMS.items() if module.startswith(start)), [])
    room = module.split("/")[-2]
    named = [path for one in found for path in sorted(glob(one.format(room=room), root_dir=ROOT))]
    if not named:
        raise SystemExit(f"{module}: no tests are known to concern it: name them with TESTS=")
    return named


def settings(module: str, tests: Sequence[str]) -> str:
    """Return mutmut's settings, as a table of pyproject.toml."""
    table = {
        "source_paths": ["poller"],
        "only_mutate": [module],
        "also_copy": [name for name in COPIED if name != "poller"],
        "pytest_add_cli_args": [*PYTEST, "-k", UNMEASURED],
        "pytest_add_cli_args_test_selection": list(tests),
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def lay_out(module: str, tests: Sequence[str]) -> Path:
    """Copy the repository as it stands, with mutmut's settings."""
    place = WORKSHOP / module.removesuffix(".py").replace("/", ".")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)
    with (place / "pyproject.toml").open("a") as file:
        file.write(settings(module, tests))
    return place


def mutmut(place: Path, *arguments: str) -> str:
    """Run mutmut there; return what it prints. Raises SystemExit where it fails."""
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def report(module: str, place: Path) -> int:
    """Print the survivors and the sum; return 1 where there are survivors."""
    results = [line.strip().partition(": ")[::2] for line in mutmut(place, "results", "--all", "true").splitlines()]
    fates = {name: fate for name, fate in results if fate}
    survivors = [name for name, fate in fates.items() if fate != "killed" and fate != "timeout"]
    for name in survivors:
        diff = mutmut(place, "show", name).split("\n+++ ")[-1].partition("\n")[2]
        sys.stdout.write(f"\n{name}: {fates[name]}\n{diff}")
    sums = {fate: list(fates.values()).count(fate) for fate in sorted(set(fates.values()))}
    told = ", ".join(f"{count} {fate}" for fate, count in sums.items())
    sys.stdout.write(f"\n{module}: {len(survivors)} of {len(fates)} mutants survive ({told})\n")
    return int(bool(survivors))


def main() -> int:
    """Run from the command line; return 0 where every mutant was noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", help="such as poller/events/seen.py")
    parser.add_argument("--tests", nargs="*", help="test files and folders, instead of those of its room")
    asked = parser.parse_args()
    if not (ROOT / asked.module).is_file():
        raise SystemExit(f"{asked.module}: there is no such module: name one as OF=poller/events/seen.py")
    place = lay_out(asked.module, asked.tests or tests_of(asked.module))
    mutmut(place, "run", "--max-children", "1")
    return report(asked.module, place)


if __name__ == "__main__":
    sys.exit(main())
