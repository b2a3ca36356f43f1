"""A short run of the fuzzer with a fixed seed; and whether it sees what it looks for."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.__main__ import TARGETS, Findings
from tests.fuzz.limits import limited
from tests.fuzz.target import Case, Finding, Target

pytestmark = pytest.mark.slow
CASES = 8


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_only_documented_errors_come_out_of_a_reader(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    findings = Findings()
    found = [number for number in range(CASES) if not findings.run(target, 1, number)]
    assert found == [], capsys.readouterr().out


class _Broken(Target, Case):
    """A reader with one bug."""

    name, document = "broken", b"the document"

    def __init__(self, bug: Callable[[], object]) -> None:
        self._bug = bug

    def case(self, rng: Random) -> Case:
        assert rng.random() == Random("7/broken/3").random()
        return self

    def run(self) -> None:
        self._bug()


def test_a_finding_is_told_once_with_its_document_and_how_to_have_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    findings, target = Findings(), _Broken(lambda: {}["a"])  # type: ignore[index]
    assert not findings.run(target, 7, 3)
    said = capsys.readouterr().out
    assert "KeyError: 'a'" in said
    assert "python -m tests.fuzz --target broken --seed 7 --case 3" in said
    path = Path(said.split("its document: ")[1].strip())
    assert path.read_bytes() == b"the document"
    path.unlink()
    path.parent.rmdir()
    assert not findings.run(target, 7, 3)
    assert capsys.readouterr().out == ""


def test_a_hang_is_a_finding() -> None:
    until = time.monotonic() + 30
    with pytest.raises(Finding, match="it hangs"), limited(seconds=0.05):
        _busy(until)


def _busy(until: float) -> None:
    while time.monotonic() < until:
        pass


def test_memory_without_bounds_is_a_finding() -> None:
    with pytest.raises(Finding, match=r"it took \d+ MiB"), limited(memory=64 << 20):
        len(b"x" * (512 << 20))
