"""Feed mutated documents to all that reads what is not ours, for so long: `python -m tests.fuzz --minutes 1 --seed 1`.

Prints how many cases each target had. On a finding it prints what came, how to run the case again (`--target NAME
--seed SEED --case N`), and where the document lies; exits 1.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from poller.telemetry.logging import configure_logging
from tests.fuzz.configuration import Configuration
from tests.fuzz.limits import limited
from tests.fuzz.recording import Recording
from tests.fuzz.sources import REST, VENDORS
from tests.fuzz.state import Export, StateFile
from tests.fuzz.target import Target, rng_of

TARGETS: Sequence[Target] = [*VENDORS, REST, Configuration(), StateFile(), Export(), Recording()]
_TURN = 20
"""Cases of a target after which it is another one's turn."""


class Findings:
    """What was found: each sort of it is told once, with its document in a folder of its own."""

    def __init__(self) -> None:
        self._told: set[tuple[str, ...]] = set()
        self._folder: Path | None = None

    def run(self, target: Target, seed: int, number: int) -> bool:
        """Run a case; return False where it is a finding."""
        case = target.case(rng_of(seed, target.name, number))
        try:
            with limited():
                case.run()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  that is what is looked for
            if (sort := (type(error).__name__, *_place_of(error))) not in self._told:
                self._told.add(sort)
                self._tell(target, seed, number, case.document)
            return False
        return True

    def _tell(self, target: Target, seed: int, number: int, document: bytes) -> None:
        self._folder = self._folder or Path(mkdtemp(prefix="poller-fuzz-"))
        path = self._folder / f"{target.name}-{seed}-{number}"
        path.write_bytes(document)
        again = f"python -m tests.fuzz --target {target.name} --seed {seed} --case {number}"
        sys.stdout.write(f"{traceback.format_exc()}\n{again}\n  its document: {path}\n\n")


def _place_of(error: BaseException) -> Sequence[str]:
    """Return the last line of ours that an error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno}" for frame in frames if "site-packages" not in frame.filename][-1:]


def fuzz(targets: Sequence[Target], seed: int, seconds: float) -> bool:
    """Run cases in turn for so long; return True where nothing was found."""
    until, found = time.monotonic() + seconds, Findings()
    cases, findings = dict.fromkeys(targets, 0), dict.fromkeys(targets, 0)
    while time.monotonic() < until:
        for target in targets:
            for number in range(cases[target], cases[target] + _TURN):
                findings[target] += not found.run(target, seed, number)
            cases[target] += _TURN
    for target in targets:
        sys.stdout.write(f"{target.name}: {cases[target]} cases, {findings[target]} findings\n")
    return not any(findings.values())


def main() -> int:
    """Run from the command line; return 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=[target.name for target in TARGETS], action="append")
    parser.add_argument("--case", type=int)
    asked = parser.parse_args()
    configure_logging(Path("/dev/null").open("w"))  # noqa: SIM115  as long as the process lives
    targets = [target for target in TARGETS if asked.target is None or target.name in asked.target]
    if asked.case is not None:
        return int(not all(Findings().run(target, asked.seed, asked.case) for target in targets))
    return int(not fuzz(targets, asked.seed, asked.minutes * 60))


if __name__ == "__main__":
    sys.exit(main())
