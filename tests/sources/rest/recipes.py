"""The recipes of docs/recipes, loaded as a user would load them, with an environment that is made up."""

import re
from functools import cache

from poller.config.settings import load
from poller.sources.rest import Rest
from tests.commands.running import ROOT

FOLDER = ROOT / "docs/recipes"
RECIPES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def text_of(recipe: str) -> str:
    return (FOLDER / f"{recipe}.yaml").read_text(encoding="utf-8")


def made_up(recipe: str) -> dict[str, str]:
    """Return a value for each variable that a recipe takes from the environment."""
    return {name: f"made-up-{name.lower().replace('_', '-')}" for name in re.findall(r"\$\{(\w+)\}", text_of(recipe))}


@cache
def source_of(recipe: str) -> Rest:
    (source,) = load(FOLDER / f"{recipe}.yaml", made_up(recipe)).sources.values()
    assert isinstance(source, Rest)
    return source
