"""`make mutation OF=poller/events/seen.py`: mutmut changes a module in every small way, and tests have to notice.

The tests are those of the module's room (ROOMS), or as you say (`--tests`), but for the long ones (`quick.LONGEST`);
of these, mutmut runs for each mutant those that reach the function it stands in (https://mutmut.readthedocs.io). Works
on a copy below build/mutation; prints the survivors as diffs, how many of how many they are, and how long it took. What
survives may yet fall to a long test or a law.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.mutation.quick import LONGEST

ROOT = Path(__file__).parents[2]
WORKSHOP = ROOT / "build/mutation"
COPIED = ("poller", "outputs", "tests", "docs", "helm", "config.yaml", "pyproject.toml", "Makefile", "README.md")
ROOMS: Mapping[str, Sequence[str]] = {
    "poller/events/buckets.py": ["tests/events/test_seen*.py"],
    "poller/events/seen.py": ["tests/events/test_seen*.py", "tests/events/test_revisions.py"],
    "poller/events/transform.py": ["tests/events/test_re*s.py", "tests/events/test_left_alone.py"],
    "poller/events/": ["tests/events"],
    "poller/polling/progress/coverage.py": ["tests/polling/test_ranges.py", "tests/polling/test_announce.py"],
    "poller/polling/progress/ranges.py": ["tests/polling/test_ranges.py"],
    "poller/polling/loop.py": [
        "tests/polling/test_loop.py",
        "tests/polling/test_orders.py",
        "tests/polling/test_clock.py",
    ],
    "poller/polling/requests.py": ["tests/polling/test_requests.py"],
    "poller/polling/step.py": ["tests/polling/test_step.py"],
    "poller/polling/": ["tests/polling"],
    "poller/state/delivery.py": ["tests/state/test_delivery.py"],
    "poller/state/kafka/": [  # those without a broker: what survives may yet fall to those with one
        "tests/kafka/test_contents.py",
        "tests/kafka/test_partition.py",
        "tests/kafka/test_ledger_alone.py",
        "tests/kafka/test_watch.py",
        "tests/kafka/test_versions.py",
    ],
    "poller/state/sqlite/ledger.py": ["tests/state/test_sqlite_ledger.py", "tests/state/test_ledger.py"],
    "poller/state/": ["tests/state"],
    "poller/plugin/pagination/pages.py": ["tests/sources/test_pages.py", "tests/sources/test_full_last_page.py"],
    "poller/plugin/": ["tests/sources"],
    "poller/sources/rest/request.py": ["tests/sources/rest/test_request.py"],
    "poller/sources/rest/": ["tests/sources/rest"],
    "poller/sources/": ["tests/sources/test_{room}_*.py", "tests/sources/test_vendor_contract.py"],
    "poller/config/": ["tests/config"],
    "poller/http/": ["tests/http"],
    "poller/recording/": ["tests/recording"],
}
"""Where a module lies, and the tests that concern it; the first that fits."""
PYTEST = ["-n0", "-p", "no:cacheprovider", "-p", "tests.mutation.quick", "--hypothesis-seed=0"]
PYTEST += ["--hypothesis-profile=mutation", "-m", "not long and not slow and not exhaustive"]
PYTEST += ["-k", "not million and not seconds"]  # what measures time or memory measures mutmut's bookkeeping, too
ENDINGS = {1: "", 2: "[13579]", 5: "[16]", 10: "1"}
"""Every so manieth mutant, by the last digit of its number within its function: each function has a first one."""


def tests_of(module: str) -> list[str]:
    """Return the test files and folders that concern a module. Raises SystemExit where there are none."""
    found = next((tests for start, tests in ROOMS.items() if module.startswith(start)), [])
    room = module.split("/")[-2]
    named = [str(path.relative_to(ROOT)) for one in found for path in sorted(ROOT.glob(one.format(room=room)))]
    if not named:
        raise SystemExit(f"{module}: no tests are known to concern it: name them with TESTS=")
    return named


def environment(place: Path) -> dict[str, str]:
    """Return what commands there see of the environment: no setting of whoever runs this changes a result."""
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return {**kept, "TEST_TIMES": str(place / "times.json")}


def settings(module: str, tests: Sequence[str]) -> str:
    """Return mutmut's settings, as a table of pyproject.toml."""
    table = {
        "source_paths": ["poller"],
        "only_mutate": [module],
        "also_copy": [name for name in COPIED if name != "poller"],
        "pytest_add_cli_args": PYTEST,
        "pytest_add_cli_args_test_selection": list(tests),
        "timeout_multiplier": 10.0,  # of wall time: a mutant is not to die of a busy machine
        "timeout_constant": 4.0,
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
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=place, env=environment(place), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def report(module: str, place: Path, seconds: float) -> None:
    """Print the survivors, which are kept in a file as well, and the sum."""
    results = [line.strip().partition(": ")[::2] for line in mutmut(place, "results", "--all", "true").splitlines()]
    fates = {name: fate for name, fate in results if fate}
    tried = {name: fate for name, fate in fates.items() if fate != "not checked"}
    survivors = [name for name, fate in tried.items() if fate not in {"killed", "timeout"}]
    diffs = place / "survivors.diff"
    with diffs.open("w") as file:
        for name in survivors:
            diff = mutmut(place, "show", name).split("\n+++ ")[-1].partition("\n")[2]
            file.write(f"{name}: {fates[name]}\n{diff}\n")
    sys.stdout.write(f"\n{diffs.read_text()}")
    told = ", ".join(f"{count} {fate}" for fate, count in sorted(Counter(tried.values()).items()))
    say(f"{module}: {len(tried)} of {len(fates)} mutants tried: {told}")
    if late := [name for name, fate in tried.items() if fate == "timeout"]:
        say(f"without an end, or on a machine that was too busy: {', '.join(late)}")
    long = sum(seconds > LONGEST for seconds in json.loads((place / "times.json").read_text()).values())
    say(f"{len(survivors)} survive: {diffs.relative_to(ROOT)}; {seconds / 60:.1f} minutes")
    say(f"tests that take longer than {LONGEST:g} s, and were not asked: {long}")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", help="such as poller/events/seen.py")
    parser.add_argument("--tests", nargs="*", help="test files and folders, instead of those of its room")
    parser.add_argument("--every", type=int, choices=ENDINGS, default=1, help="try every so manieth mutant only")
    asked = parser.parse_args()
    if not (ROOT / asked.module).is_file():
        raise SystemExit(f"{asked.module}: there is no such module: name one as OF=poller/events/seen.py")
    begun = time.monotonic()
    tests = asked.tests or tests_of(asked.module)
    say(f"{asked.module}: {', '.join(tests)}")
    place = lay_out(asked.module, tests)
    chosen = [f"*__mutmut_*{ENDINGS[asked.every]}"] if asked.every > 1 else []
    mutmut(place, "run", "--max-children", "1", *chosen)
    report(asked.module, place, time.monotonic() - begun)


if __name__ == "__main__":
    main()
