"""Fixtures for the tests of the sandbox."""

import asyncio

import pytest

from .stage import Stage

asyncio.set_event_loop(None)  # else pytest-asyncio makes a loop that nobody closes, and the warning fails a test


@pytest.fixture
def stage() -> Stage:
    """An empty world at noon."""
    return Stage()
