"""Each recipe loads, says what it is, and delivers all that its API shows: each record once, each edit as a revision."""

import re

import pytest

from tests.sources.rest.recipes import FOLDER, RECIPES, source_of, text_of

THE_ISSUE = {
    "callrail", "twilio", "aircall", "ringcentral", "dialpad", "invoca", "genesys", "zendesk", "hubspot", "intercom",
    "pipedrive", "salesforce", "stripe", "shopify", "github", "okta", "pagerduty", "freshdesk", "jira",
}  # fmt: skip


def test_there_is_a_recipe_for_each_of_these_apis() -> None:
    assert set(RECIPES) == THE_ISSUE


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
