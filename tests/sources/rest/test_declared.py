"""What the configuration declares of records is remembered: a changed description makes no news by itself."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from poller.errors import ConfigError
from poller.sandbox.api.list_rows import Rows
from poller.sandbox.api.list_server import Api, ListServer
from poller.sources.rest import Rest
from poller.state.account import account_id
from poller.testing.faults import FaultyDouble
from poller.testing.simulation import BIRTH, Simulation
from tests.sources.rest.test_list_server import refusal

PAGES = {"kind": "item", "params": {"updated_since": "{start}", "per_page": 100, "page": "{page}"}}


def configured(**stream: Any) -> Rest:
    fixed = {"type": "rest", "base_url": "http://list.example.com", "start": "all", "requests_per_minute": 600}
    return Rest.model_validate(fixed | {"streams": {"items": PAGES | stream}})


class Lives:
    """Lives of a poller over one vendor, each with a description of its own."""

    def __init__(self, folder: Path) -> None:
        self.simulation = Simulation(folder, {"acme": configured()})
        self.rows = Rows(self.simulation.now, BIRTH - timedelta(hours=1))
        self.simulation.app = FaultyDouble(ListServer(Api(), self.rows), self.simulation.now, refusal)

    def live(self, **stream: Any) -> list[dict[str, Any]]:
        """Return the events of a life under this description."""
        before = len(self.simulation.events("acme"))
        self.simulation.accounts = {"acme": configured(**stream)}
        self.simulation.poll(90_000, once=True)
        return self.simulation.events("acme")[before:]

    def stamp(self, **changes: Any) -> None:
        """Give the first record a new stamp, and these values."""
        self.rows.put({**self.first, "updated_at": self.simulation.now().replace(microsecond=0), **changes})

    @property
    def first(self) -> dict[str, Any]:
        return next(record for record in self.rows.visible() if record["id"] == 1)


def about_first(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events if event["subject"] == "1"]


def test_a_changed_list_of_volatile_fields_makes_no_revision_by_itself(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    assert about_first(lives.live(volatile=["title"])) == ["item.created"]
    lives.stamp()
    assert about_first(lives.live()) == []
    lives.stamp()
    assert about_first(lives.live(signed_urls=["title"])) == []


def test_a_field_that_is_volatile_no_more_makes_a_revision_where_it_changes(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.live(volatile=["title"])
    lives.stamp(title="changed while it was volatile")
    assert about_first(lives.live(volatile=["title"])) == []
    lives.stamp()
    assert about_first(lives.live()) == [], "the former list decides once"
    lives.stamp(title="changed since")
    assert about_first(lives.live()) == ["item.updated"]


@pytest.mark.parametrize("changed", [{"identity": "title"}, {"kind": "ticket"}])
def test_another_identity_or_kind_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    lives = Lives(tmp_path)
    lives.live()
    with pytest.raises(ConfigError, match=r"acme\.streams\.items: .*poller state reset acme\.items"):
        lives.live(**changed)
    assert account_id(configured()) == account_id(configured(**changed)), "nothing else would tell"
