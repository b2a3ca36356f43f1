"""What all tests share: a Kafka to write to, and which of a vendor's documented pitfalls which test covers."""

import gc
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from poller.redaction import SECRETS
from tests.kafka.broker import Broker
from tests.kafka.jars import NoKafka
from tests.kafka.reading import Place
from tests.kafka.shared import shared

if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment] # httpx looks for it anew at each request of a test

settings.register_profile("quick", max_examples=30, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
settings.load_profile("quick")

PITFALLS = {
    "agendize": range(1, 16),
    "callcap": range(1, 17),
    "flextell": range(1, 16),
    "ipscape": range(1, 16),
    "trackdrive": range(1, 18),
}
"""How many ways to lose, to repeat and to misread a record are known of each vendor: numbered in docs/pitfalls.md."""
COVERED = pytest.StashKey[dict[str, list[str]] | None]()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for processes and brokers of their own."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(vendor, *numbers): which known pitfalls of a vendor the test covers")
    config.addinivalue_line("markers", "long: has a command of its own, `make test-long`")
    config.addinivalue_line("markers", "exhaustive: all of what others draw from or ask of one; `make test-exhaustive`")
    config.addinivalue_line("markers", "slow: minutes in all, so run on one Python only (.ci/run)")


def pytest_runtest_teardown() -> None:
    SECRETS.forget()  # what one test's configuration holds is no secret of another's


def coverage(items: Iterable[pytest.Item]) -> dict[str, list[str]]:
    """Pitfall ("vendor number") to the tests that cover it."""
    found: dict[str, list[str]] = defaultdict(list)
    for item in items:
        for marker in item.iter_markers("covers"):
            vendor, *numbers = marker.args
            for number in numbers:
                name = item.nodeid.partition("[")[0]
                if name not in found[f"{vendor} {number}"]:
                    found[f"{vendor} {number}"].append(name)
    return dict(found)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Eleven thousand tests stay until the end: looking through them again and again for garbage is a quarter of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    whole = session.config.args in (["tests"], []) or session.config.args_source.name == "TESTPATHS"
    session.config.stash[COVERED] = coverage(session.items) if whole else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["covered"] = session.config.stash.get(COVERED, None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Tests run in several processes, each of which has found them all."""
    node.config.stash[COVERED] = getattr(node, "workeroutput", {}).get("covered")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if covered := config.stash.get(COVERED, None):
        terminalreporter.section("known pitfalls, and the tests that cover them")
        for pitfall in sorted(covered, key=lambda name: (name.split()[0], int(name.split()[1]))):
            terminalreporter.write_line(f"{pitfall}: {', '.join(covered[pitfall])}")


@pytest.fixture
def pitfalls_covered(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    covered = request.config.stash[COVERED]
    if covered is None:
        pytest.skip("says something only when the whole suite is collected: run pytest without naming files")
    return covered


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that all of pytest's workers share."""
    folder = tmp_path_factory.getbasetemp()
    with _kafka(), shared(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as broker:
        yield broker


@pytest.fixture(scope="session")
def frail_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of this worker alone, which a test may freeze and kill, and makes well again."""
    with _kafka():
        broker = Broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that no other test uses, to be moved, emptied and stopped."""
    with _kafka():
        broker = Broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()


@contextmanager
def _kafka() -> Iterator[None]:
    try:
        yield
    except NoKafka as error:
        pytest.skip(f"NOTHING WAS TESTED ON A REAL KAFKA: {error}")


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> Place:
    """Topics of its own for each test, on the broker that POLLER_TEST_KAFKA names (host:port), or on ours."""
    at = os.environ.get("POLLER_TEST_KAFKA") or request.getfixturevalue("broker").at["PLAINTEXT"]
    return Place(at)
