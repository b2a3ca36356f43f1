"""`make mutation OF=poller/events/seen.py`: mutmut changes a module in every small way, and tests have to notice.

The tests are those of the module's room (ROOMS), or as you say (`--tests`), but for those that take longer than
LONGEST; of these, mutmut runs for each mutant those that reach the function it stands in
(https://mutmut.readthedocs.io). Works on a copy below build/mutation; prints the survivors as diffs, and how many of
how many they are. What survives may yet fall to a slow test or a law.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

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
ENVIRON = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONDONTWRITEBYTECODE": "1"}
LONGEST = 1.0
"""Seconds of the longest test that is run for a mutant."""


def tests_of(module: str) -> list[str]:
    """Return the test files and folders that concern a module. Raises SystemExit where there are none."""
    found = next((tests for start, tests in ROOMS.items() if module.startswith(start)), [])
    room = module.split("/")[-2]
    named = [str(path.relative_to(ROOT)) for one in found for path in sorted(ROOT.glob(one.format(room=room)))]
    if not named:
        raise SystemExit(f"{module}: no tests are known to concern it: name them with TESTS=")
    return named


def too_long(place: Path, tests: Sequence[str]) -> list[str]:
    """Run the tests once; return those that take longer than LONGEST. Raises SystemExit where one fails."""
    marked = [sys.executable, "-m", "pytest", *PYTEST, "-k", UNMEASURED, "-o", "junit_family=xunit1"]
    command = [*marked, "--junitxml=times.xml", *tests]
    done = subprocess.run(command, cwd=place, env=ENVIRON, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the tests fail without a mutant:\n{done.stdout[-3000:]}")
    cases = ElementTree.parse(place / "times.xml").iter("testcase")  # noqa: S314  pytest wrote it
    slow = [case for case in cases if float(case.get("time", 0)) > LONGEST]
    return [_node(case.get("file", ""), case.get("classname", ""), case.get("name", "")) for case in slow]


def _node(file: str, classname: str, name: str) -> str:
    """Return what pytest deselects a test by."""
    within = classname.removeprefix(file.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join([file, *([within] if within else []), name])


def settings(module: str, tests: Sequence[str], without: Sequence[str]) -> str:
    """Return mutmut's settings, as a table of pyproject.toml."""
    left_out = [word for test in without for word in ("--deselect", test)]
    table = {
        "source_paths": ["poller"],
        "only_mutate": [module],
        "also_copy": [name for name in COPIED if name != "poller"],
        "pytest_add_cli_args": [*PYTEST, "-k", UNMEASURED, *left_out],
        "pytest_add_cli_args_test_selection": list(tests),
        "timeout_multiplier": 5.0,
        "timeout_constant": 5.0,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def lay_out(module: str, tests: Sequence[str]) -> Path:
    """Copy the repository as it stands, with mutmut's settings. Raises SystemExit where a test fails."""
    place = WORKSHOP / module.removesuffix(".py").replace("/", ".")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)
    without = too_long(place, tests)
    sys.stdout.write(f"{module}: {', '.join(tests)}, without {len(without)} that take longer than {LONGEST:g} s\n")
    sys.stdout.flush()
    with (place / "pyproject.toml").open("a") as file:
        file.write(settings(module, tests, without))
    return place


def mutmut(place: Path, *arguments: str) -> str:
    """Run mutmut there; return what it prints. Raises SystemExit where it fails."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=place, env=ENVIRON, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def report(module: str, place: Path) -> int:
    """Print the survivors and the sum; return 1 where there are survivors."""
    results = [line.strip().partition(": ")[::2] for line in mutmut(place, "results", "--all", "true").splitlines()]
    fates = {name: fate for name, fate in results if fate}
    survivors = [name for name, fate in fates.items() if fate not in {"killed", "timeout"}]
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
