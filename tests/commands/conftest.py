from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.running import House, callcap, flextell
from tests.commands.vendors import Vendors, serving


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Vendors]:
    with serving() as vendors:
        yield vendors


@pytest.fixture
def vendors(sandbox: Vendors) -> Iterator[Vendors]:
    """The sandbox that all tests here share: well-behaved, before and after."""
    yield sandbox
    sandbox.vices({})


@pytest.fixture
def house(vendors: Vendors, tmp_path: Path) -> House:
    """Both vendors, polled into files."""
    return House(tmp_path, {"acme": callcap(vendors.at), "crm": flextell(vendors.at)})
