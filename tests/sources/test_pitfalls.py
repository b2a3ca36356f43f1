"""Every known pitfall of every vendor is covered by a test that names it."""

from tests.conftest import PITFALLS


def test_every_pitfall_is_covered(pitfalls_covered: dict[str, list[str]]) -> None:
    known = {f"{vendor} {number}" for vendor, numbers in PITFALLS.items() for number in numbers}
    assert known - pitfalls_covered.keys() == set()
    assert pitfalls_covered.keys() - known == set()
