"""docs/events.md names all fields and words of our kinds, and no others."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from poller.plugin import kinds

PAGE = (Path(__file__).parents[2] / "docs/events.md").read_text()
SECTION = PAGE[PAGE.index("## Kinds") : PAGE.index("## Progress")]


def paths(kind: type[Any]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from (f"{field.encode_name}.{inner}" for inner in paths(field.type))
        else:
            yield field.encode_name


@pytest.mark.parametrize("kind", [kinds.Call, kinds.Lead, kinds.DialAttempt])
def test_the_page_names_every_field(kind: type[kinds.Kind]) -> None:
    (row,) = re.findall(rf"^\| {kind.KIND} \| (.*) \|$", SECTION, re.MULTILINE)
    assert re.findall(r"`([\w.]+)`", row) == [path for path in paths(kind) if path != "id"]


@pytest.mark.parametrize("words", [kinds.Direction, kinds.CallStatus, kinds.LeadStatus])
def test_the_page_names_every_word(words: Any) -> None:
    assert {f"`{word}`" for word in get_args(words)} <= set(re.findall(r"`\w+`", SECTION))


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_no_field_hides_a_type_that_a_field_has(kind: type[kinds.Kind]) -> None:
    """Python 3.14 reads annotations late, in the class: `poller schema event` failed there for a field named list."""
    fields = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(kind)))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    used = {name.id for field in fields for name in ast.walk(field.annotation) if isinstance(name, ast.Name)}
    assert not used & {field.target.id for field in fields if isinstance(field.target, ast.Name)}
