"""What all tests share: quiet logs, and which of a vendor's documented pitfalls which test covers."""

from collections import defaultdict
from collections.abc import Iterable

import pytest

PITFALLS = {"callcap": range(1, 16), "flextell": range(1, 16), "trackdrive": range(1, 18), "ipscape": range(1, 15)}
"""How many ways to lose, to repeat and to misread a record are known of each vendor: numbered in docs/pitfalls.md."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(vendor, *numbers): which known pitfalls of a vendor the test covers")
    config.addinivalue_line("markers", "slow: real processes for a minute or more")


def coverage(items: Iterable[pytest.Item]) -> dict[tuple[str, int], list[str]]:
    """Pitfall to the tests that cover it."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for item in items:
        for marker in item.iter_markers("covers"):
            vendor, *numbers = marker.args
            for number in numbers:
                name = item.nodeid.partition("[")[0]
                if name not in found[vendor, number]:
                    found[vendor, number].append(name)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    session = getattr(config, "_session_items", None)
    if not session:
        return
    terminalreporter.section("known pitfalls, and the tests that cover them")
    for (vendor, number), names in sorted(coverage(session).items()):
        terminalreporter.write_line(f"{vendor} {number}: {', '.join(names)}")


def pytest_collection_finish(session: pytest.Session) -> None:
    whole = session.config.args in (["tests"], []) or session.config.args_source.name == "TESTPATHS"
    session.config._session_items = list(session.items) if whole else None  # type: ignore[attr-defined]


@pytest.fixture
def pitfalls_covered(request: pytest.FixtureRequest) -> dict[tuple[str, int], list[str]]:
    items = request.config._session_items  # type: ignore[attr-defined]
    if items is None:
        pytest.skip("says something only when the whole suite is collected: run pytest without naming files")
    return coverage(items)
