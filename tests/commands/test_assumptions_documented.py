"""docs/assumptions.md names the assumptions that the code names, in the same words."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from poller.plugin.assumptions import Assumption
from poller.sandbox.accounts import DESCRIBED
from tests.commands.running import ROOT
from tests.simulation import ACCOUNTS
from tests.sources.rest.test_assumptions import described

NOW = datetime(2026, 3, 14, 16, tzinfo=UTC)
VENDORS = sorted(ACCOUNTS.keys() - {DESCRIBED})
PAGE = (ROOT / "docs/assumptions.md").read_text(encoding="utf-8")


def rows(assumptions: Sequence[Assumption]) -> list[str]:
    """The rows of a table, one each; one that several streams share is one."""
    shared: dict[tuple[str, ...], list[str]] = {}
    for one in assumptions:
        found = (one.name, one.says, one.rests, one.guard, one.asks or "nothing: it cannot be told", one.consequence)
        words = tuple(text.replace(f"streams.{one.stream}.", "streams.….") for text in found)
        shared.setdefault(words, []).append(one.stream)
    return [f"| `{words[0]}` ({', '.join(streams)}) | {' | '.join(words[1:])} |" for words, streams in shared.items()]


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {name}"
    return found[1]


def table(name: str) -> list[str]:
    return [line for line in section(name).splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_page_has_what_the_vendors_file_names(vendor: str) -> None:
    assert table(vendor) == rows(ACCOUNTS[vendor]().assumptions(NOW))


def test_the_page_has_what_a_description_assumes() -> None:
    named = {one.name: one for kind in ("trackdrive", "flextell") for one in described(kind).assumptions(NOW)}
    told = {re.findall(r"`([\w-]+)`", row)[0] for row in table("rest")}
    assert told == {*named, "edits-stamped"}


def test_a_name_is_there_once_a_stream() -> None:
    for account in ACCOUNTS.values():
        names = [(one.stream, one.name) for one in account().assumptions(NOW)]
        assert len(set(names)) == len(names)


def test_a_setting_that_a_consequence_names_is_one() -> None:
    for vendor in VENDORS:
        source = ACCOUNTS[vendor]()
        for one in source.assumptions(NOW):
            for stream, sweep, key in re.findall(r"streams\.(\w+)\.sweeps\.(\w+)(?:\.(\w+))?", one.consequence):
                timing = getattr(getattr(source.streams, stream).sweeps, sweep)  # type: ignore[attr-defined]
                assert not key or hasattr(timing, key), one
            assert "`timezone`" not in one.consequence or hasattr(source, "timezone"), one
