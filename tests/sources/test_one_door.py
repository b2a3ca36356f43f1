"""The vendors that are built in use what a plug-in may use, and nothing else."""

import ast
import inspect
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from types import ModuleType

import pytest

import outputs
from poller import plugin, sources
from tests.commands.running import ROOT

ROOM = Path(sources.__path__[0])
VENDORS = sorted(ROOM.glob("*/**/*.py"))


@pytest.mark.parametrize("path", VENDORS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_vendor_imports_of_poller_only_names_of_poller_plugin(path: Path) -> None:
    own = f"poller.sources.{path.relative_to(ROOM).parts[0]}"
    names = [(module, name) for module, name in _imported(path) if not f"{module}.".startswith(f"{own}.")]
    assert {module for module, _ in names} <= {"poller.plugin"}
    assert {name for _, name in names} <= set(plugin.__all__)


def test_every_name_of_the_two_interfaces_is_there() -> None:
    for module in (plugin, outputs):
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(("page", "module"), [("source", plugin), ("output", outputs)], ids=["source", "output"])
def test_the_page_explains_every_name_of_the_interface(page: str, module: ModuleType) -> None:
    text = next((ROOT / "docs").glob(f"adding-a*-{page}.md")).read_text()
    table = text[text.index("## Every name of") : text.index("## What is promised")]
    explained = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line)))
    assert explained - {"name"} == set(module.__all__)


def test_the_page_on_sources_spells_calls_as_they_are() -> None:
    text = (ROOT / "docs/adding-a-source.md").read_text().partition("## Every name of")[2]
    [block] = re.findall(r"(?s)```py\n(.*?)```", text)
    calls = [node.value for node in ast.parse(block).body if isinstance(node, ast.Expr)]
    assert len(calls) > 10, "or the search does not see them"
    for call in calls:
        assert isinstance(call, ast.Call)
        spelt = [*map(ast.unparse, call.args), *(f"{one.arg}={ast.unparse(one.value)}" for one in call.keywords)]
        assert spelt == _arguments(ast.unparse(call.func))


def _arguments(name: str) -> list[str]:
    """The arguments that a name of `poller.plugin` takes, with their defaults."""
    found = attrgetter(name.replace("http.", "Http."))(plugin)
    taken = [one for one in inspect.signature(found).parameters.values() if one.name != "self"]
    return [one.name if one.default is one.empty else f"{one.name}={_spelt(one.default)}" for one in taken]


def _spelt(default: object) -> str:
    """A default as a page shows it; of one that is made for each object, only a mapping is there."""
    return "{}" if repr(default) == "<factory>" else repr(default)


def _imported(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] in {"poller", "outputs"})
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in {"poller", "outputs"}:
            yield from ((str(node.module), alias.name) for alias in node.names)
