"""Each recipe loads, says what it is, and delivers what its API shows: each record once, each edit as a revision."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from poller.testing.simulation import BIRTH, Simulation
from tests.sources.rest import documented_calls as calls
from tests.sources.rest import documented_links as links
from tests.sources.rest import documented_lists as lists
from tests.sources.rest.documented import Documented, Double, LateRows
from tests.sources.rest.recipes import FOLDER, RECIPES, source_of, text_of

DOUBLES: Mapping[str, Documented] = {
    "callrail": calls.CALLRAIL,
    "twilio": calls.TWILIO,
    "aircall": calls.AIRCALL,
    "ringcentral": calls.RINGCENTRAL,
    "dialpad": calls.DIALPAD,
    "invoca": calls.INVOCA,
    "genesys": calls.GENESYS,
    "zendesk": lists.ZENDESK,
    "hubspot": lists.HUBSPOT,
    "intercom": lists.INTERCOM,
    "pipedrive": lists.PIPEDRIVE,
    "salesforce": lists.SALESFORCE,
    "stripe": lists.STRIPE,
    "shopify": lists.SHOPIFY,
    "github": links.GITHUB,
    "okta": links.OKTA,
    "pagerduty": links.PAGERDUTY,
    "freshdesk": links.FRESHDESK,
    "jira": links.JIRA,
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_loads_and_its_streams_can_be_built(recipe: str) -> None:
    source = source_of(recipe)
    assert source.base_url.startswith("https://")
    assert {stream.name for stream in source.built_streams} == set(source.streams)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_head_of_a_recipe_says_what_it_is(recipe: str) -> None:
    head = re.sub(r"\n#  *", " ", "\n" + text_of(recipe).partition("\nsources:")[0])
    for part in (r"Documentation: https://\S+", r"Reads: .+", r"Cannot see: .+", r"Quota: .+"):
        assert re.search(part, head), part
    assert "No live account has seen this recipe yet." in head


def test_every_recipe_ends_at_the_console() -> None:
    assert [one for one in RECIPES if not text_of(one).endswith("outputs:\n  events: {type: stdout}\n")] == []
    assert [path.name for path in FOLDER.iterdir() if path.suffix not in {".yaml", ".md"}] == []


def test_the_page_on_recipes_names_each() -> None:
    page = (FOLDER / "README.md").read_text()
    assert [recipe for recipe in RECIPES if f"({recipe}.yaml)" not in page] == []


MINUTE = timedelta(minutes=1)
LIFE = 70 * MINUTE
SETTLED = 36 * MINUTE
"""So long after its birth a row has its last content, and the sweeps have passed it."""


def test_every_recipe_is_run() -> None:
    assert set(DOUBLES) == set(RECIPES)


@pytest.mark.parametrize("recipe", DOUBLES)
def test_a_recipe_delivers_every_row_once_and_each_edit_as_a_revision(tmp_path: Path, recipe: str) -> None:
    api = DOUBLES[recipe]
    simulation = Simulation(tmp_path, {recipe: source_of(recipe)})
    rows = LateRows(simulation.now, BIRTH - 60 * MINUTE, api.every)
    simulation.app = double = Double(api, rows)
    simulation.poll(LIFE.total_seconds())
    assert double.refusals == []
    assert double.limited > 0
    assert simulation.rejects(recipe) == []
    for stream in simulation.pipelines[0].streams:
        assert stream.checkpoint.gaps == []
    for name in source_of(recipe).streams:
        require_told(api, rows, simulation.events(recipe, name))


def require_told(api: Documented, rows: LateRows, events: list[dict[str, Any]]) -> None:
    """Fail unless each row that is settled was told, and each of its contents once."""
    assert len({event["id"] for event in events}) == len(events)
    told: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        told.setdefault(event["subject"], []).append(event)
    settled = [row for row in rows.visible() if row["created_at"] < rows.now() - SETTLED]
    settled = [row for row in settled if not (api.hides and row["state"] == "deleted" and row["created_at"] < BIRTH)]
    assert len([row for row in settled if row["created_at"] > BIRTH]) > 50
    assert [told for told in events if not api.says.items() <= told["data"].items()] == []
    for row in settled:
        own = told.pop(str(api.shape(row)[api.identity]))
        if not (api.hides and row["state"] == "deleted"):
            assert compared(own[-1]["data"]["raw"], api) == compared(api.shape(row), api)
        changes = api.edits * (row["id"] % 3 == 0) + (api.deletes and not api.hides) * (row["id"] % 10 == 0)
        assert len(own) == 1 + changes or (row["created_at"] < BIRTH and len(own) <= 1 + changes), own
    assert len(told) <= len(rows.visible()) - len(settled)


def compared(raw: dict[str, Any], api: Documented) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name not in api.passing}
