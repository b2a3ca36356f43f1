import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog

from poller.telemetry import configure_logging


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give the process its logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def logged(own_logging: None) -> Callable[[], list[dict[str, Any]]]:
    """The lines logged so far."""
    stream = io.StringIO()
    configure_logging(stream)
    return lambda: [orjson.loads(line) for line in stream.getvalue().splitlines()]
