"""Each recipe loads, says what it is, and delivers what its API shows: each record once, each edit as a revision."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from poller.config.json_schema import config_schema
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


def test_an_editor_finds_no_mistake_in_a_recipe() -> None:
    validator = jsonschema.Draft202012Validator(config_schema())
    found = {recipe: list(validator.iter_errors(yaml.safe_load(text_of(recipe)))) for recipe in RECIPES}
    assert {recipe: errors for recipe, errors in found.items() if errors} == {}


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_head_of_a_recipe_says_what_it_is(recipe: str) -> None:
    head = re.sub(r"\n#  *", " ", "\n" + text_of(recipe).partition("\nsources:")[0])
    for part in (r"Documentation: https://\S+", r"Reads: .+", r"Cannot see: .+", r"Quota: .+"):
        assert re.search(part, head), part
    (name,) = yaml.safe_load(text_of(recipe))["sources"]
    assert f"No live account has seen this recipe yet. What of it holds on yours: poller check --deep {name} -c" in head


def test_every_recipe_ends_at_the_console() -> None:
    assert [one for one in RECIPES if not text_of(one).endswith("outputs:\n  events: {type: stdout}\n")] == []
    assert [path.name for path in FOLDER.iterdir() if path.suffix not in {".yaml", ".md"}] == []


def test_the_page_on_recipes_names_each() -> None:
    page = (FOLDER / "README.md").read_text()
    assert [recipe for recipe in RECIPES if f"({recipe}.yaml)" not in page] == []


MINUTE = timedelta(minutes=1)
BIRTHS, LIFE = 32 * MINUTE, 76 * MINUTE
"""So long rows come up, and so long they are polled: in the end lists are empty."""


def test_every_recipe_is_run() -> None:
    assert set(DOUBLES) == set(RECIPES)


@pytest.mark.parametrize("recipe", DOUBLES)
def test_a_recipe_delivers_every_row_once_and_each_edit_as_a_revision(tmp_path: Path, recipe: str) -> None:
    api = DOUBLES[recipe]
    simulation = Simulation(tmp_path, {recipe: source_of(recipe)})
    rows = LateRows(simulation.now, BIRTH - 60 * MINUTE, api.every)
    rows.last = BIRTH + BIRTHS
    simulation.app = double = Double(api, rows)
    simulation.poll(LIFE.total_seconds())
    assert double.refusals == []
    failed = failures(simulation)
    assert set(failed) == {api.limited}
    assert failed[api.limited] <= double.limited
    assert simulation.rejects(recipe) == []
    for stream in simulation.pipelines[0].streams:
        assert stream.checkpoint.gaps == []
    for name in source_of(recipe).streams:
        require_told(api, name in api.hides, rows, simulation.events(recipe, name))


def failures(simulation: Simulation) -> Counter[str]:
    """Count the passes that broke off, by their outcome."""
    counted = re.findall(r'poller_polls_total\{outcome="(\w+)".*?\} (\d+)', simulation.telemetry.render().decode())
    found: Counter[str] = Counter()
    for outcome, count in counted:
        found[outcome] += int(count)
    return Counter({outcome: count for outcome, count in found.items() if count and outcome != "complete"})


def require_told(api: Documented, hides: bool, rows: LateRows, events: list[dict[str, Any]]) -> None:
    """Fail unless each row was told, and each of its contents once."""
    assert len({event["id"] for event in events}) == len(events)
    assert [event for event in events if not api.says.items() <= event["data"].items()] == []
    told: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        told.setdefault(event["subject"], []).append(event)
    for row in rows.visible():
        hidden, old = hides and row["state"] == "deleted", row["created_at"] < BIRTH
        own = told.pop(str(api.shape(row)[api.identity]), [])
        changes = api.edits * (row["id"] % 3 == 0) + (api.deletes and not hides) * (row["id"] % 10 == 0)
        assert len(own) == 1 + changes or (old and (not hidden) <= len(own) <= 1 + changes), own
        assert hidden or compared(own[-1]["data"]["raw"], api) == compared(api.shape(row), api)
    assert told == {}


def compared(raw: dict[str, Any], api: Documented) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name not in api.passing}
