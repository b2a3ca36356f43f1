"""The vendors that are built in use what a plug-in may use, and nothing else."""

import ast
import re
from collections.abc import Iterator
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


def _imported(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] in {"poller", "outputs"})
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in {"poller", "outputs"}:
            yield from ((str(node.module), alias.name) for alias in node.names)
