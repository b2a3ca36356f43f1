"""A pytest plugin for `make mutation`: tests are timed by the processor's clock, and the long ones left out after that.

A busy machine makes every test seem long, and what is left out kills nothing: so no clock on the wall is asked.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

LONGEST = 10.0
"""Seconds of processor time of the longest test that is run for a mutant."""
TIMES = Path(os.environ.get("TEST_TIMES", "times.json"))
"""Test to seconds; written by a run that does not find it, and obeyed by the runs that do."""
_MEASURED: dict[str, float] = {}

settings.register_profile(
    "mutation", max_examples=20, deadline=None, database=None, phases=[Phase.explicit, Phase.generate]
)  # that a test fails is enough: the smallest example that makes it fail would take it minutes


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    begun = time.process_time()
    done = yield
    _MEASURED[item.nodeid] = time.process_time() - begun
    return done


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    times = json.loads(TIMES.read_text()) if TIMES.exists() else {}
    long = [item for item in items if times.get(item.nodeid, 0.0) > LONGEST]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not TIMES.exists() and not session.config.option.collectonly:
        TIMES.write_text(json.dumps(_MEASURED))
